"""A new layer comes onto the canvas in pieces, each in a round of events of its own: the window answers in between."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from .controls_later import give, one_panel
from .private import module

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

STEP_MS = 1
"""0 ms would be in the same round of events, before what it has to paint."""
CONTROLS = ("napari._qt.layer_controls.qt_layer_controls_container", "create_qt_layer_controls")
VISUAL = ("napari._qt.qt_viewer", "create_vispy_layer")
"""Where napari (0.9.2) looks up what makes the widgets of a new layer, and its visual."""


def adding(viewer: Viewer, layer: Layer) -> Iterator[None]:
    """Add a layer that was made elsewhere, on any thread: a generator whose steps are to be taken one by one.

    napari makes the widgets that control a layer, its visual, the sliders of its axes and its row in the list all at
    once, 0.15 s together. Here widgets and visual are made before, and handed over when it asks for them; the rest is
    0.04 s. Left alone in between, nothing stays.
    """
    ready: dict[tuple[str, str], Any] = {}
    sliders, hidden = viewer.window._qt_viewer.dims, False
    try:
        make = None if one_panel() else _function(CONTROLS)
        if make is not None:
            ready[CONTROLS] = make(layer)
            yield
            _polish(ready[CONTROLS], viewer)
            yield
        make, font_info = _function(VISUAL), getattr(viewer.window._qt_viewer.canvas, "font_info", None)
        if make is not None and font_info is not None:
            ready[VISUAL] = make(layer, font_info=font_info())
            yield
        hidden = layer.ndim > viewer.dims.ndim and sliders.isVisible() and not sliders.height()
        if hidden:  # nothing is to be seen there; each slider that is made would let the canvas be painted at once
            sliders.hide()
        viewer.layers._activate_on_insert = False
        try:
            with contextlib.ExitStack() as stack:
                for place in list(ready):
                    stack.enter_context(_handed_over(place, layer, ready))
                viewer.layers.append(layer)
            if CONTROLS in ready and give(viewer, layer, ready[CONTROLS]):
                del ready[CONTROLS]
        finally:
            viewer.layers._activate_on_insert = True
        yield
        if hidden:
            sliders.show()
            yield
        if layer in viewer.layers:
            viewer.layers.selection.active = layer
    finally:
        with contextlib.suppress(RuntimeError):  # Qt has deleted them with the window
            if hidden:
                sliders.show()
            if CONTROLS in ready:
                ready[CONTROLS].deleteLater()
            if VISUAL in ready:
                ready[VISUAL].close()


def _function(place: tuple[str, str]) -> Callable[..., Any] | None:
    return getattr(module(place[0]), place[1], None)


def _polish(controls: QWidget, viewer: Viewer) -> None:
    """Let the style sheet be applied now, and not when they are shown."""
    controls.hide()
    controls.setParent(viewer.window._qt_viewer.controls)
    for widget in (controls, *controls.findChildren(QWidget)):
        widget.ensurePolished()


@contextlib.contextmanager
def _handed_over(place: tuple[str, str], layer: Layer, ready: dict[tuple[str, str], Any]) -> Iterator[None]:
    """Whoever asks napari's function for what belongs to this layer gets what is ready."""
    its, name = module(place[0]), place[1]
    own = getattr(its, name)

    def made(asked: Layer, *args: Any, **more: Any) -> Any:
        return ready.pop(place) if asked is layer and place in ready else own(asked, *args, **more)

    setattr(its, name, made)
    try:
        yield
    finally:
        setattr(its, name, own)


class Steps:
    """Generators whose steps are taken one by one, each in a round of events; a later one waits for the others."""

    def __init__(self, parent: QWidget):
        self._waiting: deque[Iterator[Any]] = deque()
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.setInterval(STEP_MS)
        self._timer.timeout.connect(self._next)

    def take(self, steps: Iterator[Any]) -> None:
        """Begin with the next round of events."""
        self._waiting.append(steps)
        self._timer.start()

    def _next(self) -> None:
        try:
            next(self._waiting[0])
        except BaseException as error:
            self._waiting.popleft()
            if not isinstance(error, StopIteration):
                raise
        finally:
            if self._waiting:
                self._timer.start()
