"""All slices of a measurement on the canvas, read as they are looked at; one of them is taken as the one to work on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_mlpatch import io
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.later import Later, looked_through
from napari_mlpatch.workbench.jobs import contrast_limits
from napari_mlpatch.workbench.workbench import Workbench


class SliceStack(QWidget):
    """A button that shows the stack with napari's slider, and one that takes the slice on show."""

    taken = Signal(int)

    def __init__(self, viewer: Viewer, workbench: Workbench):
        super().__init__()
        self.viewer, self.workbench = viewer, workbench
        self.measurement: io.Measurement | None = None
        self.layer: Image | None = None
        self.show_all, self.take = QPushButton("Look through"), QPushButton("Take this slice")
        self.show_all.setToolTip("The data of all slices on the canvas, with napari's slider; nothing else is read")
        self.take.setToolTip("Work on the slice that is on show: what is tuned on it can be done with all")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.show_all, 1)
        row.addWidget(self.take, 1)
        self.take.setEnabled(False)
        self.show_all.clicked.connect(self.show_layer)
        self.take.clicked.connect(self._take)
        follow(self, viewer.dims.events.current_step, self._say)
        follow(self, viewer.layers.events.removed, self._removed)

    def set_measurement(self, measurement: io.Measurement) -> None:
        """Another one was opened."""
        self.remove()
        self.measurement = measurement

    def show_layer(self) -> None:
        """The stack as a lazy layer; every slice is read off the window's thread."""
        m = self.measurement
        if m is None or self.layer is not None:
            return

        def failed(error: Exception) -> None:
            self.workbench.failed.emit(str(error))

        def asked(work: Callable[[], Any], then: Callable[[Any], None]) -> None:
            self.workbench.stacks.pictures.call("picture of the stack", work, then, failed)

        later = Later(m.data.shape, m.data.__getitem__, asked, lambda: self.viewer.dims.ndisplay == 3)
        later.shown = self._came
        later.looked_at = lambda index: self.layer is not None and index == self.current()

        def opened() -> tuple[Any, tuple[float, float]]:
            from napari_mlpatch.stacks.planes import Planes

            limits = contrast_limits(later.keep(len(later) // 2))
            return looked_through(Planes(later.shape, m.data.__getitem__), later), limits

        self.workbench.quick.call("stack", opened, self._show, failed)

    def _came(self) -> None:
        """The picture that napari asked for is there."""
        if self.layer is not None:
            self.layer.refresh(thumbnail=False, highlight=False, extent=False)

    def _show(self, made: tuple[Any, tuple[float, float]]) -> None:
        data, limits = made
        m = self.measurement
        if m is None or data.shape != m.data.shape:
            return
        self.viewer.canvas.grid.enabled = False
        for layer in self.viewer.layers:
            layer.visible = False
        layer = self.viewer.add_image(
            data,
            name=f"{m.path.stem}, all slices",
            contrast_limits=limits,
            axis_labels=("slice", "angle", "bin") if m.kind.endswith("-beam") else ("slice", "row", "column"),
            rgb=False,
            projection_mode="none",  # napari's own is the mean over the one slice
            cache=False,  # or napari keeps what was shown while a picture was read
            metadata={"mlpatch": {"role": "slices"}},
        )
        assert isinstance(layer, Image)
        self.layer = layer
        self.viewer.dims.set_current_step(0, len(m.data) // 2)
        self.viewer.reset_view()
        self._say()

    def current(self) -> int:
        """The slice on show."""
        assert self.layer is not None
        return min(self.viewer.dims.current_step[0], self.layer.data.shape[0] - 1)

    def _say(self) -> None:
        self.take.setEnabled(self.layer is not None)
        self.take.setText("Take this slice" if self.layer is None else f"Take slice {self.current()}")

    def _take(self) -> None:
        index = self.current()
        self.remove()
        self.taken.emit(index)

    def _removed(self, event: object) -> None:
        if self.layer is not None and self.layer not in self.viewer.layers:
            self.layer = None
            self._say()

    def remove(self) -> None:
        if self.layer is not None and self.layer in self.viewer.layers:
            self.viewer.layers.remove(self.layer)
