"""The reconstruction problem of a sinogram: angles, logarithm, centre of rotation, geometry."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.phrases import phrase
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import torch

from ..angles import ASK, SAME, given_angles
from ..arrays import reserve_part
from ..guard import reading
from ..measurement import UNREAD_ANGLES, Measurement
from ..option_phrases import in_form, option
from ..options import ProblemOptions, given
from ..packing import fills
from ..plausible import brighter_ends, mostly_negative, outshone, saturated, zero_views
from ..precision import check_finite
from .counts import drift_note, given_field
from .fan import find_fan_center, to_parallel
from .outliers import DEVIATIONS, describe_outliers, find_outliers, replace_outliers
from .sinograms import Sinograms
from .stored import changed

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem

SOURCE = ("source_to_axis", "source_to_detector")


def problem_of(found: Measurement, options: ProblemOptions) -> Problem:
    """``y = A x`` with ``y`` float32 ``[slices, 1, angles, bins]``.

    Raises InputError for what does not fit together, with the numbers, and for NaN, infinite or unusable values.
    """
    # Here, because torch takes seconds to load and looking at a file does not need it.
    from napari_mlpatch.core.problem import Problem
    from napari_mlpatch.operators.center import Center, find_center

    if found.stored is not None:
        return changed(found.stored, given(options), found.source(given(options)))
    notes: list[str] = []
    made = sinograms_of(found, options, notes)
    o, beam, angles = options, made.beam, made.angles
    _, rows, bins = beam.data.shape
    indices = _indices(o.slice, len(beam.data))
    reserve_part((len(indices), rows, bins), (), 8)  # as they are, and as float32
    y = np.empty((len(indices), 1, rows, bins), np.float32)
    for k, (index, values) in enumerate(zip(indices, _values(beam, indices), strict=True)):
        outliers = None
        if k == 0:
            made = made.with_fields_for(values, notes)
            looks = (saturated,) if made.take_log else (brighter_ends, mostly_negative)
            notes += filter(None, [zero_views(values), *(look(values) for look in looks)])
            outliers = functools.partial(_without_outliers, angles=angles, deviations=o.outliers, notes=notes)
        if k == 0 and made.take_log:
            with reading(beam.path, "a measurement"):
                flat, dark = made.fields
                notes += filter(None, [drift_note(flat, index, "flat"), drift_note(dark, index, "dark")])
        if k == 0:
            notes += filter(None, [made.clipped(index, values)])
        lines = made.integrals(index, values)
        if k == 0 and made.take_log:
            notes += filter(None, [outshone(lines)])
        y[k, 0] = made.cleaned(lines, outliers)  # of the first slice they are noted in any case
    if made.center == "auto" and beam.kind == "fan-beam":
        center = find_fan_center(replace(beam, angles_deg=angles), y[len(y) // 2, 0])
    elif made.center == "auto":
        center = find_center(y[len(y) // 2, 0], angles)
    else:
        center = beam.center if made.center is None else _axis(made.center, bins)
    axis = center.value if isinstance(center, Center) else center
    if isinstance(center, Center):
        notes.append(center.note)
    y, angles = np.ascontiguousarray(y[:, :, made.used]), made.used_angles
    size = bins if o.image_shape else _size_seen(y[0, 0], angles, axis)
    if size != bins:
        notes.append(f"an image of {size} x {size} pixels: opposite views together see more than the detector's width")
    params = {
        "image_shape": o.image_shape or (size, size),
        "angles_deg": angles,
        "detector_count": bins,
        "detector_pitch": beam.geometry.get("detector_pitch", 1.0),
        "pixel_size": beam.axis_pitch if o.pixel_size is None else o.pixel_size,
        "center": axis,
    }
    if beam.kind == "fan-beam":
        params |= {name: beam.geometry[name] for name in SOURCE} | {"detector": o.detector or "flat"}
    A = build(operators, {"name": beam.kind, "params": params})
    return Problem(A, torch.from_numpy(y), source=made.found.source(given(options)), notes=tuple(notes))


def sinograms_of(found: Measurement, options: ProblemOptions, notes: list[str]) -> Sinograms:
    """What is the same for all slices, with ``notes`` on what was assumed. No slice is read.

    Raises InputError for what does not fit together, with the numbers.
    """
    o, angles_deg, center = options, options.angles_deg, options.center
    found, axis_note = _fitted(found, angles_deg)
    beam = _with_lengths(found, o.source_to_axis, o.source_to_detector, o.detector_pitch, o.detector)
    if o.detector == "curved" and (o.rebin or o.center == "auto"):
        raise InputError("A curved detector is not resampled to a parallel beam. Leave out rebin, give the centre.")
    if beam.kind == "fan-beam" and o.rebin:
        if angles_deg is not None:
            beam = replace(beam, angles_deg=_angles_for(beam, angles_deg)[0])
        if o.center is not None and o.center != "auto":
            beam, center = replace(beam, center=_axis(o.center, beam.data.shape[2])), None
        beam, angles_deg = to_parallel(beam), None
    _, rows, bins = beam.data.shape
    angles, note = _angles_for(beam, angles_deg)
    fields = (
        beam.flat if o.flat is None else given_field(o.flat, "flat", len(beam.data), bins),
        beam.dark if o.dark is None else given_field(o.dark, "dark", len(beam.data), bins),
    )
    take_log = o.log if o.log is not None else beam.is_counts or o.flat is not None
    notes += [text for text in (note, axis_note) if text]
    if take_log and not beam.is_counts and o.flat is not None:
        notes.append("the logarithm is taken, with the flat field given")
    return Sinograms(found, beam, options, angles, fields, take_log, center, slice_of(o.views, rows))


def _without_outliers(y: np.ndarray, angles: np.ndarray, deviations: float | None, notes: list[str]) -> np.ndarray:
    """The sinogram, without outliers where that is wanted; the first slice's are told in the notes."""
    outliers = find_outliers(y, angles, DEVIATIONS if deviations is None else deviations)
    if not outliers.any():
        return y
    if not any("far off" in note for note in notes):
        notes.append(describe_outliers(y, outliers, replaced=deviations is not None))
    return y if deviations is None else replace_outliers(y, outliers)


