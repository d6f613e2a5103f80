"""Listening to signals, keys and the mouse for as long as a widget lives."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any

from napari.viewer import Viewer
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


KEYS: weakref.WeakKeyDictionary[Viewer, dict[str, str]] = weakref.WeakKeyDictionary()
"""What keys do, in words, for each viewer: see ``follow_key``."""


def follow_key(widget: QObject, viewer: Viewer, key: str, slot: Callable[[], Any], about: str = "") -> None:
    """Let a key of the viewer call ``slot`` until Qt deletes the widget, or until something else takes the key.

    ``about`` says in words what it does, for the list of all keys.
    """
    KEYS.setdefault(viewer, {})[key] = about

    def own(_: Viewer) -> None:
        slot()

    def stop() -> None:
        KEYS.get(viewer, {}).pop(key, None)
        with contextlib.suppress(Exception):
            present = viewer.bind_key(key, None)
            if present is not None and present is not own:
                viewer.bind_key(key, present)

    viewer.bind_key(key, own, overwrite=True)
    widget.destroyed.connect(stop)


def follow_mouse(widget: QObject, viewer: Viewer, slot: Callable[..., Any]) -> None:
    """Call ``slot`` when the mouse moves over the canvas, until Qt deletes the widget."""
    viewer.mouse_move_callbacks.append(slot)

    def stop() -> None:
        if slot in viewer.mouse_move_callbacks:
            viewer.mouse_move_callbacks.remove(slot)

    widget.destroyed.connect(stop)
