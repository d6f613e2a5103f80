"""Layers of the views' own, handed from one view to the next."""

from __future__ import annotations

from napari.layers import Image
from qtpy.QtCore import QTimer

from .canvas import Canvas, set_visible
from .contrast import Contrast

SPARE_MS = 1000
"""How long a layer that a view has left waits for the next view."""


class OwnLayers:
    """napari takes about 0.1 s to make a layer, and as long to remove one: going through the views does neither.

    What no view has taken after a moment is removed, each in a round of events of its own.
    """

    def __init__(self, canvas: Canvas, contrast: Contrast):
        self.canvas, self.contrast = canvas, contrast
        self.spare: list[Image] = []
        self._timer = QTimer(canvas.viewer.window._qt_window)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SPARE_MS)
        self._timer.timeout.connect(self._remove_one)

    def take(self) -> Image | None:
        """A hidden layer to be filled anew, on top of all others; None where there is none to spare."""
        layers = self.canvas.viewer.layers
        while self.spare:
            layer = self.spare.pop()
            if layer in layers:
                if layers[-1] is not layer:
                    with self.canvas.acting():
                        layers.move(layers.index(layer), len(layers))
                return layer
        return None

    def give(self, layer: Image) -> None:
        """A view has no more use for it."""
        self.contrast.remove(layer)
        if layer not in self.canvas.viewer.layers:
            return  # a person has removed it
        with self.canvas.acting():
            set_visible(layer, False)
            layer.name_overlay.visible = False
            if self.canvas.viewer.layers.selection.active is layer:
                self.canvas.viewer.layers.selection.active = None
        self.spare.append(layer)
        self._timer.start()

    def _remove_one(self) -> None:
        if self.spare:
            self.canvas.remove(self.spare.pop())
            self._timer.start(1)
        else:
            self._timer.setInterval(SPARE_MS)
