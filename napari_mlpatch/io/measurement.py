"""What a file holds, before the questions that it leaves open are answered."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.core.files import is_file, path_of

from .arrays import Field, Slices
from .options import problem_options

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem


UNREAD_ANGLES = "angles not read: "
"""Begins a note that says why what should hold the angles does not."""

COUNTS_BY = "taken for counts: "
"""Begins a note that names a field which only counts have, where there is no flat field to use."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """A sinogram, or a stack of them, as found in a file.

    ``data[i]`` reads slice i as float32 ``[angles, bins]``; ``data.shape`` is ``(slices, angles, bins)``. Nothing else
    is read from large files. ``angles_deg`` is ``[angles]`` in degrees, ``center`` the bin of the rotation axis;
    None means that the file does not say. ``flat`` and ``dark`` are the counts without sample and without beam,
    ``flat_from`` the arrays of the file that hold the former.
    ``is_counts`` says whether the data still need the logarithm. ``kind`` is "parallel-beam", "fan-beam", or the
    operator's name where the file holds a complete ``Problem``, then in ``stored``. ``geometry`` has lengths in
    ``unit``: detector_pitch, source_to_axis, source_to_detector. ``notes`` tell in plain words what was found and
    assumed, ``gap`` which files of a folder seem to be missing, and ``places`` at which place of the whole folder each
    slice is, where slices are missing.
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
    gap: str = ""
    places: tuple[int, ...] = ()
    flat_from: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing of its geometry is left to ask, so that there is nothing to choose but the slice."""
        return self.stored is not None

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the options of ``problem`` that the user has to give, because the file does not say."""
        if self.is_complete:
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

    def problem(self, **options: Any) -> Problem:
        """The reconstruction problem ``y = A x`` with ``y`` float32 ``[slices, 1, angles, bins]``.

        The options are those of ``ProblemOptions``. Raises InputError for unknown ones, for what does not fit
        together, with the numbers, and for NaN, infinite or unusable values.
        """
        from .build.problem import problem_of

        return problem_of(self, problem_options(options))

    def source(self, options: dict[str, Any]) -> dict[str, Any]:
        """Where a problem made with these options comes from, in plain JSON, for ``open_source``."""
        plain = {name: _plain(value) for name, value in {**self.load_options, **options}.items()}
        for name in ("angles_deg", "flat", "dark"):  # files, perhaps relative to the current folder
            if isinstance(plain.get(name), str) and is_file(plain[name]):
                plain[name] = _plain(Path(plain[name]))
        return {"kind": "file", "path": str(self.path), "options": plain}


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return str(path_of(value))
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
