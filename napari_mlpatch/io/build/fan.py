"""A fan-beam sinogram resampled to a parallel beam, and the centre of rotation found from that."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts load when they are used

from napari_mlpatch.core.errors import InputError

from ..arrays import Field, Slices

if TYPE_CHECKING:
    from napari_mlpatch.operators.center import Center

    from ..measurement import Measurement


def to_parallel(measurement: Measurement) -> Measurement:
    """The parallel-beam measurement that contains the same rays, interpolated with cubic splines.

    The parallel ray (theta, s) is the fan's ray at

        beta = theta + asin(s / R),    u = D tan(asin(s / R)),

    beta the angle of the source, u the place on the flat detector, R and D the distances from the source to the
    centre of rotation and to the detector. Needs a full turn of evenly spaced angles. The bins become the detector's
    as seen at the centre, narrower by R / D. They reach as far to either side of the axis as the detector does, by
    one bin at most further: of a detector moved to one side (a half fan) comes a parallel one moved as far.
    """
    geometry, angles = measurement.geometry, measurement.angles_deg
    if angles is None:
        raise InputError("The fan-beam file holds no angles, so that it cannot be resampled to a parallel beam.")
    count = len(angles) - 1 if abs(angles[-1] - angles[0]) >= 360 - 1e-6 else len(angles)
    step = (angles[count - 1] - angles[0]) / max(count - 1, 1)
    if not np.allclose(np.diff(angles[:count]), step, atol=1e-3) or abs(abs(step) * count - 360) > 0.5 * abs(step):
        raise InputError(
            f"The {len(angles)} fan-beam angles go from {angles[0]:g} to {angles[-1]:g} degrees. Resampling to a "
            "parallel beam needs one full turn in even steps."
        )
    radius, distance = geometry["source_to_axis"], geometry["source_to_detector"]
    slices, _, bins = measurement.data.shape
    middle = (bins - 1) / 2 if measurement.center is None else measurement.center
    width = geometry.get("detector_pitch", 1.0)
    pitch = width * radius / distance
    s = (np.arange(bins) - middle) * pitch
    if np.abs(s).max() >= radius:
        raise InputError(
            f"The fan's source lies {radius:g} from the centre, inside of the detector's view. Check the geometry."
        )
    gamma = np.arcsin(s / radius)
    columns = middle + distance * np.tan(gamma) / width
    is_seen = (columns >= -1) & (columns <= bins)
    gamma, columns, center = gamma[is_seen], columns[is_seen], middle - int(np.argmax(is_seen))
    offset = np.degrees(gamma) / step  # in rows
    margin = int(np.ceil(np.abs(offset).max())) + 4  # the turn continued at both ends, with room for the spline
    rows = margin + np.arange(count)[:, None] + offset
    where = np.stack(np.broadcast_arrays(rows, columns))

    def read(index: int) -> np.ndarray:
        turn = np.pad(measurement.data[index][:count], ((margin, margin), (0, 0)), mode="wrap")
        return scipy.ndimage.map_coordinates(turn, where, order=3, mode="nearest")

    return dataclasses.replace(
        measurement,
        data=Slices((slices, count, len(columns)), read, sources=measurement.data.sources),
        flat=_at_no_time(measurement.flat),
        kind="parallel-beam",
        angles_deg=np.asarray(angles[:count]),
        center=None if measurement.center is None else center,
        geometry={"detector_pitch": pitch},
        notes=(*measurement.notes, f"resampled from a fan to a parallel beam, bins of {pitch:.6g} {measurement.unit}"),
    )


def _at_no_time(field: Field | None) -> Field | None:
    """A field that counts for all views alike: each new row has rays of many."""
    return dataclasses.replace(field, times=(), scan_times=()) if isinstance(field, Slices) else field


def find_fan_center(measurement: Measurement, sinogram: np.ndarray) -> Center:
    """The rotation axis, from one sinogram ``[angles, bins]`` of line integrals of this measurement.

    Seen about a wrong axis, by a small angle eps, the ray (theta, s) is that at (theta + eps, s - R eps cos(gamma)):
    the parallel sinogram's centre is off by as many bins as the detector's. Raises InputError like ``to_parallel``.
    """
    from napari_mlpatch.operators.center import find_center

    found, center = None, (sinogram.shape[1] - 1) / 2
    for _ in range(2):
        data = Slices((1, *sinogram.shape), lambda _: sinogram)
        beam = to_parallel(dataclasses.replace(measurement, data=data, center=center))
        assert beam.center is not None
        found = find_center(beam.data[0], beam.angles_deg)
        center += found.value - beam.center
    assert found is not None
    return dataclasses.replace(found, value=center)
