"""Rays that no view of a scan measures, and what to tell a person about them.

Every line is a direction and a distance from the rotation axis, and is seen from either end. Of the lines at one
distance, those measured at a bin and those measured at its mirror image about the axis make a full turn, if every line
counts once, as it does in filtered back-projection (``ray_shares.py``, ``fan_geometry.redundancy``). What is less than
a turn was not measured: a missing wedge, a turn that breaks off, the far side of an axis off the detector's middle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch

SIGNAL = 0.07  # of the largest root mean square of a bin: below, its rays pass through air
ENOUGH = 0.01  # of the rays at one distance may be missing without a word: 2 degrees of half a turn


def missing_share(turn: np.ndarray, axis_bin: float) -> np.ndarray:
    """Of the lines at each bin's distance from the axis ``[bins]`` the share that no view measures.

    ``turn`` are the radians ``[bins]`` of directions in which the rays at a bin count.
    """
    bins = np.arange(len(turn))
    mirrored = np.interp(2.0 * axis_bin - bins, bins, turn, left=math.nan, right=math.nan)
    at_the_end = np.abs(2.0 * axis_bin - bins - np.clip(2.0 * axis_bin - bins, 0, len(turn) - 1)) < 1.0
    mirrored = np.where(np.isnan(mirrored), np.where(at_the_end, turn, 0.0), mirrored)
    return np.clip(1.0 - (turn + mirrored) / (2.0 * math.pi), 0.0, 1.0)


def remark_on_coverage(
    y: Tensor, turn: np.ndarray, axis_bin: float, bins_per_pixel: float, angles_deg: Sequence[float], period: float
) -> tuple[str, ...]:
    """One sentence where rays through the object of ``y`` ``[B, C, views, bins]`` are missing, else none.

    After ``period`` degrees views see the same rays from behind.
    """
    missing = missing_share(turn, axis_bin)
    if missing.max() <= ENOUGH:
        return ()
    strength = torch.linalg.vector_norm(y.detach(), dim=(0, 1, 2), dtype=torch.float64).cpu().numpy()
    missing = np.where(strength > SIGNAL * strength.max(), missing, 0.0)
    share = float(missing.max())
    if share <= ENOUGH:
        return ()
    distance = np.abs(np.arange(len(turn)) - axis_bin)[missing > 0.5 * share].min() / bins_per_pixel
    period = period if distance < 2.0 else 360.0
    where = "" if distance < 2.0 else f" farther than {distance:.0f} pixels from the rotation axis"
    return (
        f"{_percent(share)} of the rays{where} are measured by no view{_gap(angles_deg, period)}: no method can know "
        "what they would say. Filtered back-projection takes them for zero, so that its values are too low there and "
        "streaks leave the edges along them; iterative methods depend on what they assume about the picture",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.0195 else f"{100 * share:.1f} %"


def _gap(angles_deg: Sequence[float], period: float) -> str:
    """Where no view looks."""
    views = np.unique(np.mod(np.asarray(angles_deg, dtype=float), period))
    gaps = np.diff(np.append(views, views[0] + period))
    widest = int(gaps.argmax())
    return f" (there is none between {views[widest]:.4g} and {views[widest] + gaps[widest]:.4g} degrees)"
