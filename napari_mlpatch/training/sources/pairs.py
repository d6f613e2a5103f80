"""Measured pairs: measurements, and what the pictures of them should be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from napari_mlpatch import io
from napari_mlpatch.core.budget import reserve
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import sources
from napari_mlpatch.io.guard import existing_file
from napari_mlpatch.io.readers.numpy_file import read_npy, stored_npz

from .files import files_of
from .matching import mismatch
from .source import Source, enough

MEASUREMENTS = (".h5", ".hdf5", ".nxs")
ARRAYS = (".npy", ".npz", ".tif", ".tiff")


@sources.register("pairs", title="Measured pairs")
@dataclass(frozen=True, config=CONFIG)
class Pairs(Source):
    """Measurements from files, and true pictures from others, in the same order (folders: of their names).

    A measurement is a file that ``mlpatch reconstruct`` reads with its geometry (HDF5), or a .npy, .npz or .tif array
    of the operator's ``range_shape``, one more axis in front being channels. A true picture is an array of its
    ``domain_shape``, in its units: nothing is scaled. Without ``truths``, they are those that ``mlpatch simulate``
    writes into its files.
    """

    measurements: Annotated[tuple[str, ...], Field(min_length=1, description="folders and files of measurements")]
    truths: Annotated[tuple[str, ...], Field(description="folders and files of true pictures, in the same order")] = ()
    hold_out: Annotated[int, Field(ge=0, description="so many pairs at the end are for validation only")] = 1
    about: Annotated[str, Field(description="what they are, for the card of the weights")] = ""
    licence: Annotated[str, Field(description="of the data, for the card of the weights")] = ""

    def open(self, root: Path, device: torch.device) -> tuple[PairSet, PairSet | None]:
        files = files_of(self.measurements, root, MEASUREMENTS + ARRAYS)
        truths = files_of(self.truths, root, ARRAYS) if self.truths else [None] * len(files)
        if len(files) != len(truths):
            raise InputError(
                f"There are {len(files)} measurements and {len(truths)} true pictures, the first ones "
                f"{files[0].name} and {truths[0].name if truths[0] else '-'}. Give one picture for each measurement."
            )
        pairs = []
        for file, truth in zip(files, truths, strict=True):
            pairs.append(_pair(file, truth))
            reserve(2 * len(pairs) * sum(part.nbytes for part in pairs[-1][:2]), "The pairs", "Use fewer of them.")
        enough(len(pairs), self.hold_out)
        names = [file.name for file in files]
        for name, (y, x, A) in zip(names, pairs, strict=True):
            first_y, first_x, first_A = pairs[0]
            for what, found, first in (("measurement", y, first_y), ("true picture", x, first_x)):
                if found.shape != first.shape or found.is_complex() != first.is_complex():
                    raise InputError(
                        f"The {what} of {name} has the shape {list(found.shape)} ({found.dtype}), that of {names[0]} "
                        f"{list(first.shape)} ({first.dtype}). All pairs must be alike."
                    )
            if A is not None and first_A is not None and first_A != A:
                raise InputError(f"{name} was measured by another operator than {names[0]}. Train on one geometry.")
        count = len(pairs) - self.hold_out
        return PairSet(pairs[:count], device), PairSet(pairs[count:], device) if self.hold_out else None

    @property
    def words(self) -> str:
        return self.about or f"measured pairs: {', '.join(self.measurements)}"

    @property
    def terms(self) -> str:
        return self.licence or "unknown"


class PairSet:
    """Pairs in memory: measurements ``[N, C, *range]``, true pictures ``[N, C, *domain]``."""

    def __init__(self, pairs: list[tuple[Tensor, Tensor, Operator | None]], device: torch.device):
        self.device = device
        self._y, self._x = (torch.stack(part).to(device) for part in ([p[0] for p in pairs], [p[1] for p in pairs]))
        self._operator = next((A for *_, A in pairs if A is not None), None)
        self.channels = self._x.shape[1]

    def __len__(self) -> int:
        return len(self._y)

    def first(self, count: int) -> PairSet:
        return PairSet(
            [(y, x, self._operator) for y, x in zip(self._y[:count], self._x[:count], strict=True)], self.device
        )

    def check(self, A: Operator) -> None:
        """Raises InputError where these are no measurements by A."""
        for what, found, wanted in (
            ("measurements", self._y, A.range_shape),
            ("true pictures", self._x, A.domain_shape),
        ):
            if tuple(found.shape[2:]) != tuple(wanted):
                raise InputError(
                    f"The {what} of the pairs have the shape {list(found.shape[2:])}, the operator "
                    f"{type(A).__name__} has {list(wanted)}. Give the operator that measured them."
                )
        if self._operator is not None and self._operator != A:
            raise InputError(
                f"The pairs were measured by another operator ({self._operator!r:.200}) than the task's ({A!r:.200}). "
                "Give the operator that measured them."
            )
        doubt = mismatch(self._y, self._x, A)
        if doubt:
            raise InputError(doubt)

    def pair(self, k: int) -> tuple[Tensor, Tensor]:
        """Measurement and true picture, ``[1, C, ...]`` each."""
        return self._y[k : k + 1], self._x[k : k + 1]

    def pairs(self, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Of ``count`` random pairs, ``[count, C, ...]`` each."""
        if self.device.type == "cpu":
            one = self._y[0].nbytes + self._x[0].nbytes
            reserve(4 * count * one, "A step of the training", "Lower images.")
        which = torch.randint(len(self), (count,), generator=random, device=self.device)
        return self._y[which], self._x[which]


def _pair(file: Path, truth: Path | None) -> tuple[Tensor, Tensor, Operator | None]:
    """Measurement and true picture ``[C, ...]``, and the operator where the file knows it."""
    A: Operator | None = None
    x: Tensor | None = None
    if file.suffix.lower() in MEASUREMENTS:
        problem = io.read_measurement(file)
        A, y, x = problem.A, problem.y[0], None if problem.truth is None else problem.truth[0]
    else:
        y = _array(file)
    if truth is not None:
        x = _array(truth)
    if x is None:
        raise InputError(f"{file} holds no true picture. Name files of true pictures in truths.")
    for what, found, path in (("measurement", y, file), ("true picture", x, truth or file)):
        if not bool(torch.isfinite(found).all()):
            raise InputError(f"The {what} in {path} holds NaN or infinite values. Replace them, or leave it out.")
    return y, x, A


def _array(path: Path) -> Tensor:
    """``[C, ...]`` in single precision: a channel is put in front of one or two axes."""
    path = existing_file(path)
    if path.suffix.lower() == ".npz":
        stored = stored_npz(path)
        if len(stored) != 1:
            raise InputError(f"{path} holds {len(stored)} arrays ({', '.join(stored)[:100]}). One is needed.")
        array = next(iter(stored.values())).read(())
    else:
        array = read_npy(path) if path.suffix.lower() == ".npy" else io.read_numbers(path)
    made = torch.from_numpy(np.ascontiguousarray(array))
    made = made.to(torch.complex64 if made.is_complex() else torch.float32)
    return made[None] if made.ndim <= 2 else made
