"""Which results are of the present problem, and which one of them is looked at."""

from __future__ import annotations

from typing import Literal

from psygnal import Signal

from .entry import Entry
from .scene import Scene

Other = Entry | Literal["truth"]
"""What a result is compared with: another one, or the true image."""


class Selection:
    """The results, the one that is selected, and the second of a pair."""

    selection_changed = Signal()
    """``selected`` or ``other`` is another one."""

    def __init__(self) -> None:
        self.scene: Scene | None = None
        self.entries: list[Entry] = []
        self.selected: Entry | None = None
        """The row of the table, the layer on show, what is taken away, and what the form shows: all are this one."""
        self.by_hand = False
        """Whether a person chose it. Else the next job that starts becomes the selected one."""
        self._other: Other | None = None

    def stale(self, entry: Entry) -> str:
        """Why an entry does not belong to the present problem; empty where it does."""
        if self.scene is None or entry.scene.problem.same_as(self.scene.problem):
            return ""
        return f"made from an earlier problem: {entry.scene.title}"

    @property
    def present(self) -> list[Entry]:
        """Results of the present problem."""
        return [e for e in self.entries if not self.stale(e)]

    @property
    def earlier(self) -> list[list[Entry]]:
        """Results of earlier problems, those of one problem together, the latest problem first."""
        groups: list[list[Entry]] = []
        for entry in reversed(self.entries):
            if self.stale(entry):
                for group in groups:
                    if group[0].scene.problem.same_as(entry.scene.problem):
                        group.insert(0, entry)
                        break
                else:
                    groups.append([entry])
        return groups

    def select(self, entry: Entry | None, by_hand: bool = True) -> None:
        """Make a result the selected one."""
        self.by_hand = by_hand and entry is not None
        if entry is not self.selected:
            self.selected = entry
            self.selection_changed.emit()

    @property
    def other(self) -> Other | None:
        """The second of a pair: what was chosen, else the truth, else the first result that is not selected."""
        chosen, has_truth = self._other, self.scene is not None and self.scene.problem.truth is not None
        if isinstance(chosen, Entry) and chosen is not self.selected and chosen in self.present:
            return chosen
        if has_truth and not isinstance(chosen, Entry):
            return "truth"
        others = [e for e in self.present if e is not self.selected and e.result is not None]
        return others[0] if others else "truth" if has_truth else None

    def set_other(self, other: Other | None) -> None:
        """Choose what the selected result is compared with; None: what ``other`` falls back to."""
        self._other = other
        self.selection_changed.emit()

    def _drop(self, entry: Entry) -> None:
        """Take a result out of the list. Where it was selected, its neighbour is."""
        rows = self.present if entry in self.present else []
        self.entries.remove(entry)
        if entry is self._other:
            self._other = None
        if entry is self.selected:
            rest = [e for e in rows if e is not entry]
            place = min(rows.index(entry), len(rest) - 1) if rest else -1
            self.select(rest[place] if rest else None, by_hand=self.by_hand)
