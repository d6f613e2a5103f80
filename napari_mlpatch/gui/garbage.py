"""Garbage collection on the GUI thread only, and short.

Python collects reference cycles on whichever thread happens to allocate. Closed docks and layers are such cycles; freed
on a worker thread, Qt and OpenGL crash. So automatic collection is off while the workbench is open, and a timer of the
GUI thread does it (pyqtgraph's GarbageCollector). What was there at the start (napari, torch: over 300,000 objects) is
frozen, or each full collection would hold up the window by 100 ms and more.
"""

from __future__ import annotations

import gc

from pyqtgraph.util.garbage_collector import GarbageCollector

INTERVAL_SECONDS = 0.5


class GuiThreadGarbage:
    """From its making until ``close``, garbage is collected on the present thread only."""

    def __init__(self) -> None:
        gc.freeze()
        self._collector = GarbageCollector(INTERVAL_SECONDS)

    def close(self) -> None:
        self._collector.timer.stop()
        gc.unfreeze()
        gc.enable()
