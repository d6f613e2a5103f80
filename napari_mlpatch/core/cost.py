"""What a run will cost, and what is left of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RECENT = 10


@dataclass(frozen=True)
class Cost:
    """What a run takes at most: all of its iterations. One that stops by its tolerance takes less time.

    ``seconds`` are ``setup`` and ``iterations`` times ``per_iteration``. ``bytes`` are the operator's tables and the
    most that the run holds beside them.
    """

    setup: float
    per_iteration: float
    iterations: int
    bytes: int

    @property
    def seconds(self) -> float:
        return self.setup + self.iterations * self.per_iteration


def remaining(history: Sequence[dict[str, float]], total: int) -> float | None:
    """Seconds that a run will still take at most, from its latest iterations: rows with ``k`` and ``seconds``.

    None before there is one. Of a continued run, only what came after the last gap in ``k`` or ``seconds`` counts.
    """
    if not history:
        return None
    recent = history[-RECENT - 1 :]
    first, last = recent[0], recent[-1]
    if len(recent) == 1:
        return last["seconds"] / max(last["k"], 1) * max(total - last["k"], 0)
    pace = (last["seconds"] - first["seconds"]) / max(last["k"] - first["k"], 1)
    return pace * max(total - last["k"], 0)
