"""The layers of the present problem: measurement, quick picture, truth."""

from __future__ import annotations

from napari.layers import Image, Layer

from napari_mlpatch.workbench.jobs import contrast_limits
from napari_mlpatch.workbench.scene import Scene

from .canvas import Canvas, place, stretched
from .contrast import Contrast

NAMES = {"preview": "quick preview"}


class SceneLayers:
    """One layer for each role; another problem gets new data into the same layers."""

    def __init__(self, canvas: Canvas, contrast: Contrast):
        self.canvas, self.contrast = canvas, contrast
        self._layers: dict[str, Image] = {}

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
        for role, data in wanted.items():
            is_data = role == "measurement"
            own = contrast_limits(data)
            frame = stretched(scene, data.shape) if is_data else scene.frame
            layer = self[role]
            if layer is None:
                layer = self.canvas.add(data.copy(), NAMES.get(role, role), frame, {"role": role})
                self._layers[role] = layer
            else:
                place(layer, data, frame)
            layer.metadata["mlpatch"]["title"] = scene.title
            group = (scene.problem.fingerprint, role if is_data else "picture")
            self.contrast.add(layer, group, own, own if is_data else scene.limits)

    def removed(self, layer: Layer) -> None:
        """The user deleted one of them."""
        self._layers = {role: its for role, its in self._layers.items() if its is not layer}
