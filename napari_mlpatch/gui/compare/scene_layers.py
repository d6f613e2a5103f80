"""The layers of the present problem: measurement, quick picture, truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from napari.layers import Image, Layer
from qtpy.QtCore import QTimer

from napari_mlpatch.workbench.jobs import contrast_limits
from napari_mlpatch.workbench.scene import Frame, Scene

from .canvas import Canvas, draw_thumbnail, place, stretched
from .contrast import Contrast

NAMES = {"preview": "quick preview"}
FIRST = "preview"
"""What is on show at once. napari takes as long for each of the others, made in rounds of events of their own."""
REST_MS = 200
"""After which they are: the first one has been painted, and its colour bar."""
LOWEST = "measurement"
"""In napari's list."""


class SceneLayers:
    """One layer for each role; another problem gets new data into the same layers.

    Those that have to be made come one after the other, but for the first; ``come`` is called when all are there.
    """

    def __init__(self, canvas: Canvas, contrast: Contrast, come: Callable[[], None]):
        self.canvas, self.contrast, self._come = canvas, contrast, come
        self._layers: dict[str, Image] = {}
        self._wanted: dict[str, tuple[Scene, np.ndarray]] = {}
        self._timer = QTimer(canvas.viewer.window._qt_window)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._make_one)

    def __getitem__(self, role: str) -> Image | None:
        layer = self._layers.get(role)
        return layer if layer is not None and layer in self.canvas.viewer.layers else None

    def set_scene(self, scene: Scene) -> None:
        wanted = {"measurement": scene.data, "preview": scene.preview}
        if scene.truth is not None:
            wanted["truth"] = scene.truth
        for role in list(self._layers):
            if role not in wanted:
                self.contrast.remove(self._layers[role])
                self.canvas.remove(self._layers.pop(role))
        self._wanted.clear()
        for role, data in wanted.items():
            layer = self[role]
            if layer is not None:
                place(layer, data, _frame(scene, role, data))
                self._join(layer, role, scene, data)
                draw_thumbnail(layer)
            elif role == FIRST:
                self._make(role, scene, data)
            else:
                self._wanted[role] = scene, data
                self._timer.start(REST_MS)

    def removed(self, layer: Layer) -> None:
        """The user deleted one of them."""
        self._layers = {role: its for role, its in self._layers.items() if its is not layer}

    def _make_one(self) -> None:
        if self._wanted:
            role = next(iter(self._wanted))
            self._make(role, *self._wanted.pop(role))
        self._timer.start(1) if self._wanted else self._come()

    def _make(self, role: str, scene: Scene, data: np.ndarray) -> None:
        frame = _frame(scene, role, data)
        layer = self._layers[role] = self.canvas.add(data.copy(), NAMES.get(role, role), frame, {"role": role})
        if role == LOWEST and len(self.canvas.viewer.layers) > 1:
            with self.canvas.acting():
                self.canvas.viewer.layers.move(self.canvas.viewer.layers.index(layer), 0)
        self._join(layer, role, scene, data)

    def _join(self, layer: Image, role: str, scene: Scene, data: np.ndarray) -> None:
        is_data = role == "measurement"
        own = contrast_limits(data)
        layer.metadata["mlpatch"]["title"] = scene.title
        group = (scene.problem.fingerprint, role if is_data else "picture")
        self.contrast.add(layer, group, own, own if is_data else scene.limits)


def _frame(scene: Scene, role: str, data: np.ndarray) -> Frame:
    return stretched(scene, data.shape) if role == "measurement" else scene.frame
