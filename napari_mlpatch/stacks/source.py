"""A stack of slices in a file, read in blocks."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_mlpatch.core.budget import in_words
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import is_file, path_of
from napari_mlpatch.core.ranges import in_ranges
from napari_mlpatch.io.inputs import behind

from .care.step import Geometry
from .fingerprint import fingerprint, stamp
from .pieces import Pieces, most

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem
    from napari_mlpatch.core.recipe import Recipe

CHOICE = "is taken unless you choose"
"""In notes of readers on the slice of a stack, of which there is none to choose here."""
FILES = ("angles_deg", "flat", "dark")
"""Options of reading that may be files."""
GEOMETRY = ("angles_deg", "detector_pitch", "pixel_size")
"""Parameters of an operator that are also options of reading, where a recipe does not say how its data are read."""


class ChangedError(InputError):
    """The data are no longer those with which the run began."""


class GapError(InputError):
    """A slice that has no file: its place in the volume stays empty."""


class Source(ABC):
    """``count`` slices of one ``shape``, of which ``read`` gives a range.

    ``kind``: sinograms ``[angles, bins]`` as line integrals (float32), k-space ``[coils, rows, columns]`` (complex64),
    or other data ``[*range_shape]`` of the recipe's operator. ``unit`` is that of lengths. Nothing is read before it is
    asked for, by one thread at a time.
    """

    kind: Literal["sinogram", "kspace", "data"] = "data"
    path: Path
    count: int
    shape: tuple[int, ...]
    unit: str = ""
    notes: tuple[str, ...] = ()
    gap: str = ""
    """Which files of a folder seem to be missing."""
    places: tuple[int, ...] = ()
    """The number of each slice that is there, where some are missing."""
    measured: Mapping[str, Any] = MappingProxyType({})
    """Parameters of an operator of which the file says how large they are."""

    def __init__(self, path: Path):
        self.path = path
        self._stamp = stamp(path)
        self.pieces = Pieces()
        """What is done against reading a piece of the file again for each block."""
        self._beside: dict[Path, tuple] = {}

    @abstractmethod
    def read(self, start: int, stop: int) -> np.ndarray:
        """The slices of a range, ``[stop - start, *shape]``. Raises InputError, with the number of the slice."""

    def within(self, start: int, stop: int) -> tuple[int, int]:
        """The same range among the slices that are there. Raises GapError for one that is not."""
        if not self.places:
            return start, stop
        for index in range(start, stop):
            if index not in self._by_place:
                raise GapError(f"slice {index} has no file in {self.path.name}")
        return self._by_place[start], self._by_place[start] + stop - start

    @cached_property
    def _by_place(self) -> dict[int, int]:
        return {place: index for index, place in enumerate(self.places)}

    def with_gaps(self, gap: str, places: tuple[int, ...]) -> None:
        """Of the whole stack, of which files are missing, each slice at its own place."""
        self.gap = gap
        if places:
            lost = sorted(set(range(places[-1] + 1)) - set(places))
            self.places, self.count = places, places[-1] + 1
            which = (
                f"slice {in_ranges(lost)} has no file" if len(lost) == 1 else f"slices {in_ranges(lost)} have no files"
            )
            self.notes += (f"{which}: NaN in the volume, also where a step of care looks at them",)

    def geometry(self, start: int, stop: int) -> Geometry | None:
        """How a range of sinograms was measured; None of other data."""
        return None

    def problem(self, values: np.ndarray, index: int) -> Problem | None:
        """The problem of one slice, where it has an operator of its own; None where that is the recipe's."""
        return None

    @property
    def fingerprint(self) -> str:
        """Hash by which it is known that the data are the same, without reading them; also of files beside them."""
        found = fingerprint(self.path)
        if not self._beside:
            return found
        return hashlib.sha256("".join([found, *map(fingerprint, self._beside)]).encode()).hexdigest()

    def beside(self, files: Iterable[Path]) -> Source:
        """The same, which changes where one of these files does: angles and fields that were given as such, and those
        that links lead to."""
        self._beside = {file: stamp(file) for file in files}
        self.notes = tuple(note for note in self.notes if CHOICE not in note)
        return self

    def check_same(self) -> None:
        """Raises InputError where the file has changed since it was opened: the blocks would not belong together."""
        stamps = {self.path: self._stamp, **self._beside}
        changed = next((path for path, before in stamps.items() if stamp(path) != before), None)
        if changed is not None:
            raise ChangedError(
                f"{changed} has changed since this run began. Wait until it is written, then start the run again: "
                "it begins anew where the data are others."
            )


def open_stack(path: Any, recipe: Recipe) -> Source:
    """The stack in a file or folder, read as the recipe of one of its slices says.

    Raises InputError where it cannot be read, and where it is of another kind than the recipe's operator.
    """
    where = path_of(path, "The stack")
    if not where.exists():
        raise InputError(f"{where} does not exist. Check the name and the folder.")
    _check_complete(where)
    options = reading_options(recipe)
    files = [path_of(options[name]) for name in FILES if is_file(options.get(name))]
    files += sorted(file for file in behind(where, options.get("outside_links") is True) if file != where)
    if where.is_dir() and any((where / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray", ".zattrs")):
        from .sources.zarr_folder import open_zarr

        found = open_zarr(where, recipe, options)
    else:
        from .sources.measurement import open_measurement

        found = open_measurement(where, recipe, options)
    found.pieces.options = json.dumps(options, sort_keys=True, default=str)
    if found.pieces.held > most():
        found.notes += (f"{where.name} is read as a whole: {in_words(found.pieces.held)} of memory in each worker",)
    return found.beside(files)


def _check_complete(path: Path) -> None:
    """Raises InputError for a volume of this program that is still being made: what is missing would be read as 0."""
    from .sinks import sink_for

    try:
        about = sink_for(path).about()
    except InputError:  # no name of an output
        return
    if about is not None and not about.get("complete") and "levels" not in about:
        raise InputError(f"{path} is a volume of which not all slices are made yet. Let that run end first.")


def reading_options(recipe: Recipe) -> dict[str, Any]:
    """How the data of a recipe were read, but for the slice; from its operator, where they were in memory only."""
    source = recipe.data.source
    if source.get("kind") in ("file", "sample"):
        return {name: value for name, value in source.get("options", {}).items() if name != "slice"}
    params = recipe.operator.params
    return {name: params[name] for name in GEOMETRY if params.get(name) is not None}


def tuned_slice(recipe: Recipe) -> int | None:
    """The slice on which a recipe was tuned, where its number is known."""
    index = recipe.data.source.get("options", {}).get("slice")
    return index if isinstance(index, int) and not isinstance(index, bool) else None
