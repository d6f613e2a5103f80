"""Plays the deformation of patches: over the snapshots of a training, or over the iterations of a result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from napari_mlpatch import weights
from napari_mlpatch.film import Frame, has_iterations, of_iterations, of_training
from napari_mlpatch.training import snapshots

from .follow import follow
from .forms import short
from .layers import not_activated
from .stepwise import stepwise, stop
from .workbench import Entry, Workbench

KEY = "film"
MILLISECONDS = 400
MOST = 64
"""Frames that are kept at most; of longer films every second, fourth, and so on."""
NOTHING, OTHER = "nothing", "the training in a folder…"


class FilmRow(QWidget):
    """What to play, a button, a slider. ``changed`` when there is another ``frame``, or none any more."""

    changed = Signal()

    def __init__(self, viewer: Viewer, workbench: Workbench, network: QComboBox):
        super().__init__()
        self.viewer, self.workbench, self._network = viewer, workbench, network
        self.frames: list[Frame] = []
        self.frame: Frame | None = None
        self.layer: Image | None = None
        """The picture of the frame, where it has one of its own."""
        self._timer = QTimer(self)
        self._timer.setInterval(MILLISECONDS)

        self.what = short(QComboBox())
        self.what.setToolTip("See the patch change: while the network was trained, or from iteration to iteration")
        self.play = QToolButton()
        self.play.setCheckable(True)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.label = QLabel()
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.play, self.slider, self.label):
            row.addWidget(widget)
        self._strip = QWidget()
        self._strip.setLayout(row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.what)
        layout.addWidget(self._strip)
        self._strip.hide()
        self._play_toggled(False)
        self._offer()

        self.what.activated.connect(self._chosen)
        self.play.toggled.connect(self._play_toggled)
        self.slider.valueChanged.connect(self._show)
        self._timer.timeout.connect(self._next)
        network.currentIndexChanged.connect(self._offer)
        follow(self, workbench.entries_changed, self._offer)
        follow(self, workbench.weights_changed, self._offer)
        follow(self, viewer.layers.events.removed, self._removed)
        quick = workbench.quick
        self.destroyed.connect(lambda: stop(quick, KEY))

    # ---- choosing -------------------------------------------------------------------------------------------

    def _offer(self) -> None:
        """List what can be played now; what is being played stays chosen."""
        before = self.what.currentData()
        self.what.clear()
        self.what.addItem(NOTHING, None)
        folder = weights.own_folder() / "training" / str(self._network.currentData())
        if snapshots.kept(folder):
            self.what.addItem(f"the training of {self._network.currentText()}", folder)
        for entry in self.workbench.entries:
            if entry.result is not None and has_iterations(entry.result.recipe, entry.job.network):
                self.what.addItem(f"the iterations of {entry.title}", entry)
        if isinstance(before, Path) and self.what.findData(before) < 0:
            self.what.addItem(f"the training in {before}", before)
        self.what.addItem(OTHER, OTHER)
        self.what.setCurrentIndex(max(0, self.what.findData(before)))
        if self.frames and self.what.currentData() is None:
            self.end()

    def _chosen(self) -> None:
        what = self.what.currentData()
        if what == OTHER:
            path = QFileDialog.getExistingDirectory(self, "The folder of a training")
            self.what.setCurrentIndex(0)
            if path:
                self.open(Path(path))
        elif what is None:
            self.end()
        else:
            self.open(what)

    def open(self, what: Path | Entry) -> None:
        """Play the snapshots of a training in its folder, or the iterations of a result."""
        self.end()
        if self.what.findData(what) < 0:
            self.what.addItem(f"the training in {what}", what)
        self.what.setCurrentIndex(self.what.findData(what))
        if isinstance(what, Entry):
            self._network.setCurrentIndex(self._network.findData(what.job.network.card.name))
        self.label.setText("reading…" if isinstance(what, Path) else "running again…")
        self._strip.show()
        each, count = 1, 0

        def steps() -> Iterator[Frame | None]:
            if isinstance(what, Path):
                yield from of_training(what)
            else:
                assert what.result is not None
                yield from of_iterations(what.result.recipe, what.scene.problem, what.job.network)

        def add(frame: Frame | None) -> None:
            nonlocal each, count
            if frame is None:
                return
            count += 1
            if (count - 1) % each:
                return
            if len(self.frames) == MOST:
                del self.frames[1::2]
                each *= 2
            self.frames.append(frame)
            self._show_newest(what)

        def failed(error: Exception) -> None:
            self.end()
            self.workbench.failed.emit(str(error))

        stepwise(self.workbench.quick, KEY, steps, add, lambda: self.play.setEnabled(True), failed)

    def end(self) -> None:
        """Play nothing any more."""
        stop(self.workbench.quick, KEY)
        self.play.setChecked(False)
        self.play.setEnabled(False)
        self.frames, layer, self.layer = [], self.layer, None
        if layer is not None and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)
        self._strip.hide()
        self.what.setCurrentIndex(0)
        if self.frame is not None:
            self.frame = None
            self.changed.emit()

    # ---- playing --------------------------------------------------------------------------------------------

    def _show_newest(self, what: Path | Entry) -> None:
        newest = self.frames[-1]
        if newest.image is not None and self.layer is None and isinstance(what, Entry):
            place = what.scene.frame
            with not_activated(self.viewer):
                made = self.viewer.add_image(
                    newest.image.copy(),
                    name="denoiser's input",
                    contrast_limits=(0.0, 1.0),
                    scale=place.scale,
                    translate=place.translate,
                    units=place.units,
                    axis_labels=place.axis_labels,
                    metadata={"mlpatch": {"role": "film"}},
                )
            assert isinstance(made, Image)
            self.layer = made
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(self.frames) - 1)
        self.slider.setValue(len(self.frames) - 1)
        self.slider.blockSignals(False)
        self._show(len(self.frames) - 1)

    def _show(self, index: int) -> None:
        self.frame = frame = self.frames[index]
        self.label.setText(frame.label)
        if frame.image is not None and self.layer is not None:
            self.layer.data = frame.image
        self.changed.emit()

    def _play_toggled(self, on: bool) -> None:
        self.play.setText("❚❚" if on else "▶")
        self.play.setToolTip("Stop" if on else "Play, over and over")
        self._timer.start() if on else self._timer.stop()

    def _next(self) -> None:
        if self.frames:
            self.slider.setValue((self.slider.value() + 1) % len(self.frames))

    def _removed(self, event: object) -> None:
        if self.layer is not None and self.layer not in self.viewer.layers:
            self.end()
