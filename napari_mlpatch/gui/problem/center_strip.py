"""The try-strip: quick pictures around a centre of rotation, to choose the best one by eye."""

from __future__ import annotations

import numpy as np
from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_mlpatch.gui.forms.boxes import NumberBox
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.operators.center_sweep import center_sweep
from napari_mlpatch.operators.fan_beam import FanBeam
from napari_mlpatch.operators.parallel_beam import ParallelBeam
from napari_mlpatch.workbench.jobs import contrast_limits
from napari_mlpatch.workbench.scene import Scene
from napari_mlpatch.workbench.workbench import Workbench

COUNT = 11


class CenterStrip(QWidget):
    """A button that makes the strip, as a stack with napari's slider, and one that adopts the centre on show."""

    adopted = Signal(float)

    def __init__(self, viewer: Viewer, workbench: Workbench):
        super().__init__()
        self.viewer, self.workbench = viewer, workbench
        self.centers: np.ndarray = np.zeros(0)
        self.layer: Image | None = None
        self.button = QPushButton("Try centres")
        self.button.setToolTip(f"{COUNT} quick pictures around the present centre; move through them with the slider")
        self.span = NumberBox(0.05, 1e4)
        self.span.setValue(5.0)
        self.span.setPrefix("± ")
        self.span.setSuffix(" bins")
        self.span.setToolTip("How far from the present centre the first and the last picture are, in detector bins")
        self.adopt = QPushButton("Use this centre")
        self.adopt.setToolTip("Take the centre of the picture on show into the form")
        self.note = QLabel()
        row = QHBoxLayout()
        row.addWidget(self.button, 1)
        row.addWidget(self.span)
        choice = QHBoxLayout()
        choice.addWidget(self.note, 1)
        choice.addWidget(self.adopt)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addLayout(choice)
        self._show_choice(False)
        self.button.clicked.connect(self.make)
        self.adopt.clicked.connect(self._adopt)
        follow(self, viewer.dims.events.current_step, self._say)
        follow(self, viewer.layers.events.removed, self._removed)
        follow(self, workbench.scene_changed, self.remove)

    def make(self) -> None:
        """Compute the strip for the current problem, off the GUI thread."""
        scene = self.workbench.scene
        if scene is None or not isinstance(scene.problem.A, ParallelBeam | FanBeam):
            self.workbench.failed.emit("Load a CT measurement first: only it has a centre of rotation.")
            return
        A, y = scene.problem.A, scene.problem.y
        offsets = np.linspace(-self.span.value(), self.span.value(), COUNT)
        centers = np.clip(A.axis_bin + offsets, 0.0, A.detector_count - 1.0)

        self.workbench.quick.call(
            "strip",
            lambda: center_sweep(A, y, centers.tolist())[:, 0, 0].numpy(),
            lambda stack: self._show(scene, centers, stack),
            lambda error: self.workbench.failed.emit(str(error)),
        )

    def _show(self, scene: Scene, centers: np.ndarray, stack: np.ndarray) -> None:
        if scene is not self.workbench.scene:  # another problem came meanwhile
            return
        self.remove()
        self.centers = centers
        frame = scene.frame
        self.viewer.canvas.grid.enabled = False
        for layer in self.viewer.layers:
            layer.visible = False
        layer = self.viewer.add_image(
            stack,
            name="centres of rotation",
            scale=(1.0, *frame.scale),
            translate=(0.0, *frame.translate),
            units=(frame.units[0], *frame.units),
            axis_labels=("centre", *frame.axis_labels),
            contrast_limits=contrast_limits(stack[COUNT // 2]),
            metadata={"mlpatch": {"role": "centres"}},
        )
        assert isinstance(layer, Image)
        self.layer = layer
        self.viewer.dims.set_current_step(0, COUNT // 2)
        self.viewer.reset_view()
        self._show_choice(True)
        self._say()

    def current(self) -> float:
        """The centre of the picture on show."""
        return float(self.centers[min(self.viewer.dims.current_step[0], len(self.centers) - 1)])

    def _say(self) -> None:
        overlay = self.viewer.canvas.overlays.text
        if self.layer is not None and self.layer in self.viewer.layers:
            text = f"centre {self.current():.2f} bins"
            self.note.setText(text)
            overlay.text, overlay.visible = text, True

    def _show_choice(self, visible: bool) -> None:
        self.note.setVisible(visible)
        self.adopt.setVisible(visible)

    def _adopt(self) -> None:
        value = self.current()
        self.remove()
        self.adopted.emit(value)

    def _removed(self, event: object) -> None:
        if self.layer is not None and self.layer not in self.viewer.layers:
            self.layer = None
            self._show_choice(False)
            self.viewer.canvas.overlays.text.visible = False

    def remove(self) -> None:
        if self.layer is not None and self.layer in self.viewer.layers:
            self.viewer.layers.remove(self.layer)