def _size_seen(rows: np.ndarray, angles: np.ndarray, axis: float | None) -> int:
    """Bins across what a scan sees: the detector's, or twice its longer side of the axis in half acquisition."""
    from napari_mlpatch.operators.center_overlap import is_cut
    from napari_mlpatch.operators.ray_shares import is_seen_twice

    bins = rows.shape[1]
    if axis is None or bins < 8 or not is_cut(rows) or is_seen_twice(tuple(angles)).mean() < 0.9:
        return bins
    return max(bins, round(2 * max(axis, bins - 1 - axis)) + 1)


def slice_of(views: str | None, rows: int) -> Any:
    """The rows that "start:stop:step" means. Raises InputError for other texts, and where no row is left."""
    try:
        parts = [int(part) if part.strip() else None for part in (views or ":").split(":")]
        chosen = builtins.slice(*parts[:3])
        if 1 < len(parts) < 4 and len(range(*chosen.indices(rows))) > 0:
            return chosen
    except ValueError:
        pass
    raise InputError(
        f'views must be "start:stop:step" that leaves some of the {rows} rows, such as "0:{rows}:4", got {views!r}.'
    )


def _with_lengths(
    measurement: Measurement,
    source_to_axis: float | None,
    source_to_detector: float | None,
    detector_pitch: float | None,
    detector: str | None,
) -> Measurement:
    """The same with the lengths that were given; a fan beam where the source is at a distance."""
    given = dict(zip((*SOURCE, "detector_pitch"), (source_to_axis, source_to_detector, detector_pitch), strict=True))
    geometry = measurement.geometry | {name: value for name, value in given.items() if value is not None}
    known = [name for name in SOURCE if name in geometry]
    if len(known) == 1 or (detector is not None and not known):
        raise InputError(
            f"A fan beam needs both {' and '.join(SOURCE)}, got {', '.join(known) or f'only detector = {detector!r}'}."
        )
    wrong = {name: value for name, value in geometry.items() if not value > 0}
    if wrong:
        raise InputError(f"Lengths must be positive, got {', '.join(f'{k} = {v:g}' for k, v in wrong.items())}.")
    return replace(measurement, geometry=geometry, kind="fan-beam" if known else measurement.kind)


