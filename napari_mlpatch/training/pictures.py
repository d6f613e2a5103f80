"""Images in memory, of any sizes, and random parts of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from napari_mlpatch.core.budget import reserve
from napari_mlpatch.core.errors import InputError


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
        self.starts = torch.from_numpy(starts).to(device)

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def smallest(self) -> int:
        """Of the numbers of rows and of columns."""
        return int(self.shapes.min())

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

    def crops(self, images: int, size: int, random: torch.Generator) -> Tensor:
        """A random crop of each of ``images`` random images: ``[images, C, size, size]``."""
        return self._gather(images, 1, size, random)

    def _gather(self, images: int, each: int, size: int, random: torch.Generator) -> Tensor:
        if self.smallest < size:
            raise InputError(
                f"An image has only {self.smallest} rows or columns, but {size} are read at once. "
                "Use larger images, a smaller patch or a smaller crop; if the patch grew so far in training, "
                "lower the learning rate."
            )
        device = self.values.device
        if device.type == "cpu":
            count = images * each * self.channels * size**2
            reserve(20 * count, "A step of the training", "Lower images, pixels or crop.")  # indices, values, noise
        which = torch.randint(len(self), (images,), generator=random, device=device).repeat_interleave(each)
        room = self.shapes[which] - size + 1
        corner = (torch.rand(len(which), 2, generator=random, device=device, dtype=torch.float64) * room).long()
        rows, columns = self.shapes[which].unbind(1)
        at = self.starts[which] + corner[:, 0] * columns + corner[:, 1]
        axis = torch.arange(size, device=device)
        inside = axis[:, None] * columns[:, None, None] + axis
        index = at[:, None, None] + inside
        planes = torch.arange(self.channels, device=device)[:, None, None]
        index = index[:, None] + planes * (rows * columns)[:, None, None, None]
        return self._read(self.values[index])

    def _read(self, values: Tensor) -> Tensor:
        return values.float().div_(255) if self.eight_bit else values


def _real(image: np.ndarray) -> np.ndarray:
    return image / np.float32(255) if image.dtype == np.uint8 else image
