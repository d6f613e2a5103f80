"""The images that a recipe names, for training and for validation."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import torch

from napari_mlpatch import io
from napari_mlpatch.core.budget import reserve
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of

from .pictures import Pictures
from .recipe import Files, Synthetic
from .synthetic import draw

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".npy", ".npz")


def open_data(
    data: Files | Synthetic, root: str | os.PathLike[str] = ".", device: torch.device | str = "cpu"
) -> tuple[Pictures, Pictures | None]:
    """Images for training, and those held out for validation (None if there are none).

    Relative paths start at ``root``. Raises InputError for missing and unreadable files, for NaN and infinite values,
    and if nothing is left.
    """
    if isinstance(data, Synthetic):
        count = data.count * data.colours * data.size**2
        reserve(8 * count, f"{data.count} images of {data.size} x {data.size} pixels", "Draw fewer, or smaller ones.")
        images = draw(data.kind, data.count, data.size, data.colours, seed=2**31)
    else:
        files = [file for path in data.paths for file in _files(path_of(root, "The folder of data") / _user(path))]
        images, held = [], 0
        for file in files:
            more = _images(file, data)
            held += sum(image.nbytes for image in more)
            reserve(2 * held, f"The images up to {file}", "Train on fewer of them.")  # once more when put together
            images += more
    if len(images) <= data.hold_out:
        raise InputError(
            f"There are {len(images)} images, and {data.hold_out} of them are held out. Lower hold_out or add images."
        )
    count = len(images) - data.hold_out
    return Pictures(images[:count], device), Pictures(images[count:], device) if data.hold_out else None


def _user(path: str) -> Path:
    """With ``~`` filled in, but still relative where it is."""
    return path_of(path) if path.startswith("~") else Path(path)


def _files(path: Path) -> list[Path]:
    try:
        return _found(path)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}.") from None


def _found(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
        if not found:
            raise InputError(f"The folder {path} holds no {', '.join(PICTURES)} files. Choose another.")
        return found
    if not path.is_file():
        raise InputError(f"There is no file or folder {path.absolute()}. Relative paths start at the folder of data.")
    return [path]


def _images(path: Path, data: Files) -> list[np.ndarray]:
    """The images ``[C, H, W]`` of a file, uint8 or float32."""
    if path.suffix.lower() == ".npz":
        stack = _stack(io.existing_file(path))
    elif path.suffix.lower() in (".tif", ".tiff", ".npy"):
        stack = io.read_numbers(path)
    else:
        stack = io.open_picture(io.existing_file(path))[0]
    if stack.ndim >= 3 and stack.shape[-1] in (3, 4) and stack.shape[-1] < stack.shape[-2]:
        stack = stack[..., :3] if data.colours == 3 else _grey(stack[..., :3])
    elif data.colours == 3:
        raise InputError(f"{path} is grey, but the recipe asks for three colours. Use other images or colours = 1.")
    rank = 3 if data.colours == 3 else 2
    stack = stack.reshape(-1, *stack.shape[-rank:])
    images = [_scaled(image if rank == 2 else np.moveaxis(image, -1, 0), data) for image in stack]
    bad = sum(image.size - int(np.isfinite(image).sum()) for image in images)
    if bad:
        raise InputError(
            f"{path} holds {bad} values that are NaN or infinite, of {sum(image.size for image in images)}. "
            "Replace them by numbers, or leave the file out."
        )
    return images


def _stack(path: Path) -> np.ndarray:
    """The largest array of images in a .npz file."""
    arrays = [array for array in io.stored_npz(path).values() if len(array.shape) >= 2]
    if not arrays:
        raise InputError(f"{path} holds no array of images. One of numbers, [images, rows, columns], is needed.")
    return max(arrays, key=lambda array: math.prod(array.shape)).read(())


def _grey(stack: np.ndarray) -> np.ndarray:
    grey = stack.astype(np.float32) @ np.array([0.2125, 0.7154, 0.0721], np.float32)
    return grey if stack.dtype.kind == "f" else np.rint(grey).astype(stack.dtype)


def _scaled(image: np.ndarray, data: Files) -> np.ndarray:
    image = image if image.ndim == 3 else image[None]
    if data.low is not None and data.high is not None:
        return np.clip((image.astype(np.float32) - data.low) / (data.high - data.low), 0, 1)
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind in "iu" and image.dtype.itemsize > 2:
        raise InputError(
            f"The images hold {image.dtype} numbers from {image.min()} to {image.max()}, of which nothing says what is "
            "white. Give low and high in the recipe's data."
        )
    if image.dtype.kind in "iu":
        return image.astype(np.float32) / np.iinfo(image.dtype).max
    return image.astype(np.float32)
