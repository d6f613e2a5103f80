"""The controls of a layer are made when it is first looked at, and then in a round of events of their own."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.settings import get_settings
from qtpy.QtCore import QTimer

from .private import module

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

napari_controls = module("napari._qt.layer_controls.qt_layer_controls_container")
REST_MS = 1
"""0 ms would be in the round of events that chose the layer."""


def one_panel() -> bool:
    """Whether napari is to make one panel for whatever is chosen, and no controls of each layer: an experiment of its.

    It then takes none, and removes none.
    """
    return bool(getattr(get_settings().experimental, "dynamic_layer_controls", False))


def controls_later(viewer: Viewer) -> None:
    """Let napari make no sliders and boxes for layers that nobody chooses.

    napari (0.9.2) makes those of each layer as it is added, which takes longer than all else about it, and brings them
    up to date whenever the layer is shown or hidden.
    """
    container: Any = getattr(viewer.window._qt_viewer, "controls", None)
    if not all(hasattr(container, name) for name in ("_add", "_remove", "_populate", "widgets")):
        return
    if not hasattr(napari_controls, "create_qt_layer_controls"):
        return
    own: Any = type(container)
    its = weakref.ref(container)
    timer = QTimer(container)
    timer.setSingleShot(True)
    timer.setInterval(REST_MS)

    def make(layer: Layer) -> Any:
        container = its()
        assert container is not None, "it is what asks"
        controls = napari_controls.create_qt_layer_controls(layer)
        controls.ndisplay = container.viewer.dims.ndisplay
        container.addWidget(controls)
        return controls

    def add(event: Any) -> None:
        """Now only where there are none that give the dock its width: a first picture is fitted to what is left."""
        container = its()
        if container is not None and container.count() == 1:  # of no layer
            own._add(container, event)

    def remove(event: Any) -> None:
        container = its()
        if container is None or event.value not in container.widgets:
            return
        own._remove(container, event)
        left = container.widgets.pop(event.value, None)
        if left is not None:  # they were made before napari was to make one panel
            container.removeWidget(left)
            left.hide()
            left.deleteLater()

    def populate() -> None:
        container = its()
        active = None if container is None else container.viewer.layers.selection.active
        if active is None or active in container.widgets:
            now()
        else:
            timer.start()

    def now() -> None:
        container = its()
        if container is not None:
            own._populate(container)

    timer.timeout.connect(now)
    container.widgets = Made(make, container.widgets)
    vars(container).update(_add=add, _remove=remove, _populate=populate)


def controls_ahead(viewer: Viewer) -> None:
    """Make those of a layer that nobody sees, before there is one: the first of all take longest and widen the dock."""
    window = getattr(viewer.window, "_qt_window", None)  # it may have been closed
    container: Any = None if window is None else getattr(window._qt_viewer, "controls", None)
    if isinstance(getattr(container, "widgets", None), Made) and container.count() == 1:
        container.addWidget(napari_controls.create_qt_layer_controls(Image(np.zeros((2, 2)))))


def give(viewer: Viewer, layer: Layer, controls: Any) -> bool:
    """Take controls that were made elsewhere, before anybody chooses their layer. Returns whether they were taken."""
    container: Any = getattr(viewer.window._qt_viewer, "controls", None)
    widgets = getattr(container, "widgets", None)
    if one_panel() or not isinstance(widgets, Made) or layer in widgets:
        return False
    controls.ndisplay = viewer.dims.ndisplay
    container.addWidget(controls)
    widgets[layer] = controls
    return True


class Made(dict):
    """The controls by their layer; those that are asked for are made."""

    def __init__(self, make: Any, already: dict[Layer, Any]):
        super().__init__(already)
        self._make = make

    def __missing__(self, layer: Layer) -> Any:
        made = self[layer] = self._make(layer)
        return made
