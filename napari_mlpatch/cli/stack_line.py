"""How far a stack is: one line that is rewritten on a terminal; in a log now and then a line."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, TextIO

from .execute import LINE_SECONDS, LOG_SECONDS
from .output import duration
from .streams import control

if TYPE_CHECKING:
    from napari_mlpatch.stacks.events import Copying, Progress


class Line:
    def __init__(self, stream: TextIO):
        self._stream, self._rewrites = stream, stream.isatty()
        self._wait = LINE_SECONDS if self._rewrites else LOG_SECONDS
        self._next = time.monotonic() + self._wait

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *error: object) -> None:
        if self._rewrites:
            self._rewrite("")

    def show(self, event: Progress | Copying) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        if self._rewrites:
            self._rewrite(text_of(event)[: shutil.get_terminal_size().columns - 1])
        else:
            self._wait *= 1.5
            print(text_of(event), file=self._stream, flush=True)
        self._next = now + self._wait

    def _rewrite(self, text: str) -> None:
        control(self._stream, "\r\x1b[K")
        print(text, end="", file=self._stream, flush=True)


def text_of(event: Progress | Copying) -> str:
    """ "12/256 slices  4.1 slices/s  1 min left  2 failed", or "unpacking the data  12 %"."""
    from napari_mlpatch.stacks.events import Copying

    if isinstance(event, Copying):
        return f"unpacking the data  {100 * event.part:.0f} %"
    parts = [f"{event.done}/{event.slices} slices"]
    if event.finishing is not None:
        return f"{parts[0]}  smaller levels {100 * event.finishing:.0f} %" + ("  paused" if event.paused else "")
    if event.pace is not None:
        parts.append(f"{event.pace:.3g} slices/s")
    if event.eta is not None:
        parts.append(f"{duration(event.eta)} left")
    if event.failed:
        parts.append(f"{event.failed} failed")
    return "  ".join([*parts, *(["paused"] if event.paused else [])])
