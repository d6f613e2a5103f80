"""Continuous super-resolution: an MLPatch network evaluated between the pixels.

>>> network = microscope.open_network(mp.weights.find("mlpatch-gray-small"))
>>> fine = zoom(network, image, sigma=0.05, factor=4)                                  # the whole picture
>>> part = zoom(network, image, sigma=0.05, factor=16, window=(10, 10, 20, 25))        # rows 10..20, columns 10..25

Pixel centres lie at integers. A grid that is ``factor`` times as dense covers the same area: the centre of its pixel i
is at ``(i + 0.5) / factor - 0.5``. So 2, 4 and 8 divide each pixel into 4, 16 and 64.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mlpatch.core.arguments import as_array
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import F, Tensor, torch

MOST_FACTOR = 64.0
MOST_PIXELS = 2**28
"""1 GiB."""
POSITIONS_AT_ONCE = 4096
MOST_REFINED, QUICK_PIXELS = 500_000, 16_384
"""Of a refined window: about those of a screen, and those that take no longer than a glance."""

Window = tuple[float, float, float, float]
"""Top, left, bottom and right edge in pixels of the image, whose own are -0.5, -0.5, rows - 0.5 and columns - 0.5."""


@dataclass(frozen=True)
class FineGrid:
    """``rows`` x ``columns`` pixels of the grid that is ``factor`` times as dense, from number ``top``, ``left`` on."""

    factor: float
    top: int
    left: int
    rows: int
    columns: int

    @property
    def origin(self) -> tuple[float, float]:
        """The centre of the first pixel, (row, column) in pixels of the image."""
        return (self.top + 0.5) / self.factor - 0.5, (self.left + 0.5) / self.factor - 0.5

    def centres(self, start: int = 0, stop: int | None = None) -> Tensor:
        """The centres of the rows start..stop-1, ``[rows * columns, 2]`` in pixels of the image."""
        stop = self.rows if stop is None else min(stop, self.rows)
        axes = (torch.arange(self.top + start, self.top + stop), torch.arange(self.left, self.left + self.columns))
        return torch.cartesian_prod(*((axis.double() + 0.5) / self.factor - 0.5 for axis in axes)).reshape(-1, 2)


def fine_grid(shape: tuple[int, ...], factor: float, window: Window | None = None) -> FineGrid:
    """The pixels, ``factor`` times as dense, whose centres lie in a window of an image ``[rows, columns]``.

    A window that juts out of the image is cut; without one it is the whole image. Raises InputError for factors that
    are not from 1 to 64, for windows outside the image or without a pixel, and for more than 2^28 pixels.
    """
    if not (math.isfinite(factor) and 1.0 <= factor <= MOST_FACTOR):
        raise InputError(f"The factor must be from 1 to {MOST_FACTOR:g}, got {factor:g}.")
    rows, columns = shape
    top, left, bottom, right = window or (-0.5, -0.5, rows - 0.5, columns - 0.5)
    if not all(map(math.isfinite, (top, left, bottom, right))) or top >= bottom or left >= right:
        seen = f"({top:g}, {left:g}, {bottom:g}, {right:g})"
        raise InputError(f"A window is (top, left, bottom, right), each edge before its opposite one, got {seen}.")
    if bottom <= -0.5 or right <= -0.5 or top >= rows - 0.5 or left >= columns - 0.5:
        raise InputError(
            f"The window of rows {top:g} to {bottom:g} and columns {left:g} to {right:g} lies outside the image, whose "
            f"rows go from -0.5 to {rows - 0.5} and columns from -0.5 to {columns - 0.5}."
        )
    (first, after), (start, stop) = _between(top, bottom, rows, factor), _between(left, right, columns, factor)
    if after <= first or stop <= start:
        raise InputError(f"No pixel centre lies in so small a window at the factor {factor:g}. Use a larger window.")
    if (after - first) * (stop - start) > MOST_PIXELS:
        raise InputError(
            f"{after - first} x {stop - start} pixels are more than fit into memory (2^28). "
            "Use a smaller factor or a part of the picture."
        )
    return FineGrid(float(factor), first, start, after - first, stop - start)


def zoom(network: Any, image: np.ndarray, sigma: float, factor: float, window: Window | None = None) -> np.ndarray:
    """What the network makes of an image ``[rows, columns]`` at the pixels of ``fine_grid``, float32.

    Values and ``sigma``, the standard deviation of the noise, are in the units that the network was trained in.
    With the factor 1 this is the network's output. Raises InputError like ``fine_grid``, for networks other than
    MLPatch, and for images that are not real, finite, or smaller than the patch.
    """
    grid = fine_grid(checked(image).shape, factor, window)
    return np.concatenate(list(strips(network, image, sigma, grid)))


def strips(network: Any, image: np.ndarray, sigma: float, grid: FineGrid) -> Iterator[np.ndarray]:
    """The same, some rows at a time from the top down, so that a caller can show progress or stop."""
    if not hasattr(network, "at"):
        kind = getattr(type(network), "architecture", type(network).__name__)
        raise InputError(f"A {kind} knows only the pixel grid. Use an MLPatch network: it has values in between.")
    x = torch.from_numpy(checked(image))[None, None]
    if not 0.0 <= sigma < math.inf:
        raise InputError(f"sigma, the standard deviation of the noise, must not be negative, got {sigma:g}.")
    at_once = max(1, POSITIONS_AT_ONCE // grid.columns)
    for start in range(0, grid.rows, at_once):
        with torch.no_grad():  # a generator's decorator ends at its first yield
            found = network.at(x, grid.centres(start, start + at_once), float(sigma))
        yield found[0, :, 0].reshape(-1, grid.columns).numpy()


def refinements(
    network: Any, image: np.ndarray, sigma: float, window: Window, factor: float
) -> Iterator[tuple[FineGrid, np.ndarray]]:
    """A window at up to ``factor``, coarse at first and then finer from the top down: whole pictures with their grids.

    The factor is lowered where there were more than ``MOST_REFINED`` pixels. Raises InputError like ``zoom``, and for
    windows of more pixels than that in the image itself.
    """
    area = math.prod(_size(fine_grid(checked(image).shape, 1.0, window)))
    if area > MOST_REFINED:
        raise InputError(f"The window holds {area} pixels, {MOST_REFINED} can be refined. Take a smaller one.")
    factor = max(1.0, min(factor, MOST_FACTOR, math.sqrt(MOST_REFINED / area)))
    quick = max(1.0, math.sqrt(QUICK_PIXELS / area))
    fine = fine_grid(image.shape, factor, window)
    out = np.zeros(_size(fine), np.float32)
    if factor > 1.5 * quick:
        coarse = fine_grid(image.shape, quick, window)
        found = np.concatenate(list(strips(network, image, sigma, coarse)))
        yield coarse, found
        out = found[np.ix_(*_nearest(coarse, fine))]
    row = 0
    for part in strips(network, image, sigma, fine):
        out[row : row + len(part)] = part
        row += len(part)
        if factor > 1.5 * quick or row == fine.rows:
            yield fine, out.copy()


@torch.no_grad()
def bicubic(image: np.ndarray, grid: FineGrid) -> np.ndarray:
    """Cubic convolution (Keys 1981, a = -0.75, reflecting at the border): what the network interpolates with."""
    x = torch.from_numpy(checked(image))[None, None]
    half = torch.tensor([max(n - 1, 1) / 2 for n in x.shape[-2:]], dtype=torch.float64)
    parts = []
    at_once = max(1, 2**18 // grid.columns)
    for start in range(0, grid.rows, at_once):
        places = (grid.centres(start, start + at_once) / half - 1).flip(-1).to(x.dtype)
        parts.append(
            F.grid_sample(x, places[None, None], mode="bicubic", padding_mode="reflection", align_corners=True)
        )
    return torch.cat([part.reshape(-1, grid.columns) for part in parts]).numpy()


def checked(image: np.ndarray) -> np.ndarray:
    """The image as float32. Raises InputError where it is not real, finite and ``[rows, columns]``."""
    array = as_array(image, "The image")
    if array.ndim != 2 or np.iscomplexobj(array) or array.size == 0:
        raise InputError(f"A real image [rows, columns] is needed, got {array.dtype} of shape {list(array.shape)}.")
    array = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(array).all():
        raise InputError("The image holds NaN or infinite values. Replace them first.")
    return array


def _size(grid: FineGrid) -> tuple[int, int]:
    return grid.rows, grid.columns


def _nearest(coarse: FineGrid, fine: FineGrid) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the coarse grid that are nearest to those of the fine one."""
    pairs = zip(_size(fine), _size(coarse), fine.origin, coarse.origin, strict=True)
    found = [
        np.rint((start + np.arange(n) / fine.factor - first) * coarse.factor).clip(0, most - 1).astype(int)
        for n, most, start, first in pairs
    ]
    return found[0], found[1]


def _between(low: float, high: float, size: int, factor: float) -> tuple[int, int]:
    """The numbers of the fine pixels with their centres from low to high, within the image."""
    slack = 1e-9 * size * factor  # rounding must not lose a pixel
    first = math.ceil((max(low, -0.5) + 0.5) * factor - 0.5 - slack)
    after = math.floor((min(high, size - 0.5) + 0.5) * factor - 0.5 + slack) + 1
    return max(first, 0), min(after, math.floor(size * factor + slack))
