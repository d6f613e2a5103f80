"""What was done last and can be undone: results removed, values adopted."""

from __future__ import annotations

from collections.abc import Callable

from psygnal import Signal

MOST = 20
"""Steps that are remembered: each may hold results."""


class Undo:
    """The last steps, the newest last, each with how to undo it."""

    changed = Signal()

    def __init__(self) -> None:
        self._steps: list[tuple[str, Callable[[], None]]] = []

    @property
    def words(self) -> str:
        """What the next ``undo`` undoes; empty where there is nothing."""
        return self._steps[-1][0] if self._steps else ""

    def did(self, words: str, undo: Callable[[], None]) -> None:
        """Remember a step, in words such as "remove TV"."""
        self._steps.append((words, undo))
        del self._steps[:-MOST]
        self.changed.emit()

    def undo(self) -> str:
        """Undo the last step; its words, empty where there was none."""
        if not self._steps:
            return ""
        words, undo = self._steps.pop()
        undo()
        self.changed.emit()
        return words
