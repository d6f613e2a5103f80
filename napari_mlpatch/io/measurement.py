"""What a file holds, before the questions that it leaves open are answered."""

from __future__ import annotations

import builtins
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import torch

from .angles import is_file, resolve_angles
from .arrays import Slices, check_finite
from .counts import Field, field_of_slice, given_field, line_integrals
from .fan import find_fan_center, to_parallel
from .guard import reading
from .rings import remove_stripes

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem

SOURCE = ("source_to_axis", "source_to_detector")


@dataclass(frozen=True, eq=False)
class Measurement:
    """A sinogram, or a stack of them, as found in a file.

    ``data[i]`` reads slice i as float32 ``[angles, bins]``; ``data.shape`` is ``(slices, angles, bins)``. Nothing else
    is read from large files. ``angles_deg`` is ``[angles]`` in degrees, ``center`` the bin of the rotation axis;
    None means that the file does not say. ``flat`` and ``dark`` are the counts without sample and without beam.
    ``is_counts`` says whether the data still need the logarithm. ``kind`` is "parallel-beam", "fan-beam", or the
    operator's name where the file holds a complete ``Problem``, then in ``stored``. ``geometry`` has lengths in
    ``unit``: detector_pitch, source_to_axis, source_to_detector. ``notes`` tell in plain words what was found and
    assumed.
    """

    data: Slices
    path: Path
    kind: str = "parallel-beam"
    angles_deg: np.ndarray | None = None
    center: float | None = None
    flat: Field | None = None
    dark: Field | None = None
    is_counts: bool = False
    notes: tuple[str, ...] = ()
    geometry: dict[str, float] = field(default_factory=dict)
    unit: str = ""
    stored: Problem | None = None
    load_options: dict[str, Any] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the options of ``problem`` that the user has to give, because the file does not say."""
        if self.stored is not None:
            return ()
        return tuple(
            name
            for name, is_missing in (
                ("angles_deg", self.angles_deg is None),
                ("flat", self.is_counts and self.flat is None),
            )
            if is_missing
        )

    @property
    def axis_pitch(self) -> float:
        """Width of a bin, of a fan beam as the source sees it at the rotation axis; 1 where the file does not say."""
        pitch = self.geometry.get("detector_pitch", 1.0)
        if self.kind != "fan-beam":
            return pitch
        return pitch * self.geometry["source_to_axis"] / self.geometry["source_to_detector"]

    def problem(
        self,
        *,
        angles_deg: Any = None,
        center: float | Literal["auto"] | None = None,
        slice: int | Literal["all"] | None = None,
        image_shape: tuple[int, int] | None = None,
        log: bool | None = None,
        flat: Any = None,
        dark: Any = None,
        clip_counts: float | None = None,
        rings: int | None = None,
        views: str | None = None,
        detector_pitch: float | None = None,
        pixel_size: float | None = None,
        source_to_axis: float | None = None,
        source_to_detector: float | None = None,
        detector: Literal["flat", "curved"] | None = None,
        rebin: bool = False,
    ) -> Problem:
        """The reconstruction problem ``y = A x`` with ``y`` float32 ``[slices, 1, angles, bins]``.

        ``angles_deg``: degrees, one for each row; a list, a range "start:stop:count" (stop excluded), or the path of a
        text file. ``center``: bin of the rotation axis, "auto" to find it in the data; the default is what the file
        says, else the detector's middle. ``slice``: a number counted from 0, or "all"; the default is the middle one.
        ``image_shape``: rows and columns; the default is a square as wide as the detector. ``log``: whether to take
        -log(counts / flat); the default is yes for counts. ``flat``, ``dark``: a number, ``[bins]``, ``[frames,
        bins]``, ``[frames, slices, bins]`` or a file. ``clip_counts``: raise smaller counts to this before the log.
        ``rings``: take off stripes narrower than half of so many bins, see ``remove_stripes``. ``views``: use these
        rows only, "start:stop:step" (a limited arc, or sparse views).
        ``detector_pitch`` (default 1) and ``pixel_size`` (default the pitch, as seen at the rotation axis): any unit of
        length, the same for all. ``source_to_axis`` and ``source_to_detector`` make it a fan beam, which files may say
        themselves; ``detector`` is "flat" (default) or "curved". ``rebin``: resample a fan beam to a parallel beam, an
        interpolation, with which iterations are faster.

        Raises InputError for what does not fit together, with the numbers, and for NaN, infinite or unusable values.
        """
        given = {k: v for k, v in locals().items() if k != "self" and v is not None and v is not False}
        if log is False:
            given["log"] = False
        # Here, because torch takes seconds to load and looking at a file does not need it.
        from napari_mlpatch.core.problem import Problem
        from napari_mlpatch.operators.center import find_center

        from .problem_file import changed

        if self.stored is not None:
            return changed(self.stored, given, self.source(given))
        beam = _with_lengths(self, source_to_axis, source_to_detector, detector_pitch, detector)
        if detector == "curved" and (rebin or center == "auto"):
            raise InputError("A curved detector is not resampled to a parallel beam. Leave out rebin, give the centre.")
        if beam.kind == "fan-beam" and rebin:
            beam = to_parallel(beam if angles_deg is None else replace(beam, angles_deg=_angles_for(beam, angles_deg)))
            angles_deg = None
        _, rows, bins = beam.data.shape
        angles = _angles_for(beam, angles_deg)
        indices = _indices(slice, len(beam.data))
        fields = (
            beam.flat if flat is None else given_field(flat, "flat"),
            beam.dark if dark is None else given_field(dark, "dark"),
        )
        take_log = log if log is not None else beam.is_counts or flat is not None
        y = np.empty((len(indices), 1, rows, bins), np.float32)
        for k, index in enumerate(indices):
            y[k, 0] = _line_integrals(beam, index, fields, clip_counts) if take_log else _values(beam, index)
            y[k, 0] = y[k, 0] if rings is None else remove_stripes(y[k, 0], rings)
        if center == "auto" and beam.kind == "fan-beam":
            axis: float | None = find_fan_center(replace(beam, angles_deg=angles), y[len(y) // 2, 0])
        elif center == "auto":
            axis = find_center(y[len(y) // 2, 0], angles).value
        else:
            axis = beam.center if center is None else _axis(center, bins)
        used = slice_of(views, rows)
        y, angles = np.ascontiguousarray(y[:, :, used]), angles[used]
        params = {
            "image_shape": image_shape or (bins, bins),
            "angles_deg": angles,
            "detector_count": bins,
            "detector_pitch": beam.geometry.get("detector_pitch", 1.0),
            "pixel_size": beam.axis_pitch if pixel_size is None else pixel_size,
            "center": axis,
        }
        if beam.kind == "fan-beam":
            params |= {name: beam.geometry[name] for name in SOURCE} | {"detector": detector or "flat"}
        A = build(operators, {"name": beam.kind, "params": params})
        return Problem(A, torch.from_numpy(y), source=self.source(given))

    def source(self, options: dict[str, Any]) -> dict[str, Any]:
        """Where a problem made with these options comes from, in plain JSON, for ``open_source``."""
        plain = {name: _plain(value) for name, value in {**self.load_options, **options}.items()}
        for name in ("angles_deg", "flat", "dark"):  # files, perhaps relative to the current folder
            if isinstance(plain.get(name), str) and is_file(plain[name]):
                plain[name] = _plain(Path(plain[name]))
        return {"kind": "file", "path": str(self.path), "options": plain}


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


def _angles_for(measurement: Measurement, given: Any) -> np.ndarray:
    _, rows, bins = measurement.data.shape
    angles = measurement.angles_deg if given is None else resolve_angles(given)
    if angles is None:
        raise InputError(
            f"{measurement.path.name} does not say at which angles its {rows} rows were measured. "
            f'Give angles_deg (--angles): a list, a text file, or a range such as "0:180:{rows}".'
        )
    if len(angles) != rows:
        swapped = "" if len(angles) != bins else " The number of columns would fit: try angle_axis='columns'."
        raise InputError(
            f"There are {len(angles)} angles for {rows} rows of {bins} bins. Give one angle for each row.{swapped}"
        )
    return angles


def _indices(slice: int | str | None, count: int) -> list[int]:
    if slice is None:
        return [count // 2]
    if slice == "all":
        return list(range(count))
    if isinstance(slice, bool) or not isinstance(slice, int | np.integer) or not 0 <= slice < count:
        raise InputError(f'slice must be a number from 0 to {count - 1} or "all", got {slice!r}.')
    return [int(slice)]


def _values(measurement: Measurement, index: int) -> np.ndarray:
    with reading(measurement.path, "a measurement"):
        values = measurement.data[index]
    check_finite(values, f"Slice {index} of {measurement.path.name} [row, bin]")
    return values


def _line_integrals(
    measurement: Measurement, index: int, fields: tuple[Field | None, Field | None], clip_counts: float | None
) -> np.ndarray:
    values = _values(measurement, index)
    with reading(measurement.path, "a measurement"):
        flat, dark = (
            field_of_slice(field, index, values.shape[1], name)
            for field, name in zip(fields, ("flat", "dark"), strict=True)
        )
    if flat is None:
        raise InputError(
            "The logarithm of counts needs the flat field, the counts without a sample. Give flat (a number, one value "
            f"for each bin, or a file; the largest value here is {values.max():.6g}), or log=False if these are line "
            "integrals."
        )
    return line_integrals(values, flat, 0.0 if dark is None else dark, clip_counts)


def _axis(center: Any, bins: int) -> float:
    if isinstance(center, bool) or not isinstance(center, int | float | np.number):
        raise InputError(f'center must be a bin number or "auto", got {center!r}.')
    if not 0 <= center <= bins - 1:
        raise InputError(f"The centre {center} lies outside of the detector, whose bins are 0 to {bins - 1}.")
    return float(center)


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return str(Path(value).expanduser().absolute())
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
