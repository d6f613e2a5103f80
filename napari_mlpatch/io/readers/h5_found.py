"""What a walk through an HDF5 file finds: arrays, texts and groups by their names, and names that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from napari_mlpatch.core.errors import InputError

from .. import h5
from ..arrays import Stored
from ..guard import reading


class DeadEndError(Exception):
    """Why a name leads to no values."""


@dataclass(frozen=True)
class Place:
    """A group or array, by its name through hard links only, in the file that really holds it."""

    file: Path
    name: str
    item: Any


@dataclass
class Tree:
    """Arrays by every name that leads to them, texts likewise; ``dead`` names with the reason; groups' places.

    ``files`` are all that were opened, ``notes`` tell of virtual arrays with places that no source fills.
    """

    path: Path
    arrays: dict[str, Stored] = field(default_factory=dict)
    texts: dict[str, tuple[Path, str]] = field(default_factory=dict)
    records: dict[str, tuple[Path, str]] = field(default_factory=dict)
    groups: dict[str, tuple[Path, str]] = field(default_factory=dict)
    dead: dict[str, str] = field(default_factory=dict)
    files: set[Path] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def text(self, name: str) -> str:
        """One text of the file. Only on request: the library can hang on a damaged heap of texts."""
        file, inner = self.texts[name]
        with reading(file, "HDF5"), h5py.File(file, "r") as opened:
            value = np.asarray(opened[inner][()]).ravel()[0]  # type: ignore[index]
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def group_attribute(self, name: str, attribute: str) -> Any:
        """Of the group of that name, "" being the root."""
        file, inner = self.groups[name]
        with reading(file, "HDF5"), h5py.File(file, "r") as opened:
            return h5.attribute(opened[inner or "/"], attribute)  # type: ignore[arg-type]

    def check_alive(self, names: Iterable[str]) -> None:
        """Raises InputError with the reason, where one of the names leads nowhere."""
        for name in names:
            if name in self.dead:
                raise InputError(f"{self.path}: {name!r} {self.dead[name]}")
