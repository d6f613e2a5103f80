"""Pictures from files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch import io
from napari_mlpatch.core.budget import reserve
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of
from napari_mlpatch.core.registry import sources

from ..pictures import Pictures
from .source import Source, enough
from .volumes import SUFFIXES as VOLUMES
from .volumes import fitted, is_volume, slices_of

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".npy", ".npz", *VOLUMES)


@sources.register("files", title="Files")
@dataclass(frozen=True, config=CONFIG)
class Files(Source):
    """Images from files: folders (all their pictures, in the order of their names), stacks in .npz, single files, and
    the axial planes of NIfTI volumes (.nii, .nii.gz; nearly empty ones are left out).

    ``low`` and ``high`` are taken to 0 and 1, what lies beyond is clipped; without them, integers are divided by
    their type's largest value and real numbers are kept, but for those of a volume, which are divided by its largest.
    Of ``colours`` = 1, colour becomes grey.
    """

    paths: Annotated[tuple[str, ...], Field(min_length=1, description="folders and files")]
    low: Annotated[
        float | None,
        Field(description="this value becomes 0 (CT: -1000)", json_schema_extra={"none_means": "as it is"}),
    ] = None
    high: Annotated[
        float | None,
        Field(description="this value becomes 1 (CT: 1000)", json_schema_extra={"none_means": "as it is"}),
    ] = None
    colours: Annotated[Literal[1, 3], Field(description="1: grey, 3: red, green and blue")] = 1
    hold_out: Annotated[int, Field(ge=0, description="so many images at the end are for validation only")] = 10
    shrink: Annotated[int, Field(ge=1, le=64, description="means over blocks of so many pixels a side are taken")] = 1
    fit: Annotated[
        int | None,
        Field(
            ge=8,
            le=8192,
            description="images are resampled to so many pixels along their longer side and put on a square of zeros",
            json_schema_extra={"none_means": "as they are"},
        ),
    ] = None
    about: Annotated[str, Field(description="what they are, for the card of the weights")] = ""
    licence: Annotated[str, Field(description="of the images, for the card of the weights")] = ""

    @model_validator(mode="after")
    def _range(self) -> Files:
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high are given both or not at all")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"low must be less than high, got {self.low} and {self.high}")
        return self

    def open(self, root: Path, device: torch.device) -> tuple[Pictures, Pictures | None]:
        images, held = [], 0
        for file in files_of(self.paths, root):
            more = [shrunk(image, self.shrink, file) for image in _images(file, self)]
            if self.fit is not None:
                more = [fitted(image, self.fit) for image in more]
            held += sum(image.nbytes for image in more)
            reserve(2 * held, f"The images up to {file}", "Train on fewer of them.")  # once more when put together
            images += more
        enough(len(images), self.hold_out)
        if all(image.min() == image.max() for image in images):
            raise InputError(
                f"In each of the {len(images)} images all values are the same ({images[0].flat[0]:g} in the first): "
                "there is nothing to learn. Check low, high and the files."
            )
        count = len(images) - self.hold_out
        return Pictures(images[:count], device), Pictures(images[count:], device) if self.hold_out else None

    @property
    def words(self) -> str:
        return self.about or ", ".join(self.paths)

    @property
    def terms(self) -> str:
        return self.licence or "unknown"


def files_of(paths: tuple[str, ...], root: Path, suffixes: tuple[str, ...] = PICTURES) -> list[Path]:
    """All files of these folders and files; relative ones start at ``root``. Raises InputError for missing ones."""
    return [file for path in paths for file in _files(root / _user(path), suffixes)]


def shrunk(image: np.ndarray, factor: int, path: Path) -> np.ndarray:
    """Means over blocks of factor x factor pixels of ``[C, H, W]``; incomplete ones at the end are left out."""
    if factor == 1:
        return image
    rows, columns = (n // factor for n in image.shape[1:])
    if not rows or not columns:
        raise InputError(
            f"An image in {path} has {image.shape[1]} x {image.shape[2]} pixels, too few to shrink it {factor} times."
        )
    blocks = image[:, : rows * factor, : columns * factor].reshape(len(image), rows, factor, columns, factor)
    mean = blocks.mean((2, 4), dtype=np.float32)
    return mean / np.float32(255) if image.dtype == np.uint8 else mean


def _user(path: str) -> Path:
    """With ``~`` filled in, but still relative where it is."""
    return path_of(path) if path.startswith("~") else Path(path)


def _files(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    try:
        return _found(path, suffixes)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}.") from None


def _found(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.name.lower().endswith(suffixes))
        if not found:
            raise InputError(f"The folder {path} holds no {', '.join(suffixes)} files. Choose another.")
        return found
    if not path.is_file():
        raise InputError(f"There is no file or folder {path.absolute()}. Relative paths start at the folder of data.")
    return [path]


def _images(path: Path, data: Files) -> list[np.ndarray]:
    """The images ``[C, H, W]`` of a file, uint8 or float32."""
    if is_volume(path):
        stack = slices_of(path, scaled=data.low is None)
    elif path.suffix.lower() == ".npz":
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
