"""The Zoom dock: an MLPatch network evaluated between the pixels of a picture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.experimental import unlink_layers
from napari.layers import Image, Layer
from napari.viewer import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QFormLayout, QVBoxLayout, QWidget

from napari_mlpatch.explore.zoom import FineGrid, bicubic, refinements
from napari_mlpatch.gui.forms.boxes import NumberBox
from napari_mlpatch.gui.forms.form import section
from napari_mlpatch.gui.forms.network_box import NetworkBox
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.in_view import in_view
from napari_mlpatch.gui.plumbing.keys import ESCAPE, on_key, on_return
from napari_mlpatch.gui.plumbing.label import Name, Note
from napari_mlpatch.gui.plumbing.looking import is_flat
from napari_mlpatch.workbench.stepwise import stepwise, stop
from napari_mlpatch.workbench.workbench import Workbench

from .enlarge_row import Choice, EnlargeRow
from .zoom_layers import add_over, is_zoomed, place, right_half, scaled, value_range

MOST = 16.0
REST_MS = 150
DRAW_SECONDS = 0.3
KEY = "refine"
Pictures = dict[str, tuple[FineGrid, np.ndarray]]


class ZoomDock(QWidget):
    """Enlarge a whole picture, or refine the part of it that is in view."""

    def __init__(self, viewer: Viewer, workbench: Workbench):
        super().__init__()
        self.viewer, self.workbench = viewer, workbench
        self._of: Image | None = None
        self._layers: dict[str, Image] = {}

        self.weights = NetworkBox(workbench)
        self.sigma = NumberBox(0.0, 1.0)
        self.sigma.setValue(0.05)
        self.sigma.setToolTip(
            "Noise of the picture, as a share of its range: its contrast limits are 0 and 1 to the network"
        )
        self.image_name, self.refined = Name(), Note()
        self.whole = EnlargeRow(viewer, workbench, self.choice)
        self.refine = QCheckBox("Refine as I zoom")
        self.refine.setToolTip(
            f"Whenever the view rests, what is in view is computed at the screen's resolution (×{MOST:g} at most) "
            "and shown over the picture. Hide or show the layer with its eye."
        )
        self.compare = QCheckBox("Compare with bicubic")
        self.compare.setToolTip(
            "Bicubic interpolation at the same factor: in the right half of the view while you zoom, as one more layer "
            "below an enlarged picture. It takes no noise off."
        )
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self.refine_now)
        self._lay_out()

        on_key(self, ESCAPE, self.whole.stop.click)
        on_return(self, self.whole.factors[min(self.whole.factors)].click)
        self.refine.toggled.connect(self._toggled)
        self.compare.toggled.connect(self._compare_toggled)
        self.weights.currentIndexChanged.connect(self._later)
        self.sigma.valueChanged.connect(self._later)
        follow(self, workbench.weights_changed, self._picture_changed)
        for event in (viewer.scene.camera.events.zoom, viewer.scene.camera.events.center, viewer.canvas.events.size):
            follow(self, event, self._later)
        follow(self, viewer.canvas.grid.events.enabled, self._later)
        follow(self, viewer.layers.selection.events.active, self._picture_changed)
        follow(self, viewer.layers.events.removed, self._removed)
        quick = workbench.quick
        self.destroyed.connect(lambda: stop(quick, KEY))
        self._picture_changed()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("network", self.weights)
        form.addRow("noise level", self.sigma)
        form.addRow("picture", self.image_name)
        form.addRow("", self.compare)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(section("What is in view"))
        layout.addWidget(self.refine)
        layout.addWidget(self.refined)
        layout.addWidget(section("The whole picture"))
        layout.addWidget(self.whole)
        layout.addStretch(1)

    # ---- what is looked at ----------------------------------------------------------------------------------

    def picture(self) -> Image | None:
        """The picture to zoom into: the active image where it is visible, else the topmost that is; none of ours."""
        active = self.viewer.layers.selection.active
        if is_zoomed(active) and self._of in self.viewer.layers:
            return self._of
        layers = (active, *reversed(self.viewer.layers))
        return next((layer for layer in layers if is_flat(layer) and not is_zoomed(layer)), None)

    def _picture_changed(self, event: object = None) -> None:
        layer = self.picture()
        text = "none: add or select a 2-D image" if layer is None else layer.name.split("\n")[0]
        self.image_name.setText(text if self.weights.count() else "no MLPatch weights are here")
        self._later()

    def choice(self) -> Choice | None:
        """What would be computed now; None without a picture or weights."""
        layer, network = self.picture(), self.weights.network()
        if layer is None or network is None:
            return None
        return Choice(layer, network, self.sigma.value(), self.compare.isChecked())

    # ---- what is in view ------------------------------------------------------------------------------------

    def _later(self, event: object = None) -> None:
        """Once nothing has changed for a moment."""
        if self.refine.isChecked():
            self._timer.start()

    def _toggled(self, on: bool) -> None:
        if on:
            self.refine_now()
        else:
            self._timer.stop()
            self._drop()
            self.refined.clear()

    def _compare_toggled(self, on: bool) -> None:
        if not on and "bicubic" in self._layers:
            self._remove("bicubic")
        self._later()

    def refine_now(self) -> None:
        """Compute what is in view; off the GUI thread, and void as soon as the view moves on."""
        choice = self.choice()
        if choice is None or not self.refine.isChecked():
            return
        layer = choice.layer
        if layer is not self._of:
            self._drop()
            self._of = layer
            for event in (layer.events.data, layer.events.contrast_limits):  # those are 0 and 1 to the network
                follow(self, event, self._later)
        view = in_view(self.viewer, layer, self.devicePixelRatioF())
        shown = self._layers.get("refined")
        if view is None or (shown is not None and not shown.visible):
            stop(self.workbench.quick, KEY)
            self.refined.setText("The picture is out of view." if view is None else "The layer “refined” is hidden.")
            return
        window, factor = view
        data, (low, high) = layer.data, value_range(layer)
        waiting: Pictures = {}
        drawn = 0.0

        def steps() -> Iterator[Pictures]:
            image, last = scaled(data, low, high), None
            for grid, values in refinements(choice.network(), image, choice.sigma, window, min(factor, MOST)):
                found = {"refined": (grid, values * (high - low) + low)}
                if choice.bicubic and grid != last:
                    last, right = grid, right_half(grid)
                    found["bicubic"] = (right, bicubic(image, right) * (high - low) + low)
                yield found

        def show(found: Pictures) -> None:
            waiting.update(found)
            if layer not in self.viewer.layers:
                stop(self.workbench.quick, KEY)
            elif time.monotonic() - drawn > DRAW_SECONDS:
                draw("refining…")

        def draw(state: str) -> None:
            nonlocal drawn
            drawn = time.monotonic()
            for role, (grid, values) in waiting.items():
                self._show(role, layer, grid, values)
            grid, _ = waiting["refined"]
            self.refined.setText(f"×{grid.factor:.3g}, {grid.rows} x {grid.columns} pixels {state}")
            waiting.pop("bicubic", None)

        self.refined.setText("refining…")
        stepwise(
            self.workbench.quick, KEY, steps, show, lambda: draw(""), lambda error: self.refined.setText(str(error))
        )

    def _show(self, role: str, layer: Image, grid: FineGrid, values: np.ndarray) -> None:
        made, where = self._layers.get(role), place(layer, grid)
        if made is None:
            above = self._layers.get("refined")
            self._layers[role] = made = add_over(self.viewer, layer, role, values, grid, above)
            follow(self, made.events.visible, self._later)
        elif made.data.shape == values.shape and np.allclose(made.scale, where["scale"], rtol=1e-9, atol=0.0):
            np.copyto(np.asarray(made.data), values)
            if not np.allclose(made.translate, where["translate"], rtol=0.0, atol=1e-3 * min(where["scale"])):
                made.translate = where["translate"]
            made.refresh(thumbnail=False, highlight=False, extent=False)
        else:
            made.data = values
            made.scale, made.translate = where["scale"], where["translate"]

    def _drop(self) -> None:
        stop(self.workbench.quick, KEY)
        for role in list(self._layers):
            self._remove(role)
        self._of = None

    def _remove(self, role: str) -> None:
        layer = self._layers.pop(role)
        if layer in self.viewer.layers:
            unlink_layers([layer])
            self.viewer.layers.remove(layer)

    def _removed(self, event: Any) -> None:
        gone: Layer = event.value
        if gone is self._of:
            self._drop()
        elif gone is self._layers.get("refined"):
            del self._layers["refined"]
            self.refine.setChecked(False)
        elif gone is self._layers.get("bicubic"):
            del self._layers["bicubic"]
            self.compare.setChecked(False)
        self._picture_changed()
