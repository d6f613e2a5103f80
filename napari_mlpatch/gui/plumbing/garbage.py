"""Garbage collection on the GUI thread only, and short.

Python collects reference cycles on whichever thread happens to allocate. Closed docks and layers are such cycles; freed
on a worker thread, Qt and OpenGL crash. So automatic collection is off while the workbench is open, and a timer of the
GUI thread does it. Several windows of one process share that: it comes back on when the last one closes.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable
from typing import ClassVar

from qtpy.QtCore import QTimer

INTERVAL_MS = 500


class GuiThreadGarbage:
    """From its making until ``close``, garbage is collected on the present thread only."""

    _open: ClassVar[set[GuiThreadGarbage]] = set()
    wanted: ClassVar[list[tuple[Callable[[], None], Callable[[], None]]]] = []
    """What comes before and after a collection of all garbage: see ``collect_soon``."""

    def __init__(self) -> None:
        gc.disable()
        self._timer = QTimer()
        self._timer.timeout.connect(_collect)
        self._timer.start(INTERVAL_MS)
        self._open.add(self)

    def freeze(self) -> None:
        """Leave alone what is there now: napari's and torch's 300,000 objects cost each full collection 0.1 s."""
        gc.freeze()

    def close(self) -> None:
        with contextlib.suppress(RuntimeError):  # Qt has deleted it with the application
            self._timer.stop()
        self._open.discard(self)
        if not self._open:
            gc.unfreeze()
            gc.enable()


def collect_soon(before: Callable[[], None], after: Callable[[], None]) -> None:
    """Collect all garbage in the timer's next round, once for all that ask, each in the context that it makes current.

    ``before`` makes an OpenGL context current, and ``after`` deletes there what was garbage.
    """
    GuiThreadGarbage.wanted.append((before, after))


def _collect() -> None:
    """The generations that are due, as automatic collection would; or all, where that was asked for."""
    if GuiThreadGarbage.wanted:
        asked, GuiThreadGarbage.wanted[:] = list(GuiThreadGarbage.wanted), []
        collected = False
        for before, after in dict.fromkeys(asked):
            with contextlib.suppress(RuntimeError):  # Qt has deleted the canvas
                before()
                if not collected:
                    gc.collect()
                    collected = True
                after()
        if not collected:  # none of the canvases is left
            gc.collect()
        return
    for generation, (count, threshold) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)):
        if count <= threshold:
            return
        gc.collect(generation)
