"""Listening for as long as a widget lives."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject


def follow(widget: QObject, signal: Any, slot: Callable[..., Any]) -> None:
    """Connect a psygnal signal or a napari event to ``slot`` until Qt deletes the widget.

    Neither knows that a closed dock's widgets are gone; calling them then is an error.
    """
    signal.connect(slot)

    def stop() -> None:
        with contextlib.suppress(Exception):
            signal.disconnect(slot)

    widget.destroyed.connect(stop)
