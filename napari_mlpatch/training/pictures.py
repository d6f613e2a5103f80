"""Images in memory, of any sizes, and random parts of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from napari_mlpatch.core.budget import reserve
from napari_mlpatch.core.errors import InputError

EDGE = 0.001
SEEN = 2**20
"""Of more values, so many that are drawn tell how they are spread."""


class Pictures:
    """Images ``[C, H, W]`` one after the other in one flat tensor, so that one gather reads from many of them.

    8-bit images stay 8-bit in memory; what is read is float32 in 0..1 (or the values as they were given).
    """

    def __init__(self, images: Sequence[np.ndarray], device: torch.device | str = "cpu"):
        if not images:
            raise InputError("There are no images to train on. Give a folder with .png, .jpg, .tif or .npz files.")
        self.channels = images[0].shape[0]
        self.eight_bit = all(image.dtype == np.uint8 for image in images)
        shapes = np.array([image.shape[1:] for image in images], np.int64)
        starts = np.concatenate([[0], np.cumsum([image.size for image in images])[:-1]])
        kind = np.uint8 if self.eight_bit else np.float32
        values = np.concatenate([np.ravel(image if self.eight_bit else _real(image)).astype(kind) for image in images])
        self.values = torch.from_numpy(values).to(device)
        self.shapes = torch.from_numpy(shapes).to(device)
        self.device = self.values.device
        self.starts = torch.from_numpy(starts).to(device)
        self.smallest = int(shapes.min())
        """Of the numbers of rows and of columns."""
        self._sides: list[int] = shapes.min(0).tolist()
        low, high = float(values.min()), float(values.max())
        few = values if len(values) <= SEEN else values[np.random.default_rng(0).integers(0, len(values), SEEN)]
        bulk = [float(level) for level in np.quantile(few, (EDGE, 1 - EDGE))]
        scale = 255 if self.eight_bit else 1
        self.span = low / scale, high / scale
        """The least and the largest value."""
        self.bulk = bulk[0] / scale, bulk[1] / scale
        """The same without a thousandth of the values at either end, such as those of hot pixels."""

    def __len__(self) -> int:
        return len(self.shapes)

    def first(self, count: int) -> Pictures:
        """The first images, in the same memory."""
        found = copy.copy(self)
        found.shapes, found.starts = self.shapes[:count], self.starts[:count]
        return found

    def image(self, k: int) -> Tensor:
        """``[1, C, H, W]``."""
        rows, columns = self.shapes[k].tolist()
        start = int(self.starts[k])
        return self._read(self.values[start : start + self.channels * rows * columns]).view(1, -1, rows, columns)

    def neighbourhoods(self, images: int, pixels: int, radius: int, random: torch.Generator) -> Tensor:
        """The pixels around ``pixels`` random pixels of each of ``images`` random images:
        ``[images · pixels, C, n, n]``, n = 2 radius + 1, all inside the images.
        """
        return self._gather(images, pixels, 2 * radius + 1, random)

    def crops(self, images: int, size: int | tuple[int, int], random: torch.Generator) -> Tensor:
        """A random crop of each of ``images`` random images: ``[images, C, *size]``, square where it is one number."""
        return self._gather(images, 1, size, random)

    def _gather(self, images: int, each: int, size: int | tuple[int, int], random: torch.Generator) -> Tensor:
        height, width = sides(size)
        too_small(self._sides, (height, width))
        device = self.values.device
        if device.type == "cpu":
            count = images * each * self.channels * height * width
            reserve(20 * count, "A step of the training", "Lower images, pixels or crop.")  # indices, values, noise
        which = torch.randint(len(self), (images,), generator=random, device=device).repeat_interleave(each)
        taken = self.shapes.new_tensor([height, width]) if height != width else height
        room = self.shapes[which] - taken + 1
        corner = (torch.rand(len(which), 2, generator=random, device=device, dtype=torch.float64) * room).long()
        rows, columns = self.shapes[which].unbind(1)
        at = self.starts[which] + corner[:, 0] * columns + corner[:, 1]
        down, across = torch.arange(height, device=device), torch.arange(width, device=device)
        inside = down[:, None] * columns[:, None, None] + across
        index = at[:, None, None] + inside
        planes = torch.arange(self.channels, device=device)[:, None, None]
        index = index[:, None] + planes * (rows * columns)[:, None, None, None]
        return self._read(self.values[index])

    def _read(self, values: Tensor) -> Tensor:
        return values.float().div_(255) if self.eight_bit else values


def parts_of(images: Tensor, each: int, size: int | tuple[int, int], random: torch.Generator) -> Tensor:
    """``each`` random parts ``[B · each, C, *size]`` of images ``[B, C, rows, columns]`` of one shape."""
    height, width = sides(size)
    rows, columns = images.shape[-2:]
    too_small([rows, columns], (height, width))
    if each == 1 and (height, width) == (rows, columns):
        return images
    if images.device.type == "cpu":
        values = len(images) * each * images.shape[1] * height * width
        reserve(20 * values, "A step of the training", "Lower images, pixels or crop.")
    draws = torch.rand(2, len(images) * each, generator=random, device=images.device, dtype=torch.float64)
    top, left = (draws[0] * (rows - height + 1)).long(), (draws[1] * (columns - width + 1)).long()
    which = torch.arange(len(images), device=images.device).repeat_interleave(each)
    down = top[:, None] + torch.arange(height, device=images.device)
    across = left[:, None] + torch.arange(width, device=images.device)
    return images.movedim(1, -1)[which[:, None, None], down[:, :, None], across[:, None, :]].movedim(-1, 1)


def sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """Rows and columns."""
    return (size, size) if isinstance(size, int) else size


def too_small(least: list[int], wanted: tuple[int, int]) -> None:
    """Raises InputError where the fewest rows and columns of images are less than what is read of them at once."""
    if least[0] < wanted[0] or least[1] < wanted[1]:
        square = wanted[0] == wanted[1]
        has = f"only {min(least)} rows or columns" if square else f"at most {least[0]} rows and {least[1]} columns"
        raise InputError(
            f"An image has {has}, but {wanted[0] if square else f'{wanted[0]} x {wanted[1]}'} are read at once. "
            "Use larger images, a smaller patch, crop or operator; if the patch grew so far in training, "
            "lower the learning rate."
        )


def _real(image: np.ndarray) -> np.ndarray:
    return image / np.float32(255) if image.dtype == np.uint8 else image


def turned(x: Tensor, k: int) -> Tensor:
    """One of the eight symmetries of the square, for images ``[..., rows, columns]``: 0 changes nothing."""
    x = x.transpose(-1, -2) if k & 1 else x
    axes = [axis for axis, bit in ((-1, 2), (-2, 4)) if k & bit]
    return (x.flip(axes) if axes else x).contiguous()
