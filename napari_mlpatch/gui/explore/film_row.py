"""Plays the deformation of patches: over the snapshots of a training, or over the iterations of a result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from napari_mlpatch import weights
from napari_mlpatch.explore.film import Frame, has_iterations, of_iterations, of_training
from napari_mlpatch.gui.compare.canvas import not_activated
from napari_mlpatch.gui.forms.boxes import short
from napari_mlpatch.gui.forms.network_box import NetworkBox
from napari_mlpatch.gui.plumbing.dialogs import ask_folder
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.training import snapshots
from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.stepwise import stepwise, stop
from napari_mlpatch.workbench.workbench import Workbench

KEY = "film"
MILLISECONDS = 400
MOST = 64
NOTHING, OTHER = "nothing", "the training in a folder…"


class Thinned:
    """Frames, at most ``MOST``: of longer films every second, fourth, ... one from the first on."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._each, self._count = 1, 0

    def add(self, frame: Frame) -> bool:
        """Whether it was kept."""
        wanted = self._count % self._each == 0
        self._count += 1
        if wanted:
            if len(self.frames) == MOST:
                del self.frames[1::2]
                self._each *= 2
            self.frames.append(frame)
        return wanted


class FilmRow(QWidget):
    """What to play, a button, a slider. ``changed`` when there is another ``frame``, or none any more.

    While something is played the choice of the network is locked, and shows the film's where it is listed.
    """

    changed = Signal()

    def __init__(self, viewer: Viewer, workbench: Workbench, network: NetworkBox):
        super().__init__()
        self.viewer, self.workbench, self._network = viewer, workbench, network
        self.playing: Path | Entry | None = None
        self.frame: Frame | None = None
        self.layer: Image | None = None
        """The picture of the frame, where it has one of its own."""
        self._film = Thinned()
        self._chosen_network: str | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(MILLISECONDS)

        self.what = short()
        self.what.setToolTip("See the patch change: while the network was trained, or from iteration to iteration")
        self.play = QToolButton()
        self.play.setCheckable(True)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setToolTip("Training step, or iteration")
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
        quick, layers = workbench.quick, viewer.layers
        self._made: list[Image] = []
        made = self._made

        def closed() -> None:
            stop(quick, KEY)
            for layer in made:
                if layer in layers:
                    layers.remove(layer)

        self.destroyed.connect(closed)

    @property
    def frames(self) -> list[Frame]:
        return self._film.frames

    # ---- choosing -------------------------------------------------------------------------------------------

    def _offer(self) -> None:
        """List what can be played now; what is being played stays chosen, until it is removed."""
        if isinstance(self.playing, Entry) and self.playing not in self.workbench.entries:
            self.end()
        offered = self._offered()
        if offered != [(self.what.itemText(k), self.what.itemData(k)) for k in range(self.what.count())]:
            self.what.clear()
            for text, data in offered:
                self.what.addItem(text, data)
        self._choose_playing()

    def _offered(self) -> list[tuple[str, Any]]:
        """Texts and what they stand for: an entry, or a folder as text."""
        found: list[tuple[str, Any]] = [(NOTHING, None)]
        name = self._network.currentData()
        for folder in weights.training_folders(name) if name else ():
            if snapshots.kept(folder):
                found.append((f"the training of {self._network.currentText()}", str(folder)))
        for entry in self.workbench.entries:
            if entry.result is not None and has_iterations(entry.result.recipe, entry.job.network):
                found.append((f"the iterations of {entry.title}", entry))
        if isinstance(self.playing, Path) and str(self.playing) not in [data for _, data in found]:
            found.append((f"the training in {self.playing}", str(self.playing)))
        return [*found, (OTHER, OTHER)]

    def _choose_playing(self) -> None:
        data = str(self.playing) if isinstance(self.playing, Path) else self.playing
        self.what.setCurrentIndex(next((k for k in range(self.what.count()) if self.what.itemData(k) == data), 0))

    def _chosen(self) -> None:
        what = self.what.currentData()
        if what == OTHER:
            what = ask_folder(self, "checkpoint", "The folder of a training")
            if not what:
                self._choose_playing()
                return
        if what is None:
            self.end()
        else:
            self.open(Path(what) if isinstance(what, str) else what)

    def open(self, what: Path | Entry) -> None:
        """Play the snapshots of a training in its folder, or the iterations of a result, which is computed again."""
        self.end()
        self.playing = what
        self._chosen_network = self._network.currentData()
        self._network.setEnabled(False)
        name = what.name if isinstance(what, Path) else what.job.network.card.name
        self._network.setCurrentIndex(self._network.findData(name))
        self._offer()
        self.label.setText("reading…" if isinstance(what, Path) else "running again…")
        self.play.setEnabled(False)
        self.slider.setEnabled(False)
        self._strip.show()

        def steps() -> Iterator[Frame | None]:
            if isinstance(what, Path):
                yield from of_training(what)
            elif what.result is not None:
                yield from of_iterations(what.result.recipe, what.scene.problem, what.job.network)

        def add(frame: Frame | None) -> None:
            if frame is not None and self._film.add(frame):
                self._show_newest()

        def failed(error: Exception) -> None:
            self.end()
            self.workbench.failed.emit(str(error))

        stepwise(self.workbench.quick, KEY, steps, add, lambda: self.play.setEnabled(True), failed)

    def end(self) -> None:
        """Play nothing any more."""
        if self.playing is None:
            return
        stop(self.workbench.quick, KEY)
        self.playing, self.frame, self._film = None, None, Thinned()
        self.play.setChecked(False)
        self._strip.hide()
        layer, self.layer = self.layer, None
        self._made.clear()
        self.slider.blockSignals(True)
        self.slider.setRange(0, 0)
        self.slider.blockSignals(False)
        if layer is not None and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)
        self._network.setEnabled(True)
        self._network.setCurrentIndex(max(0, self._network.findData(self._chosen_network)))
        self._choose_playing()
        self.changed.emit()

    # ---- playing --------------------------------------------------------------------------------------------

    @property
    def runs(self) -> bool:
        """Whether frames follow each other by themselves."""
        return self._timer.isActive()

    def _show_newest(self) -> None:
        newest = self.frames[-1]
        if newest.image is not None and self.layer is None:
            made = self._add_layer(newest)
            if not self.frames:  # ended by what the new layer has set off
                if made in self.viewer.layers:
                    self.viewer.layers.remove(made)
                return
            self.layer = made
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(self.frames) - 1)
        self.slider.setValue(len(self.frames) - 1)
        self.slider.blockSignals(False)
        self.slider.setEnabled(True)
        self._show(len(self.frames) - 1)

    def _add_layer(self, frame: Frame) -> Image:
        assert isinstance(self.playing, Entry) and frame.image is not None
        place = self.playing.scene.frame
        with not_activated(self.viewer):
            made = self.viewer.add_image(
                frame.image,
                name="denoiser's input",
                contrast_limits=(0.0, 1.0),
                scale=place.scale,
                translate=place.translate,
                units=place.units,
                axis_labels=place.axis_labels,
                metadata={"mlpatch": {"role": "film"}},
            )
        assert isinstance(made, Image)
        self._made.append(made)
        return made

    def _show(self, index: int) -> None:
        if not 0 <= index < len(self.frames):  # of a film that has ended
            return
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
        hidden = not self.isVisible() or (self.layer is not None and not self.layer.visible)
        if self.frames and not hidden:
            self.slider.setValue((self.slider.value() + 1) % len(self.frames))

    def _removed(self, event: object) -> None:
        if self.layer is not None and self.layer not in self.viewer.layers:
            self.end()
