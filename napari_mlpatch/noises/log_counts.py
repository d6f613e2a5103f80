"""How far the logarithm of a few counts is from that of their expectation."""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy  # its parts load when they are used
from numpy.typing import NDArray

from napari_mlpatch.torch_later import Tensor, torch

FEWEST, MANY = 1e-3, 400.0  # expected counts, between which there is a table
POINTS = 900


def mean_square_of_log(expected: Tensor) -> Tensor:
    """``E (log max(N, 1) - log n)²`` of Poisson counts N with expectation n, at each n; float64.

    Below 400 from sums over N (an interpolated table, to 1e-4), above by ``1 / n + 7 / (4 n²)``, to 1e-5; below 0.001
    as at 0.001.
    """
    n = expected.double()
    grid, values = _table()
    few = np.interp(n.clamp(FEWEST, MANY).log().cpu().numpy(), grid, values)
    many = n.clamp(min=MANY)
    return torch.where(n < MANY, torch.from_numpy(few).to(n.device), 1.0 / many + 1.75 / many.square())


@cache
def _table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """log n, and the mean square there."""
    grid = np.linspace(np.log(FEWEST), np.log(MANY), POINTS)
    counts = np.arange(700)
    chance = scipy.stats.poisson.pmf(counts, np.exp(grid)[:, None])
    return grid, (chance * (np.log(np.maximum(counts, 1)) - grid[:, None]) ** 2).sum(1)
