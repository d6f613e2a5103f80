"""How much each ray of a parallel-beam scan counts in filtered back-projection.

The ray at bin s of view theta is seen again, from behind, at bin -s (from the axis) of view theta + 180 degrees: its
twin. Where both bins lie on the detector, views at theta and at theta + 180 degrees measure the same and share the arcs
of half a circle. With the axis far from the detector's middle (half acquisition: a full turn of an object up to twice
as wide as the detector) the outer rays have no twin: only views of their own side share the full circle. From the one
to the other the weights go smoothly, over half of the detector's overlap with its mirror image, so that at every line
the weights of all who see it add up to its arc. See G. Wang, Med. Phys. 29, 1634 (2002).
"""

from __future__ import annotations

import numpy as np

from .arcs import Steps, arcs

HALF_A_TURN = (120.0, 175.0)  # degrees: what a scan of half a turn did not see from one side is not filled


def ray_weights(angles_deg: tuple[float, ...], bins: int, axis_bin: float) -> np.ndarray:
    """Weights ``[angles, bins]`` in radians.

    With A the arc of a view among those of its own side (modulo 360 degrees), U among all (modulo 180), v a taper that
    rises from 0 at the ends of the detector to 1, v' that of the twin's bin, and t whether the scan has its angle:

        t (min(v, v') U + max(v - v', 0) A) / max(v, v') + (1 - t) U
    """
    union = arcs(angles_deg, 180.0)[:, None]
    place = np.arange(bins)
    mirrored = 2.0 * axis_bin - place
    overlap = max(min(axis_bin + 0.5, bins - 0.5 - axis_bin), 0.5)

    def taper(bin_coordinate: np.ndarray) -> np.ndarray:
        inside = np.minimum(bin_coordinate + 0.5, bins - 0.5 - bin_coordinate)
        part = np.clip(inside / overlap, 0.0, 1.0)
        return part * part * (3.0 - 2.0 * part)

    own, twin = taper(place), taper(mirrored)
    alone = np.maximum(own - twin, 0.0) / np.maximum(own, twin)
    if not alone.any():
        return np.repeat(union, bins, axis=1)
    one_sided = arcs(angles_deg, 360.0, widest=HALF_A_TURN)[:, None]
    both = np.minimum(own, twin) / np.maximum(own, twin) * union + alone * one_sided
    twice = is_seen_twice(angles_deg)[:, None]
    return twice * both + (1.0 - twice) * union


def is_seen_twice(angles_deg: tuple[float, ...]) -> np.ndarray:
    """Whether a scan has each angle's opposite ``[angles]``: 1, falling to 0 in half a typical step into a hole."""
    steps = Steps.of(angles_deg, 360.0, widest=HALF_A_TURN)
    place = np.mod(np.asarray(angles_deg) + 180.0, 360.0)
    k = np.searchsorted(steps.place, place, side="right") - 1
    after = np.mod(place - steps.place[k], 360.0)
    into = np.minimum(after, steps.gap[k] - after) - 0.5 * steps.filled[k]
    return 1.0 - steps.openness[k] * np.clip(2.0 * into / steps.typical, 0.0, 1.0)
