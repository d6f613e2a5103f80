"""How another thread pauses or ends the reconstruction of a stack."""

from __future__ import annotations

import threading

from napari_mlpatch.core.run import Control


class StackControl(Control):
    """``cancel()`` ends it after the step that is computed now, what is done stays and can be continued.

    ``stop()`` lets the blocks end that have begun. ``pause()`` begins no new block until ``go_on()``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._paused = threading.Event()

    def pause(self) -> None:
        self._paused.set()

    def go_on(self) -> None:
        self._paused.clear()

    @property
    def paused(self) -> bool:
        return self._paused.is_set()
