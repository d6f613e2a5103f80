"""A full turn about an axis near the detector's edge: half a turn of a detector nearly twice as wide."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import care_steps

from .step import Geometry, Step

FEWEST = 2
"""Bins that opposite views share at least."""


@care_steps.register("stitch", title="Full turn to half a turn")
@dataclass(frozen=True, config=CONFIG)
class Stitch(Step):
    """Each view of the first half turn is joined to the mirrored view opposite, seen from behind.

    With the axis near one end of the detector a full turn sees twice its width. Where both views see the object they
    are blended linearly; a view opposite that lies between two measured ones is interpolated between these.

    Equation:
        y(θ, s) ← w(s) y(θ, s) + (1 - w(s)) y(θ + 180°, 2c - s),   0° ≤ θ < 180°
        w: from 1 to 0 over the overlap, which is 2 (bins - c) - 1 bins for an axis at the right

    When to use it:
        Half acquisition (an axis off the middle, a full turn), for methods and programs that expect half a turn, or for
        half of the memory. ``parallel-beam`` reconstructs full turns about an axis off the middle also as they are.

    References:
        - N. T. Vo, R. C. Atwood, M. Drakopoulos & T. Connolley, Data processing methods and data acquisition for
          samples larger than the field of view in parallel-beam tomography, Optics Express 29, 17849 (2021).
          doi:10.1364/OE.418448
    """

    center: Annotated[
        float | None,
        Field(
            ge=0,
            description="bin of the axis, the same in all slices",
            json_schema_extra={"unit": "bins", "none_means": "the recipe's"},
        ),
    ] = None

    def apply(self, block: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
        center = self._center(geometry)
        out, angles, center = stitched(block, geometry.angles_deg, center)
        return out, dataclasses.replace(geometry, angles_deg=angles, centers=np.full(len(block), center))

    def _center(self, geometry: Geometry) -> float:
        if self.center is not None:
            return self.center
        if geometry.centers is None:
            raise InputError("Opposite views are joined at the axis of rotation: give its bin with center.")
        if np.ptp(geometry.centers) > 1e-6:
            raise InputError(
                f"The centre goes from {min(geometry.centers):.2f} to {max(geometry.centers):.2f} within the block, "
                "and all slices must become equally wide. Put align-center or tilt before this step."
            )
        return float(geometry.centers[0])


def stitched(y: np.ndarray, angles_deg: np.ndarray, center: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Half a turn of ``y[..., angles, bins]``, its angles in degrees, and its centre: see ``Stitch``.

    Raises InputError unless the angles are a full turn, with those seen, and where opposite views do not overlap.
    """
    from .moved import moved

    bins = y.shape[-1]
    angles_deg = np.asarray(angles_deg, float)
    direct, left, right, part = _opposite(angles_deg)
    away = 2 * center - (bins - 1)  # by so many bins the mirrored view lies to the right of the direct one
    overlap = bins - abs(away)
    if overlap < FEWEST:
        where = f"the bins 0 to {bins - 1}, and the axis lies at {center:.1f}"
        raise InputError(f"Opposite views share {max(overlap, 0.0):.1f} bins (the detector has {where}): too few.")
    whole = int(np.floor(away + 1e-9))
    rest = max(away - whole, 0.0)
    part = part.astype(y.dtype)[:, None]
    behind = y[..., left, :] if not part.any() else (1 - part) * y[..., left, :] + part * y[..., right, :]
    behind = moved(behind[..., ::-1], rest if rest > 1e-9 else 0.0)
    if rest > 1e-9:  # the first bin now lies outside of what was measured
        behind, whole = behind[..., 1:], whole + 1
    front = y[..., direct, :]
    first, second, start = (front, behind, whole) if whole >= 0 else (behind, front, -whole)
    return _blended(first, second, start), angles_deg[direct], center - min(whole, 0)


def _blended(first: np.ndarray, second: np.ndarray, start: int) -> np.ndarray:
    """Two pictures side by side, the second from bin ``start`` on, with a linear ramp where both are."""
    width = start + second.shape[-1]
    shared = first.shape[-1] - start
    if width < first.shape[-1]:  # the second one, a bin shorter, within the first
        second = np.concatenate([second, first[..., width:]], -1)
    ramp = np.linspace(1.0, 0.0, shared, dtype=first.dtype)
    middle = ramp * first[..., start:] + (1 - ramp) * second[..., :shared]
    return np.concatenate([first[..., :start], middle, second[..., shared:]], -1)


def _opposite(angles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The rows of half a turn and, for each, the two rows around the view opposite, and how far it is to the second."""
    seen = f"the {len(angles)} views are at {angles.min():g} to {angles.max():g} degrees"
    sense = -1.0 if angles[-1] < angles[0] else 1.0
    turned = np.mod(np.round(sense * (angles - angles[0]), 6), 360)
    turned, rows = np.unique(turned, return_index=True)  # one at 360 degrees is there already
    gaps = np.diff(turned, append=turned[0] + 360)
    if len(rows) < 4 or gaps.max() > 3 * np.median(gaps):
        raise InputError(
            f"A full turn is needed to join opposite views; {seen}"
            + (f", with a gap of {gaps.max():.4g} degrees. " if len(rows) > 1 else ". ")
            + "Leave this step out: half a turn is reconstructed as it is."
        )
    half = turned < 180 - 1e-6
    wanted = turned[half] + 180
    circle = np.append(turned, 360 + turned[0])
    right = np.clip(np.searchsorted(circle, wanted + 1e-9), 1, len(circle) - 1)
    part = (wanted - circle[right - 1]) / (circle[right] - circle[right - 1])
    part[np.abs(part) < 1e-6] = 0.0
    return rows[half], rows[right - 1], rows[right % len(rows)], part
