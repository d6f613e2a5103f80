"""The rays of a fan, in two steps: tables that are made quickly, for a picture that is made once."""

from __future__ import annotations

import numpy as np
import scipy  # its parts load when they are used

from napari_mlpatch.torch_later import Tensor, torch

from .gridding import csr
from .rays import TAPS_S, TAPS_THETA, FineGrid, RayTransform, between_angles, between_samples


class RaysInSteps(RayTransform):
    """The same as ``RayTransform`` for rays whose s is that of their bin: W = T S.

    S interpolates the parallel rows along s at each bin, once seen from the front and once from behind, T between the
    angles: a quarter of the entries of W. Products take as long, or a little longer.
    """

    def __init__(
        self, grid: FineGrid, theta: np.ndarray, s: np.ndarray, *, device: torch.device | str, dtype: torch.dtype
    ):
        """``theta`` in radians ``[views, bins]`` and ``s`` ``[bins]``."""
        precision = np.float32 if dtype == torch.float32 else np.float64
        bins = len(s)
        row, is_behind, weight, rows = between_angles(grid, theta.ravel(), precision)
        index = (np.tile(np.arange(bins, dtype=np.int32), len(theta))[:, None] + bins * is_behind) * len(rows) + row
        start = np.arange(theta.size + 1) * TAPS_THETA
        shape = (theta.size, 2 * bins * len(rows))
        T = scipy.sparse.csr_matrix((weight.ravel(), index.ravel(), start), shape=shape)
        sample, weight = between_samples(grid, s, precision)
        both = np.concatenate([sample, grid.samples - 1 - sample])
        start = np.arange(2 * bins + 1) * TAPS_S
        shape = (2 * bins, grid.samples)
        S = scipy.sparse.csr_matrix((np.tile(weight, (2, 1)).ravel(), both.ravel(), start), shape=shape)
        self._T, self._TT, self._S, self._ST = (csr(m, device) for m in (T, T.T.tocsr(), S, S.T.tocsr()))
        self._set_up(grid, rows, device, dtype)

    def _read(self, rows: Tensor) -> Tensor:
        return torch.stack([self._T @ (self._S @ item.mT).flatten() for item in rows])

    def _spread(self, y: Tensor) -> Tensor:
        spread = ((self._TT @ item).unflatten(0, (self._S.shape[0], -1)) for item in y)
        return torch.stack([(self._ST @ part).mT for part in spread])
