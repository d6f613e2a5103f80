"""Regions of interest: which pixels of a picture a figure is about."""

from __future__ import annotations

import re
from typing import Any

from napari_mlpatch.torch_later import Tensor, torch

from .arguments import as_tensor
from .errors import InputError

RECTANGLE = re.compile(r"\s*(\d*)\s*:\s*(\d*)\s*,\s*(\d*)\s*:\s*(\d*)\s*")


def rectangle(text: str, shape: tuple[int, int]) -> tuple[slice, slice]:
    """``"r0:r1,c0:c1"`` as slices of rows and columns, the ends excluded as in Python; left out: to the border.

    Raises InputError where nothing of a picture of that shape is in it.
    """
    found = RECTANGLE.fullmatch(text)
    if found is None:
        raise InputError(f"A region is written r0:r1,c0:c1 (rows, columns; ends excluded), got {text!r:.60}.")
    r0, r1, c0, c1 = (int(digits[:9]) if digits else None for digits in found.groups())
    rows, columns = (slice(*slice(*ends).indices(n)[:2]) for ends, n in (((r0, r1), shape[0]), ((c0, c1), shape[1])))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        raise InputError(f"The region {text!r:.60} holds no pixel of a picture of {shape[0]} x {shape[1]} pixels.")
    return rows, columns


def mask_of(region: Any, shape: tuple[int, int]) -> Tensor:
    """A region as a bool mask ``[rows, columns]``.

    It is such a mask (values other than 0 are inside), the text of a ``rectangle``, or two slices of rows and columns.
    Raises InputError where it is of another shape, or empty.
    """
    if isinstance(region, str):
        region = rectangle(region, shape)
    if isinstance(region, tuple) and len(region) == 2 and all(isinstance(part, slice) for part in region):
        mask = torch.zeros(shape, dtype=torch.bool)
        mask[region] = True
    else:
        mask = as_tensor(region, "The mask of a region") != 0
    if tuple(mask.shape) != tuple(shape):
        raise InputError(
            f"The mask of a region has shape {list(mask.shape)}, the picture {list(shape)}. They must be equal."
        )
    if not mask.any():
        raise InputError("The region holds no pixel. Draw it inside the picture.")
    return mask


def pixels(x: Tensor, mask: Tensor) -> Tensor:
    """The pixels ``[B, C, n]`` of pictures ``[B, C, rows, columns]`` inside a mask."""
    return x[..., mask.to(x.device)]


def mean(inside: Tensor) -> float:
    """Mean over the pixels ``[B, C, n]`` of a region."""
    return float(inside.double().mean())


def standard_deviation(inside: Tensor) -> float:
    """Standard deviation over the pixels ``[B, C, n]`` of a region, of each item about its own mean, ``1 / (n - 1)``.

    The root of the mean over items and channels of their variances; NaN of a single pixel.
    """
    return float(inside.double().var(-1).mean().sqrt()) if inside.shape[-1] > 1 else float("nan")


def contrast_to_noise(inside: Tensor, background: Tensor) -> float:
    """Contrast-to-noise ratio ``|mean inside - mean of the background| / SD of the background``, mean over the items.

    Pixels ``[B, C, n]`` and ``[B, C, m]``; NaN where the background does not vary, or has no two pixels.
    """
    if background.shape[-1] < 2:
        return float("nan")
    inside, background = inside.double(), background.double()
    contrast = (inside.mean(-1) - background.mean(-1)).abs()
    noise = background.std(-1)
    return float(torch.where(noise > 0, contrast / noise, torch.nan).mean())
