"""How a stack is cut into blocks of slices."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Block:
    """The slices ``start`` to ``stop`` of the source; ``index`` counts the blocks of a run from 0."""

    index: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def partition(first: int, last: int, size: int) -> tuple[Block, ...]:
    """The slices ``first`` to ``last`` (not included) in blocks of ``size``; the last one may be shorter."""
    starts = range(first, last, size)
    return tuple(Block(i, start, min(start + size, last)) for i, start in enumerate(starts))
