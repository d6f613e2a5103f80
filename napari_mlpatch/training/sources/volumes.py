"""Slices of medical volumes as images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.readers.medical import nifti_planes
from napari_mlpatch.io.resize import resize

SUFFIXES = (".nii", ".nii.gz")
FILLED = 0.2
"""Planes of which a smaller share is more than the volume's smallest value show next to nothing, and are left out."""


def is_volume(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES)


def slices_of(path: Path, scaled: bool) -> np.ndarray:
    """The axial planes of a NIfTI volume that show something, ``[planes, rows, columns]`` in float32.

    ``scaled``: the smallest value of the volume becomes 0 and the largest 1, as its numbers have no unit. Raises
    InputError where nothing is left.
    """
    values = nifti_planes(io.existing_file(path)).astype(np.float32)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    kept = values[(values > low).mean((1, 2)) >= FILLED]
    if not len(kept):
        raise InputError(f"{path} is nearly empty: no plane has {FILLED:.0%} above its smallest value, {low:g}.")
    return (kept - low) / (high - low) if scaled else kept


def fitted(image: np.ndarray, side: int) -> np.ndarray:
    """``[C, H, W]`` on a square of zeros with so many rows and columns, resampled so that its longer side fits.

    Coarser images are interpolated linearly, finer ones averaged. 8-bit images become float32 in 0..1.
    """
    rows, columns = (max(1, round(n * side / max(image.shape[1:]))) for n in image.shape[1:])
    values = image / np.float32(255) if image.dtype == np.uint8 else image
    if max(image.shape[1:]) >= side:
        found = np.stack([resize(channel, (rows, columns)) for channel in values])
    else:
        down, across = _linear(image.shape[1], rows), _linear(image.shape[2], columns)
        found = down @ values @ across.T
    square = np.zeros((len(image), side, side), np.float32)
    top, left = (side - rows) // 2, (side - columns) // 2
    square[:, top : top + rows, left : left + columns] = found
    return square


def _linear(old: int, new: int) -> np.ndarray:
    """``[new, old]``: linear interpolation between the centres of pixels."""
    at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    left = np.minimum(at.astype(int), max(old - 2, 0))
    weights = np.zeros((new, old), np.float32)
    weights[np.arange(new), left] = 1 - (at - left)
    if old > 1:
        weights[np.arange(new), left + 1] = at - left
    return weights
