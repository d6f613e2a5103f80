"""What is the same for all slices of a measurement once its options are known, and the line integrals of any slices."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..arrays import Field, Slices
from ..guard import reading
from ..measurement import COUNTS_BY, Measurement
from ..option_phrases import NOT_LOG, naming
from ..options import ProblemOptions
from ..packing import fills
from ..plausible import bright_edges, counts_question, is_transmission
from ..precision import check_finite
from .counts import clip_note, field_of_slice, line_integrals
from .outliers import find_outliers, replace_outliers
from .rings import remove_stripes

Fields = tuple[Field | None, Field | None]


@dataclass(frozen=True, eq=False)
class Sinograms:
    """A measurement whose open questions are answered: ``beam`` with ``angles`` [degrees] and the fields to use.

    ``found`` is what the file holds, read along the axis that fits the angles: what a recipe names as its source.
    ``take_log`` says whether the data are counts, of which the logarithm is taken; ``center`` is the option as it was
    given; ``used`` are the rows that are used.
    """

    found: Measurement
    beam: Measurement
    options: ProblemOptions
    angles: np.ndarray
    fields: Fields
    take_log: bool
    center: Any
    used: builtins.slice = field(default_factory=lambda: builtins.slice(None))

    def with_fields_for(self, values: np.ndarray, notes: list[str]) -> Sinograms:
        """The same, a flat field of 1 for transmissions; InputError where nobody has said whether these are counts."""
        if self.fields[0] is not None or self.options.log is False:
            return self
        return replace(self, fields=(_ask_for_flat(values, self.take_log, notes), self.fields[1]))

    def integrals(self, index: int, values: np.ndarray) -> np.ndarray:
        """Line integrals ``[angles, bins]`` of slice ``index``, whose numbers in the file are ``values``."""
        if not self.take_log:
            return values
        flat, dark = self._fields_of(index, values.shape[1])
        if flat is None:
            why = [note.removeprefix(COUNTS_BY) for note in self.beam.notes if note.startswith(COUNTS_BY)]
            shown = f" ({'; '.join(why)}, as counts have)" if why else ""
            raise InputError(
                f"The logarithm of counts needs the flat field, the counts without a sample{shown}. "
                f"{naming('Give {flat} (a number')}, one value for each bin, or a file; the largest value here is "
                f"{values.max():.6g}), or {NOT_LOG} if these are line integrals."
            )
        names = self.beam.flat_from if self.options.flat is None else ()
        return line_integrals(values, flat, 0.0 if dark is None else dark, self.options.clip_counts, names)

    def clipped(self, index: int, values: np.ndarray) -> str:
        """A note on what ``clip_counts`` changed in slice ``index``, "" for nothing."""
        if not self.take_log or self.options.clip_counts is None:
            return ""
        return clip_note(values, *self._fields_of(index, values.shape[1]), self.options.clip_counts)

    def _fields_of(self, index: int, bins: int) -> tuple[np.ndarray | float | None, np.ndarray | float | None]:
        with reading(self.beam.path, "a measurement"):
            flat, dark = (
                field_of_slice(field, index, bins, name)
                for field, name in zip(self.fields, ("flat", "dark"), strict=True)
            )
        return flat, dark

    def cleaned(self, y: np.ndarray, outliers: Callable[[np.ndarray], np.ndarray] | None = None) -> np.ndarray:
        """Line integrals ``[angles, bins]`` without outliers and rings, where the options ask for that."""
        if outliers is not None:
            y = outliers(y)
        elif self.options.outliers is not None:
            y = replace_outliers(y, find_outliers(y, self.angles, self.options.outliers))
        return y if self.options.rings is None else remove_stripes(y, self.options.rings)

    @property
    def used_angles(self) -> np.ndarray:
        return self.angles[self.used]

    def block(self, start: int, stop: int) -> np.ndarray:
        """Line integrals of the slices of a range, float32 ``[slices, used angles, bins]``.

        Each page or chunk of the file is read once. Raises InputError for slices that cannot be used, by their number.
        """
        with reading(self.beam.path, "a measurement"):
            raw = self.beam.data.block(start, stop)
            fields = tuple(_held(field, start, stop) if self.take_log else None for field in self.fields)
        here = replace(self, fields=fields)
        y = np.empty((len(raw), len(self.used_angles), raw.shape[2]), np.float32)
        for k, values in enumerate(raw):
            index = start + k
            check_finite(values, f"Slice {index} of {self.beam.path.name} [row, bin]", fills(self.beam.notes))
            try:
                y[k] = here.cleaned(here.integrals(index, values))[self.used]
            except InputError as error:
                raise InputError(f"Slice {index}: {error}") from None
        return y


def _held(field: Field | None, start: int, stop: int) -> Field | None:
    """A field that has been read for the slices of a range, which keep their numbers."""
    if not isinstance(field, Slices):
        return field
    values = field.block(start, stop)
    return replace(field, read=lambda i: values[i - start], read_all=None, read_block=None)


def _ask_for_flat(values: np.ndarray, take_log: bool, notes: list[str]) -> float | None:
    """The flat field of transmissions, 1, where the logarithm is wanted. InputError where nobody has said whether."""
    level = bright_edges(values)
    if level and not take_log:
        raise InputError(counts_question(level))
    if level and is_transmission(level):
        notes.append("transmissions (1 beside the object): the logarithm is taken with a flat field of 1")
        return 1.0
    return None
