"""The patches on the canvas: where the network samples, and how far it has moved from where it began."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Image, Points, Vectors
from napari.viewer import Viewer

from napari_mlpatch.explore.microscope import Patch


class PatchLayers:
    """Two layers above the picture, there from the first patch on, and on show only while the microscope is in use."""

    def __init__(self, viewer: Viewer):
        self.viewer = viewer
        self._layers: dict[str, Any] = {}
        self._away: list[Any] | None = None
        """Those that come back with the microscope; None while it is in use."""

    def draw(self, over: Image, patches: Sequence[Patch], colours: Sequence[str], seen: bool = True) -> None:
        """Show these patches over a picture. ``seen``: where a person has hidden them, they come back."""
        points = np.concatenate([patch.points.reshape(-1, 2) for patch in patches])
        starts = np.concatenate([patch.initial.reshape(-1, 2) for patch in patches])
        sizes = [patch.points.shape[0] * patch.points.shape[1] for patch in patches]
        each = [colour for colour, n in zip(colours, sizes, strict=True) for _ in range(n)]
        vectors = np.stack([starts, points - starts], axis=1)
        if "samples" not in self._layers:
            self._make(over, points, vectors, each)
            return
        motion, samples = self._layers["motion"], self._layers["samples"]
        assert isinstance(motion, Vectors) and isinstance(samples, Points)
        motion.data = vectors
        samples.data = points
        samples.face_color = each
        layers = self.viewer.layers
        for made in (motion, samples):
            made.scale, made.translate = over.scale, over.translate
            if self._away is None:
                made.visible = made.visible or seen
            elif seen and made not in self._away:
                self._away.append(made)
            if layers.index(made) < layers.index(over):
                layers.move(layers.index(made), len(layers))

    def _make(self, over: Image, points: np.ndarray, vectors: np.ndarray, colours: list[str]) -> None:
        place = {"scale": over.scale, "translate": over.translate, "units": over.units}
        active = self.viewer.layers.selection.active
        about = {"metadata": {"mlpatch": {"role": "microscope"}}, "visible": self._away is None}
        self._layers["motion"] = self.viewer.add_vectors(
            vectors, name="patch: moved", edge_width=0.08, edge_color="white", opacity=0.6, **about, **place
        )
        self._layers["samples"] = self.viewer.add_points(
            points,
            name="patch: samples",
            size=0.35,
            border_width=0,
            face_color=colours,
            canvas_size_limits=(4, 1000),  # so that colours can be told apart from afar
            **about,
            **place,
        )
        for made in self._layers.values():
            made.editable = False
        if self._away is not None:
            self._away = list(self._layers.values())
        self.viewer.layers.selection.active = active

    def use(self, used: bool) -> None:
        """Hide what is on show while another dock is looked at; then it comes back."""
        if not used and self._away is None:
            self._away = [layer for layer in self._layers.values() if layer.visible]
            for layer in self._away:
                layer.visible = False
        elif used:
            away, self._away = self._away or [], None
            for layer in away:
                if layer in self.viewer.layers:
                    layer.visible = True

    def removed(self, layer: Any) -> None:
        """A layer has gone: one of these without the other makes no sense."""
        self._layers = {name: its for name, its in self._layers.items() if its is not layer}
        if len(self._layers) == 1:
            self.forget()

    def forget(self) -> None:
        """Take them away."""
        layers, self._layers = list(self._layers.values()), {}
        for made in layers:
            if made in self.viewer.layers:
                self.viewer.layers.remove(made)
