"""The mouse on napari's canvas: drags that a handle takes from the camera, and where the cursor is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from napari.viewer import Viewer

REACH = 8.0
"""Pixels of the screen from which a handle can be taken hold of."""

At = tuple[float, float]
"""A place in the world: row, column."""
Keys = tuple[str, ...]
"""Names of keys that are held."""


class Drag:
    """Calls ``to(place)`` while a drag lasts that began where ``takes(place, reach, keys)`` says so; the camera stays.

    ``reach`` is the distance, in the world, within which a handle counts as hit; ``keys`` are those held, such as
    "Shift". Over such a place the cursor is a cross. ``stop`` takes everything back.
    """

    def __init__(self, viewer: Viewer, takes: Callable[[At, float, Keys], bool], to: Callable[[At], None]):
        self.viewer, self.takes, self.to = viewer, takes, to
        self._over, self._stopped = False, False
        viewer.mouse_drag_callbacks.append(self._drag)
        viewer.mouse_move_callbacks.append(self._hover)

    def stop(self) -> None:
        self._stopped = True
        for callbacks, own in (
            (self.viewer.mouse_drag_callbacks, self._drag),
            (self.viewer.mouse_move_callbacks, self._hover),
        ):
            if own in callbacks:
                callbacks.remove(own)
        self._point(False)

    def _drag(self, viewer: Viewer, event: Any) -> Iterator[None]:
        if event.handled or event.button != 1 or not self.takes(place(event), reach(viewer), keys(event)):
            return
        event.handled = True
        yield
        while event.type == "mouse_move" and not self._stopped:
            event.handled = True
            self.to(place(event))
            yield
        if not self._stopped:  # where the button came up: the last moves may have been dropped
            self.to(place(event))
        event.handled = True

    def _hover(self, viewer: Viewer, event: Any) -> None:
        self._point(self.takes(place(event), reach(viewer), keys(event)))

    def _point(self, over: bool) -> None:
        if over != self._over:
            self._over = over
            self.viewer.cursor.style = "crosshair" if over else "standard"


def place(event: Any) -> At:
    """Where in the world the mouse is: row, column."""
    row, column = event.position[-2:]
    return float(row), float(column)


def keys(event: Any) -> Keys:
    return tuple(str(getattr(key, "name", key)) for key in event.modifiers)


def reach(viewer: Viewer) -> float:
    """``REACH`` in units of the world."""
    return REACH / max(viewer.scene.camera.zoom, 1e-12)
