"""What is there already of the run that the dock describes, of this session or an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of
from napari_mlpatch.gui.plumbing.follow import follow

if TYPE_CHECKING:
    from napari_mlpatch.stacks.events import Finished

    from .all_slices_dock import AllSlicesDock

DEBOUNCE_MS = 300


class Left:
    """Looked at off the window's thread, a little after the last change; the rows of the run tell it."""

    def __init__(self, dock: AllSlicesDock):
        self.dock = dock
        self._timer = QTimer(dock)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE_MS)
        self._timer.timeout.connect(self._look)
        follow(dock, dock.stacks.ended, self._ended)

    def look(self) -> None:
        """Something that decides it may have changed."""
        rows = self.dock.rows
        try:
            rows.named = path_of(self.dock.output.path()) if self.dock.output.path() else None
        except InputError:
            rows.named = None
        if not self._is_ours(rows.left):
            rows.left = None  # of another output
        self._timer.start()

    def _ended(self, ended: Finished) -> None:
        self._came(ended)
        if not self._is_ours(ended):
            self.look()  # the other one was chosen during the run

    def _look(self) -> None:
        dock, out = self.dock, self.dock.output.path()
        if dock.stacks.running:
            return
        try:
            recipe = dock.recipe() if out else None
        except InputError:
            recipe = None
        if recipe is None or dock.base is None:
            self._came(None)
            return
        from napari_mlpatch.stacks.left import left_of

        source = dock.base.source
        dock.workbench.quick.call(  # not behind the trial of a slice
            "stack-left", lambda: left_of(recipe, source, out), self._came, lambda error: self._came(None)
        )

    def _came(self, found: Finished | None) -> None:
        dock, ended = self.dock, self.dock.stacks.finished
        if dock.stacks.running:
            return
        if not self._is_ours(found):  # asked before another output was chosen
            found = None
        if found is not None and ended is not None and (found.path, found.done) == (ended.path, ended.done):
            found = ended  # which knows more
        dock.rows.left = found
        dock.rows.draw()
        dock.offer()

    def _is_ours(self, found: Finished | None) -> bool:
        """Whether it is of the output that the dock names now."""
        return found is not None and found.path == self.dock.rows.named