def _fitted(found: Measurement, angles: Any) -> tuple[Measurement, str]:
    """The stack seen along its only axis that has as many entries as there are angles, where nobody chose one."""
    slices, rows, _ = found.data.shape
    if angles is None or slices == 1 or "angle_axis" in found.load_options:
        return found, ""
    count = len(given_angles(angles, found.load_options.get("angle_unit"))[0])
    if count == rows:
        return found, ""
    from ..loading import load

    fitting = []
    for axis in ("rows", "columns", "pages"):
        try:
            other = load(found.path, **{**found.load_options, "angle_axis": axis})
        except InputError:
            continue
        if other.data.shape[1] == count:
            fitting.append(other)
    if len(fitting) != 1:
        return found, ""
    (fit,) = fitting
    axis, (slices, _, bins) = fit.load_options["angle_axis"], fit.data.shape
    return fit, f"{count} angles along the {axis}, the only axis of that length: {slices} slices of {bins} bins"


def _angles_for(measurement: Measurement, given: Any) -> tuple[np.ndarray, str]:
    """Angles in degrees, and a note on the unit of those given."""
    _, rows, bins = measurement.data.shape
    angles, note = measurement.angles_deg, ""
    if given is not None:
        angles, note = given_angles(given, measurement.load_options.get("angle_unit"))
    unclear = next((note for note in measurement.notes if ASK in note or SAME in note), None)
    if angles is None and unclear is not None:
        raise InputError(f"{unclear[0].upper()}{unclear[1:]}.")
    if angles is None:
        unread = "".join(
            f" ({note.removeprefix(UNREAD_ANGLES).removesuffix('.')})"
            for note in measurement.notes
            if note.startswith(UNREAD_ANGLES)
        )
        raise InputError(
            f"{measurement.path.name} does not say at which angles its {rows} rows were measured{unread}. "
            f'Give {option("angles_deg")}: a list, a text file, or a range such as "0:180:{rows}".'
        )
    if len(angles) > 1 and np.ptp(angles) == 0:
        raise InputError(f"{measurement.path.name}: all {len(angles)} angles are {angles[0]:g} degrees. {SAME}.")
    if len(angles) != rows:
        told = [note for note in measurement.notes if note.endswith("file missing?")]
        gaps = "".join(f" {note[0].upper()}{note[1:]}" for note in told)
        other = phrase("try angle_axis='columns'", f"try {in_form('angle_axis', 'columns')}")
        swapped = "" if len(angles) != bins else f" The number of columns would fit: {other}."
        raise InputError(
            f"There are {len(angles)} angles for {rows} rows of {bins} bins. Give one angle for each row."
            f"{swapped}{gaps}"
        )
    return angles, note


def _indices(slice: int | str | None, count: int) -> list[int]:
    if slice is None:
        return [count // 2]
    if slice == "all":
        return list(range(count))
    if isinstance(slice, bool) or not isinstance(slice, int | np.integer) or not 0 <= slice < count:
        raise InputError(f'slice must be a number from 0 to {count - 1} or "all", got {slice!r}.')
    return [int(slice)]


def _values(measurement: Measurement, indices: list[int]) -> Iterator[np.ndarray]:
    slices = measurement.data.each(indices)
    for index in indices:
        with reading(measurement.path, "a measurement"):
            values = next(slices)
        check_finite(values, f"Slice {index} of {measurement.path.name} [row, bin]", fills(measurement.notes))
        yield values


def _axis(center: Any, bins: int) -> float:
    if isinstance(center, bool) or not isinstance(center, int | float | np.number):
        raise InputError(f'center must be a bin number or "auto", got {center!r}.')
    if not 0 <= center <= bins - 1:
        raise InputError(f"The centre {center} lies outside of the detector, whose bins are 0 to {bins - 1}.")
    return float(center)
