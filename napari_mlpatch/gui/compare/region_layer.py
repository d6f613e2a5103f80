"""The region of interest: a Shapes layer on the canvas, of which the table's regional figures are."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Shapes
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QPushButton

from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.notify import show_info

from .canvas import set_visible
from .stage import Stage

NAME = "Region"
COLOURS = {"region": "#ffd166", "background": "#4cc9f0"}
DELAY_MS = 150
SHARE = 0.25
"""Sides of the first rectangle, of the picture's."""


class RegionButton(QPushButton):
    """Puts a Shapes layer with a rectangle onto the pictures; what is drawn there is the region."""

    def __init__(self, stage: Stage):
        super().__init__()
        self.stage, self.workbench = stage, stage.workbench
        self.layer: Shapes | None = None
        self.setText("Region")
        self.setCheckable(True)
        self.setToolTip(
            "Mean, SD, CNR, PSNR and SSIM in a region of interest: a Shapes layer, whose first shape is the region\n"
            "(move it, change it, draw another kind). A second shape is the background of the CNR; without one it is\n"
            "all the rest. Where a Shapes layer is active already, its shapes are taken."
        )
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(DELAY_MS)
        self._soon.timeout.connect(self.measure)
        self.toggled.connect(self._toggled)
        follow(self, self.workbench.scene_changed, self._scene_changed)
        follow(self, stage.viewer.layers.events.removed, self._removed)
        follow(self, stage.viewer.canvas.grid.events.enabled, self._keep_on_top)
        follow(self, stage.refreshed, self._keep_on_top)

    def _toggled(self, on: bool) -> None:
        if not on:
            self._leave()
            return
        if self.workbench.scene is None:
            show_info("There is no problem yet: simulate one or open a measurement first.")
            self.setChecked(False)
            return
        active = self.stage.viewer.layers.selection.active
        self.layer = active if isinstance(active, Shapes) and len(active.data) else self._add()
        self.layer.events.data.connect(self._changed)
        self.layer.events.set_data.connect(self._changed)
        self.measure()

    def _add(self) -> Shapes:
        """A layer of our own, with a rectangle in the middle of the picture, ready to be moved."""
        scene = self.workbench.scene
        assert scene is not None
        rows, columns = scene.problem.A.domain_shape
        frame = scene.frame
        middle, half = np.array([rows - 1, columns - 1]) / 2, SHARE / 2 * np.array([rows, columns])
        with self.stage.canvas.acting():
            layer = self.stage.viewer.add_shapes(
                [np.array([middle - half, middle + half])],
                shape_type="rectangle",
                name=NAME,
                scale=frame.scale,
                translate=frame.translate,
                units=frame.units,
                axis_labels=frame.axis_labels,
                edge_color=COLOURS["region"],
                face_color="transparent",
                edge_width=max(1.0, max(rows, columns) / 150),
                metadata={"mlpatch": {"role": "region"}},
            )
        layer.mode = "select"
        layer.selected_data = {0}
        return layer

    def measure(self) -> None:
        """Take the shapes as masks and let the figures be computed."""
        scene, layer = self.workbench.scene, self.layer
        if scene is None or layer is None:
            return
        shape, frame = tuple(scene.problem.A.domain_shape), scene.frame
        same = np.allclose(layer.scale[-2:], frame.scale) and np.allclose(layer.translate[-2:], frame.translate)
        if not same or layer.ndim != 2:
            show_info("The Shapes layer does not lie on the picture (scale, translate): press Region without it.")
            self.setChecked(False)
            return
        masks = layer.to_masks(mask_shape=shape) if len(layer.data) else []
        masks = [mask for mask in np.asarray(masks, bool) if mask.any()]
        if len(layer.data) > 1:
            self._colour(layer)
        self.workbench.figures.set_region(masks[0] if masks else None, masks[1] if len(masks) > 1 else None)

    def _keep_on_top(self, event: Any = None) -> None:
        """Pictures come above it in napari's list. In a grid, where it would take a cell of its own, it is hidden."""
        layer, layers = self.layer, self.stage.viewer.layers
        if layer is None or layer not in layers:
            return
        in_grid = self.stage.viewer.canvas.grid.enabled
        set_visible(layer, not in_grid)
        if not in_grid and layers[-1] is not layer:
            with self.stage.canvas.acting():
                layers.move(layers.index(layer), len(layers))

    def _colour(self, layer: Shapes) -> None:
        """The background in a colour of its own."""
        if layer.metadata.get("mlpatch", {}).get("role") == "region":
            kinds = ["region", "background"] + ["region"] * (len(layer.data) - 2)
            wanted = [COLOURS[kind] for kind in kinds]
            if layer.metadata["mlpatch"].get("colours") != wanted:
                layer.metadata["mlpatch"]["colours"] = wanted
                layer.edge_color = wanted

    def _changed(self, event: Any = None) -> None:
        self._soon.start()

    def _scene_changed(self) -> None:
        """The layer follows a picture of the same size; of another, it is of no use."""
        if self.layer is None:
            return
        scene, region = self.workbench.scene, self.workbench.figures.region
        if scene is None or region is None or region.shape != tuple(scene.problem.A.domain_shape):
            self.setChecked(False)
        else:
            set_visible(self.layer, True)
            self.layer.scale, self.layer.translate = scene.frame.scale, scene.frame.translate

    def _removed(self, event: Any) -> None:
        if event.value is self.layer:
            self.setChecked(False)

    def _leave(self) -> None:
        self._soon.stop()
        layer, self.layer = self.layer, None
        if layer is not None:
            layer.events.data.disconnect(self._changed)
            layer.events.set_data.disconnect(self._changed)
            if layer.metadata.get("mlpatch", {}).get("role") == "region":
                self.stage.canvas.remove(layer)
        self.workbench.figures.set_region(None)
