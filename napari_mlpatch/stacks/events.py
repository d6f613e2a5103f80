"""What the reconstruction of a stack tells while it goes on, and what it ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .blocks import Block
from .stack_recipe import StackRecipe


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


@dataclass(frozen=True)
class BlockDone:
    """A block is written and marked. ``seconds`` are those of reading, computing and writing."""

    block: Block
    seconds: tuple[float, float, float]


@dataclass(frozen=True)
class BlockFailed:
    """A block could not be made: the others go on, and the same run, started again, repeats only those."""

    block: Block
    message: str


@dataclass(frozen=True)
class Finished:
    """All that could be done is done, or the run was ended: ``cancelled``, or ``stopped`` says what ended it."""

    path: Path
    slices: int
    done: int
    failed: tuple[BlockFailed, ...] = ()
    cancelled: bool = False
    stopped: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def complete(self) -> bool:
        return self.done == self.slices

    @property
    def message(self) -> str:
        """ "250 of 256 slices, 6 failed: why"."""
        missed = sum(len(one.block) for one in self.failed)
        text = f"{self.done} of {self.slices} slices"
        if missed:
            reasons = dict.fromkeys(one.message for one in self.failed)
            first, more = next(iter(reasons)), len(reasons) - 1
            text += f", {missed} failed: {first}" + (f" (and {more} other reasons)" if more else "")
        if self.stopped:
            text += f", stopped: {self.stopped}"
        return text + (", cancelled" if self.cancelled else "")


Event = Started | Progress | BlockDone | BlockFailed | Finished
