"""Where the rays of a fan beam lie, and how often each was measured.

The source goes round the rotation axis at the distance R; the detector stands at the distance D from the source. The
ray at the fan angle gamma from the central one is the ray of the parallel beam at

    theta = beta - gamma,    s = R sin(gamma)

beta the angle of the view. On a flat detector ``tan(gamma) = u / D``, on one curved about the source ``gamma = u / D``,
u the place on the detector. The same ray is seen from behind at ``(beta + 180° - 2 gamma, -gamma)``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from .arcs import Steps, arcs

# Rays in a gap of so many long steps (see ``arcs.py``) count as not measured, so that their twins stand for them. Where
# there is no twin, the views beside the gap do, up to so many degrees.
MISSED = (2.0, 4.0)
FILLED = (60.0, 120.0)


def fan_angle(u: np.ndarray, distance: float, is_flat: bool) -> np.ndarray:
    """gamma in radians of the place ``u`` on a detector at ``distance`` from the source."""
    return np.arctan(u / distance) if is_flat else u / distance


def parallel_rays(angles_deg: Iterable[float], gamma: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """theta in radians and s of all rays, both ``[views, bins]``."""
    beta = np.radians(np.asarray(tuple(angles_deg)))[:, None]
    return beta - gamma, np.broadcast_to(radius * np.sin(gamma), (len(beta), len(gamma)))


def view_weights(angles_deg: Iterable[float]) -> np.ndarray:
    """The arc in radians that each view stands for in a full turn."""
    return arcs(angles_deg, 360.0, widest=FILLED)


def redundancy(angles_deg: Iterable[float], gamma: np.ndarray, axis_bin: float) -> np.ndarray:
    """The share ``[views, bins]`` of each measured ray in what is known of it: those of a ray and of its twin sum to 1.

        sin²(pi / 2 · e / (e + e'))

    e is how far the ray lies from the ends of the scan and of the detector, e' the same for its twin, zero where that
    was not measured. It is 1/2 everywhere for a full turn, Parker's weight for the shortest scan that is complete (half
    a turn and the fan: D. L. Parker, Med. Phys. 9, 1982), and blends smoothly for scans in between and for detectors
    that are moved to one side. Rays that were never measured count as zero.
    """
    beta = np.asarray(tuple(angles_deg))[:, None]
    bins = np.arange(len(gamma))
    twin_beta = beta + 180.0 - 2.0 * np.degrees(gamma)

    def inside(bin_coordinate: np.ndarray) -> np.ndarray:
        return np.maximum(np.minimum(bin_coordinate + 0.5, len(gamma) - 0.5 - bin_coordinate), 0.0)

    distance = from_scan_ends(beta, beta) * inside(bins)
    twin = from_scan_ends(beta, twin_beta) * inside(2.0 * axis_bin - bins)
    return np.sin(0.5 * math.pi * distance / (distance + twin)) ** 2


def from_scan_ends(angles_deg: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """How many degrees within the arcs of the scan the angles ``wanted`` lie: 0 outside, 180 where there are no ends.

    An arc ends where a wide gap leaves a hole (see ``arcs.py``). Of one that is only partly open, by the share p, it is
    ``distance + 180 (1 / p - 1)``, so that it fades in as the gap grows.
    """
    steps = Steps.of(angles_deg.ravel(), 360.0, limits=MISSED)
    result = np.full_like(wanted, 180.0)
    for k in np.flatnonzero(steps.openness > 0):
        start = steps.place[k] + 0.5 * steps.filled[k]
        width = steps.gap[k] - steps.filled[k]
        place = np.mod(wanted - start, 360.0)
        distance = np.where(place < width, 0.0, np.minimum(place - width, 360.0 - place))
        result = np.minimum(result, distance + 180.0 * (1.0 / steps.openness[k] - 1.0))
    return result
