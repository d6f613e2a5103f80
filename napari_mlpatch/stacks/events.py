"""What the reconstruction of a stack tells while it goes on, and what it ends with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from napari_mlpatch.core.ranges import in_ranges

from .blocks import Block
from .stack_recipe import StackRecipe


@dataclass(frozen=True)
class Copying:
    """Before the run of ``slices`` begins, or goes on where ``done`` of them are there: the data are copied as numbers
    that are not compressed, so far of them, from 0 to 1."""

    part: float
    slices: int
    done: int = 0


@dataclass(frozen=True)
class Started:
    """The work is cut into ``blocks`` blocks; ``done`` of its ``slices`` were done before and stay as they are.

    ``recipe`` is settled: it says how large the blocks are. ``path`` can be opened at once, and grows. ``bytes`` is
    the memory that a worker is expected to take beside what the program has already. ``notes`` tell what was found in
    the source and assumed of it.
    """

    recipe: StackRecipe
    path: Path
    shape: tuple[int, int, int]
    blocks: int
    slices: int
    done: int
    bytes: int
    workers: int = 1
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """So many slices are done of all, and failed; ``pace`` [slices/s] and ``eta`` [s] are None before the first block.

    ``within`` is how far the block is that is computed now, from 0 to 1 (only without a cluster).
    """

    done: int
    failed: int
    slices: int
    seconds: float
    pace: float | None = None
    eta: float | None = None
    within: float = 0.0
    paused: bool = False
    finishing: float | None = None
    """All slices are there: how far the smaller levels of the volume are, from 0 to 1."""


@dataclass(frozen=True)
class BlockDone:
    """A block is written and marked, but for the slices ``missed``, of which a ``BlockFailed`` tells.

    ``seconds`` are those of reading, computing and writing.
    """

    block: Block
    seconds: tuple[float, float, float]
    missed: tuple[int, ...] = ()


@dataclass(frozen=True)
class BlockFailed:
    """Slices of a block could not be made: the others go on, and the same run, started again, repeats only those.

    ``slices`` are all of the block where it says nothing else. ``again``: they are repeated in this run, when
    the others are done.
    """

    block: Block
    message: str
    slices: tuple[int, ...] = ()
    again: bool = False

    def __post_init__(self) -> None:
        if not self.slices:
            object.__setattr__(self, "slices", tuple(range(self.block.start, self.block.stop)))

    @property
    def text(self) -> str:
        """ "slices 3, 8 to 11: why"."""
        return f"{in_words(self.slices)}: {self.message}{' (to be repeated)' if self.again else ''}"


@dataclass(frozen=True)
class Finished:
    """All that could be done is done, or the run was ended: ``cancelled``, or ``stopped`` says what ended it.

    ``finished`` is False where all slices are there, but not the smaller levels of the volume: the same run makes them.
    """

    path: Path
    slices: int
    done: int
    failed: tuple[BlockFailed, ...] = ()
    cancelled: bool = False
    stopped: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())
    finished: bool = True

    @property
    def complete(self) -> bool:
        return self.done == self.slices

    @property
    def message(self) -> str:
        """ "250 of 256 slices, 6 failed: why, in slices 3, 8 to 12"."""
        missed = sorted({k for one in self.failed for k in one.slices})
        text = f"{self.done} of {self.slices} slices"
        if missed:
            reasons = dict.fromkeys(one.message for one in self.failed)
            first, more = next(iter(reasons)), len(reasons) - 1
            others = f" (and {more} other reason{'s' * (more > 1)})" if more else ""
            text += f", {len(missed)} failed: {first.rstrip('.')}{others}, in {in_words(missed)}"
        if self.stopped:
            text += f", stopped: {self.stopped}"
        if not self.finished:
            text += ", all there, but the smaller levels are still to be made"
        return text + (", cancelled" if self.cancelled else "")


def in_words(slices: Sequence[int]) -> str:
    """ "slice 3", "slices 3, 8 to 11": of numbers in their order; of many ranges the first ones."""
    return f"slice{'s' * (len(slices) != 1)} {in_ranges(slices)}"


Event = Copying | Started | Progress | BlockDone | BlockFailed | Finished
