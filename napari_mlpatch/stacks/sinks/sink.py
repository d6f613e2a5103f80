"""What takes the pictures of a stack, block by block."""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.budget import bytes_of
from napari_mlpatch.core.files import beside

from ..planes import Planes

KEY = "mlpatch_stack"
"""Under which an output holds what it was made from."""


@dataclass(frozen=True)
class Volume:
    """A volume ``[slices, rows, columns]`` of float32 that is written in blocks of ``block`` slices.

    ``spacing`` is that of its axes in ``unit`` ("" where unknown); ``about`` is plain JSON: recipe, source, identity.
    """

    shape: tuple[int, int, int]
    block: int
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    unit: str = ""
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return bytes_of(self.shape, 4)

    @property
    def notes(self) -> dict[str, Any]:
        """All of it as plain JSON, to be kept with the pictures."""
        more = {"block": self.block, "shape": list(self.shape), "spacing": list(self.spacing), "unit": self.unit}
        return {**self.about, **more}


class Sink(ABC):
    """An output at ``path``. Blocks may come in any order, from several processes; none touches the file of another,
    or the part of a file. A block that was written in part is written again as a whole.
    """

    path: Path
    overhead = 1.0
    """Bytes on the disk for each byte of the volume."""
    grows = True
    """Whether it takes room on the disk block by block, rather than as it is made."""

    def __init__(self, path: Path):
        self.path = path

    @abstractmethod
    def create(self, volume: Volume) -> None:
        """Make the empty volume, which can be opened at once. Raises OSError."""

    @abstractmethod
    def write(self, start: int, x: np.ndarray) -> None:
        """The pictures float32 ``[slices, rows, columns]`` from place ``start`` on. Raises OSError."""

    @abstractmethod
    def about(self) -> dict[str, Any] | None:
        """What ``create`` noted, and "complete"; None where there is nothing, or nothing of this program."""

    @abstractmethod
    def levels(self, about: dict[str, Any]) -> tuple[Planes, ...]:
        """The volume to be looked at, the finest level first; 0 where it is not written. Raises OSError, KeyError."""

    def settle(self, start: int, stop: int, x: np.ndarray | None, whole: Callable[[int], bool]) -> None:
        """A block is written and marked, and stays as it is: make what is made of it and others that are there.

        ``x`` are its pictures, None where they are not all in memory. ``whole`` tells whether a block of this number
        is there for good. Nothing is lost where this is left out: ``finishing`` makes what is missing. Raises OSError.
        """
        return None

    def tidy(self, start: int, stop: int) -> None:
        """Take away what a killed process has left beside a block, and what was made of it."""
        return None

    def discard(self, start: int, stop: int) -> None:
        """Take away what may have been written of a block that is not marked."""
        self.tidy(start, stop)

    def finish(self) -> None:
        """All blocks are there: note that, and make what is made of the whole. May be called again."""
        for _ in self.finishing():
            pass

    def finishing(self) -> Iterator[float]:
        """The same step by step, with how far it is, from 0 to 1; left alone in between, it goes on the next time."""
        yield from ()

    def parts(self) -> Iterator[Path]:
        """The files that ``remove`` takes away."""
        if not self.path.is_dir():
            yield Path(os.path.realpath(self.path))
            return
        for folder, _, names in os.walk(self.path):
            yield from (Path(folder) / name for name in names)

    def remove(self) -> None:
        """The whole output, of which ``about`` says that this program made it."""
        target = Path(os.path.realpath(self.path))  # a link stays, so that the next one goes there, too
        if target.is_dir():
            aside = beside(target)
            os.rename(target, aside)  # in one step, so that nothing remains that is half of an output
            shutil.rmtree(aside)
            if self.path.is_symlink():
                target.mkdir()
        else:
            target.unlink(missing_ok=True)
