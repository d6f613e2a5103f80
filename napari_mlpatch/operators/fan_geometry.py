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

from .parallel_beam import WEDGE, angle_weights


def fan_angle(u: np.ndarray, distance: float, is_flat: bool) -> np.ndarray:
    """gamma in radians of the place ``u`` on a detector at ``distance`` from the source."""
    return np.arctan(u / distance) if is_flat else u / distance


def parallel_rays(angles_deg: Iterable[float], gamma: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """theta in radians and s of all rays, both ``[views, bins]``."""
    beta = np.radians(np.asarray(tuple(angles_deg)))[:, None]
    return beta - gamma, np.broadcast_to(radius * np.sin(gamma), (len(beta), len(gamma)))


def view_weights(angles_deg: Iterable[float]) -> np.ndarray:
    """The arc in radians that each view stands for in a full turn; gaps of more than 20 degrees are not filled."""
    return 2.0 * angle_weights(0.5 * np.asarray(tuple(angles_deg)))  # which counts modulo half a turn


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
    """How many degrees within the arcs of the scan the angles ``wanted`` lie, zero outside; 1 where there are no ends.

    Each view stands for half a step to both sides. A wide gap (see ``angle_weights``) ends an arc.
    """
    measured = np.unique(np.mod(np.round(angles_deg, 6), 360.0))
    gaps = np.diff(np.append(measured, measured[0] + 360.0))
    step = float(np.median(gaps))
    is_wide = gaps > max(4.0 * step, 2.0 * WEDGE)
    if not is_wide.any():
        return np.ones_like(wanted)
    starts, ends = np.roll(measured, -1)[is_wide], measured[is_wide]
    result = np.zeros_like(wanted)
    for start, end in zip(starts, np.roll(ends, -1), strict=True):
        length = np.mod(end - start, 360.0) + step
        place = np.mod(wanted - start + 0.5 * step, 360.0)
        result = np.maximum(result, np.minimum(place, length - place))
    return result
