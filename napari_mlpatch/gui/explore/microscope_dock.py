"""The Patch microscope dock: where an MLPatch network looks when it makes one pixel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import qthrottled

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import reason_of, replacing_file
from napari_mlpatch.explore import microscope
from napari_mlpatch.explore.microscope import Patch
from napari_mlpatch.gui.compare.colours import COLOURS
from napari_mlpatch.gui.forms.boxes import NumberBox
from napari_mlpatch.gui.forms.network_box import NetworkBox
from napari_mlpatch.gui.plumbing.dialogs import ask_target
from napari_mlpatch.gui.plumbing.follow import follow, follow_key, follow_mouse
from napari_mlpatch.gui.plumbing.in_front import InFront
from napari_mlpatch.gui.plumbing.label import Name, Note
from napari_mlpatch.gui.plumbing.looking import Looking, is_flat
from napari_mlpatch.gui.plumbing.notify import show_error, show_info
from napari_mlpatch.workbench.workbench import Workbench

from .equivariance_panel import EquivariancePanel
from .film_row import FilmRow
from .map_button import MapButton
from .patch_layers import PatchLayers
from .patch_plot import PatchPlot


class MicroscopeDock(QWidget):
    """Follow the mouse over an image; pin patches and compare them; map the deformation of all pixels."""

    def __init__(self, viewer: Viewer, workbench: Workbench):
        super().__init__()
        self.viewer, self.workbench = viewer, workbench
        self.current: Patch | None = None
        self.pins: list[Patch] = []
        self.layers, self.front = PatchLayers(viewer), InFront(self)

        self.weights = NetworkBox(workbench)
        self.sigma = NumberBox(0.0, 1.0)
        self.sigma.setValue(0.1)
        self._sigma = 0.1
        self.sigma.setToolTip("Noise level that the network is told, as a share of the picture's range")
        self.film = FilmRow(viewer, workbench, self.weights)
        self.image_name, self.facts = Name(), Note()
        self.follow = QCheckBox("Follow the mouse")
        self.follow.setChecked(True)
        self.follow.setToolTip("Show the patch of the pixel under the mouse")
        self.pin = QPushButton("Pin")
        self.pin.setToolTip("Keep this patch (key: Shift+P over the picture)")
        self.clear = QPushButton("Clear")
        self.clear.setToolTip("Take all pinned patches off")
        self.plot = PatchPlot()
        self.maps = MapButton(viewer, workbench, self._to_map)
        self.export = QPushButton("Export…")
        self.export.setToolTip("The pinned patches as CSV, and the plot as a picture beside it")
        self.equivariance = EquivariancePanel(viewer, workbench, self.looking)
        self._lay_out()

        self.pin.clicked.connect(self.pin_current)
        self.clear.clicked.connect(self.clear_pins)
        self.export.clicked.connect(self._export)
        self.weights.currentIndexChanged.connect(self._again)
        self.sigma.valueChanged.connect(self._again)
        self.film.changed.connect(self._film_changed)
        self._look_throttled = qthrottled(self.look_at, timeout=60)
        follow_mouse(self, viewer, self._moved)
        follow_key(self, viewer, "Shift-P", self.pin_current, "Pin the patch under the cursor")
        follow(self, workbench.weights_changed, self._weights_changed)
        follow(self, viewer.layers.selection.events.active, self._name_image)
        follow(self, viewer.layers.events.removed, self._removed)
        self.front.changed.connect(self.layers.use)
        self.destroyed.connect(self.layers.forget)
        self._name_image()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("network", self.weights)
        form.addRow("noise level", self.sigma)
        form.addRow("picture", self.image_name)
        form.addRow("play", self.film)
        pins, out = QHBoxLayout(), QHBoxLayout()
        for widget in (self.follow, self.pin, self.clear):
            pins.addWidget(widget)
        for widget in (self.maps, self.export):
            out.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addLayout(pins)
        layout.addLayout(out)
        layout.addWidget(self.facts)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.equivariance)

    def _weights_changed(self) -> None:
        self._name_image()
        self._again()

    # ---- what is looked at ----------------------------------------------------------------------------------

    def image(self) -> Image | None:
        """The picture under the microscope: that of the film, else the active image, else the topmost; none hidden."""
        if self.film.layer is not None:
            return self.film.layer
        layers = (self.viewer.layers.selection.active, *reversed(self.viewer.layers))
        return next((layer for layer in layers if is_flat(layer)), None)

    def _name_image(self, event: object = None) -> None:
        layer = self.image()
        text = "none: add a 2-D image" if layer is None else layer.name.split("\n")[0]
        self.image_name.setText(text if self.weights.count() else "no MLPatch weights are here")
        self._buttons()

    def looking(self) -> Looking | None:
        """What would be looked at now; None without a picture or weights."""
        layer, frame = self.image(), self.film.frame
        if layer is None:
            return None
        if frame is None:
            network = self.weights.network()
            return None if network is None else Looking(layer, scaled(layer), network, self.sigma.value())
        sigma = self.sigma.value() if frame.sigma is None else frame.sigma
        # whatever the contrast of the film's layer is set to
        image = frame.image
        picture = scaled(layer) if image is None else lambda: image
        return Looking(layer, picture, lambda: frame.network, sigma)

    def _film_changed(self) -> None:
        self._name_image()
        frame = self.film.frame
        self.sigma.blockSignals(True)
        if self.sigma.isEnabled():
            self._sigma = self.sigma.value()
        self.sigma.setEnabled(frame is None or frame.sigma is None)
        self.sigma.setValue(self._sigma if frame is None or frame.sigma is None else float(f"{frame.sigma:.3g}"))
        self.sigma.blockSignals(False)
        layer, at = self.image(), self.current
        if layer is not None and (at is None or at.row >= layer.data.shape[0] or at.column >= layer.data.shape[1]):
            self.look_at(*(n / 2 for n in layer.data.shape))
        else:
            self._again()

    def _moved(self, viewer: Viewer, event: Any) -> None:
        layer = self.image()
        if layer is None or not self.follow.isChecked() or not (self.isVisible() and self.front.now):
            return
        position = layer.world_to_data(event.position)[-2:]
        self._look_throttled(float(position[0]), float(position[1]))

    def look_at(self, row: float, column: float) -> None:
        """Show the patch at a position in pixels of the picture; computed off the GUI thread, the newest one counts."""
        seen = self.looking()
        if seen is None:
            return
        rows, columns = seen.layer.data.shape
        row, column = round(row), round(column)
        if not (0 <= row < rows and 0 <= column < columns):
            return
        self.workbench.quick.call(
            "microscope",
            lambda: microscope.look(seen.network(), seen.picture(), float(row), float(column), seen.sigma),
            lambda patch: self._show(patch, seen.layer),
            lambda error: self.workbench.failed.emit(str(error)),
        )

    def _again(self) -> None:
        if self.current is not None:
            self.look_at(self.current.row, self.current.column)

    # ---- showing --------------------------------------------------------------------------------------------

    def _show(self, patch: Patch, layer: Image) -> None:
        if layer not in self.viewer.layers:  # removed while this was computed
            return
        self.current = patch
        self._draw(layer)

    def _draw(self, layer: Image) -> None:
        patches = [*self.pins, *([self.current] if self.current is not None else [])]
        self.plot.show_patches(patches, [self._colour(k) for k in range(len(patches))])
        if self.current is not None:
            lines = [_facts(self.current)] + [_legend(pin, self._colour(k)) for k, pin in enumerate(self.pins)]
            if self.pins:
                lines[0] = f"{_square(self._colour(len(self.pins)))} {lines[0]}"
            self.facts.setText("<br>".join(lines))
        if patches:
            colours = [self._colour(k) for k in range(len(patches))]
            self.layers.draw(layer, patches, colours, seen=not self.film.runs)
        self._buttons()

    def _colour(self, k: int) -> str:
        return COLOURS[k % len(COLOURS)]

    def _removed(self, event: Any) -> None:
        self.layers.removed(event.value)
        self._name_image()
        if self.image() is None:
            self._forget_patch()

    def _forget_patch(self) -> None:
        """There is nothing to look at any more."""
        self.current = None
        self.facts.clear()
        self.plot.show_patches([], [])
        self.layers.forget()
        self._buttons()

    def _buttons(self) -> None:
        self.pin.setEnabled(self.current is not None)
        self.clear.setEnabled(bool(self.pins))
        self.export.setEnabled(self.current is not None)
        self.maps.setEnabled(self.maps.running or (bool(self.weights.count()) and self.image() is not None))

    # ---- acting ---------------------------------------------------------------------------------------------

    def pin_current(self) -> None:
        """Keep the patch on show beside the next ones."""
        layer = self.image()
        if self.current is not None and layer is not None:
            self.pins.append(self.current)
            self._draw(layer)

    def clear_pins(self) -> None:
        self.pins.clear()
        layer = self.image()
        if layer is not None:
            self._draw(layer)

    def _to_map(self) -> tuple[Looking, str] | None:
        seen, frame = self.looking(), self.film.frame
        return None if seen is None else (seen, self.weights.currentData() if frame is None else frame.label)

    def _export(self) -> None:
        path = ask_target(self, "patches", "Export the patches", "patches.csv", "CSV (*.csv)")
        if path:
            try:
                self.save(path)
            except InputError as error:
                show_error(str(error))

    def save(self, path: str | Path) -> None:
        """Write the pinned patches (or the one on show) as CSV, and the plot beside it as PNG. Raises InputError."""
        assert self.current is not None
        microscope.write_csv(path, self.pins or [self.current])
        picture = Path(path).with_suffix(".png")
        try:
            with replacing_file(picture) as temporary:
                if not self.plot.grab().save(str(temporary)):
                    raise InputError(f"{picture} cannot be written.")
        except OSError as error:
            raise InputError(f"{picture} cannot be written: {reason_of(error)}.") from None
        show_info(f"Saved {path} and {picture.name}.")


def scaled(layer: Image) -> Callable[[], np.ndarray]:
    """A function that gives the picture as networks take it: the contrast limits are 0 and 1."""
    data, (low, high) = layer.data, (float(v or 0.0) for v in layer.contrast_limits)
    return lambda: (np.asarray(data, np.float32) - low) / max(high - low, 1e-30)


def _facts(patch: Patch) -> str:
    shape = patch.shape
    return (
        f"<b>row {patch.row:g}, column {patch.column:g}</b>: sees {patch.seen:.4g}, makes {patch.output:.4g} "
        f"(share of the picture's range)<br>{patch.points.shape[0]} x {patch.points.shape[1]} samples, mean radius "
        f"{shape['radius']:.2f} pixels, anisotropy {shape['anisotropy']:.2f}, moved {patch.moved.mean():.2f} pixels on "
        f"average, {patch.moved.max():.2f} at most"
    )


def _legend(pin: Patch, colour: str) -> str:
    return (
        f"{_square(colour)} pinned: row {pin.row:g}, column {pin.column:g}: sees {pin.seen:.4g}, "
        f"makes {pin.output:.4g}, mean radius {pin.shape['radius']:.2f}"
    )


def _square(colour: str) -> str:
    return f'<span style="color: {colour}">■</span>'
