"""Who computes the blocks: threads of this program, or the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from ..blocks import Block
from ..control import StackControl
from ..job import Job, Report


class Executor(Protocol):
    """``workers`` compute at the same time, each up to ``lanes`` blocks side by side, if they fit into its memory.

    ``cores`` are those of each worker, which its lanes share; 0 where it knows itself.
    ``within`` is how far the block is that is computed now, if known.
    """

    workers: int
    lanes: int
    cores: int

    @property
    def within(self) -> float: ...

    def reports(self, job: Job, blocks: Sequence[Block], control: StackControl) -> Iterator[Report | None]:
        """A report for each block that was begun, in any order, and None now and then while they are computed.

        Obeys ``control``: none is begun while it is paused, or after it wishes an end. Raises InputError where there
        is nobody to compute.
        """
        ...
