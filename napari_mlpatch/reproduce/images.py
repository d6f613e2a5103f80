"""The images that rows are computed on, from the folder that the user gives."""

from __future__ import annotations

from pathlib import Path

from napari_mlpatch.torch_later import Tensor
from napari_mlpatch.training import Files
from napari_mlpatch.training.data import open_data

BODY, HEAD = (-1000.0, 1000.0), (24.0, 2024.0)
"""Hounsfield units of the body's slices and raw numbers of the head's (1024 more) that are taken to 0 and 1."""


def photographs(data: Path, name: str) -> list[Tensor]:
    """All pictures of a folder, ``[1, 1, rows, columns]``, 8 bits taken to 0..1."""
    return _all(Files(paths=(str(data / name),), hold_out=0))


def slices(data: Path, name: str, values: tuple[float, float], shrink: int = 1) -> list[Tensor]:
    """All slices of a stack, ``[1, 1, rows, columns]``; ``values`` are taken to 0 and 1, others are clipped.

    ``shrink``: means over blocks of so many pixels a side are taken.
    """
    low, high = values
    return _all(Files(paths=(str(data / name),), low=low, high=high, hold_out=0, shrink=shrink))


def middle(x: Tensor, width: int) -> Tensor:
    """The square in the middle, so many pixels wide."""
    top, left = ((n - width) // 2 for n in x.shape[-2:])
    return x[..., top : top + width, left : left + width]


def spread(images: list[Tensor], count: int) -> list[Tensor]:
    """So many images: the first one, and every n-th after it."""
    return images[:: max(1, len(images) // count)][:count]


def chosen(images: list[Tensor], count: int | None) -> list[Tensor]:
    """All of them, or so many evenly."""
    return images if count is None else spread(images, count)


def _all(files: Files) -> list[Tensor]:
    pictures, _ = open_data(files)
    return [pictures.image(k) for k in range(len(pictures))]
