"""A measurement from a file: opened off the window's thread, shown in a form, made into a problem."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from napari.layers import Layer
from napari.viewer import Viewer
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QMenu

from napari_mlpatch import io
from napari_mlpatch.core.declare import format_angles
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.gui.forms.measured_form import MeasuredForm
from napari_mlpatch.gui.plumbing.dialogs import ask_file, ask_folder
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.keys import on_return
from napari_mlpatch.operators.center import find_center
from napari_mlpatch.operators.fan_beam import FanBeam
from napari_mlpatch.operators.parallel_beam import ParallelBeam
from napari_mlpatch.workbench.scene import Frame, Scene
from napari_mlpatch.workbench.workbench import Workbench

from .center_strip import CenterStrip
from .slice_stack import SliceStack

DEBOUNCE_MS = 250


def _slices(m: io.Measurement) -> int:
    return m.data.shape[0] if m.stored is None else m.stored.y.shape[0]


def _files() -> str:
    from napari_mlpatch.io.formats import suffixes

    patterns = " ".join(f"*{suffix}" for suffix in suffixes())
    return f"Measurements ({patterns});;All files (*)"


class MeasuredPage(MeasuredForm):
    """The form at work: it opens files, and a quick picture follows every change."""

    taken = Signal()
    """A measurement was opened through napari."""
    asks = Signal()
    """A measurement lacks something that only a person knows."""

    def __init__(self, viewer: Viewer, workbench: Workbench):
        self.all_slices = SliceStack(viewer, workbench)
        super().__init__(CenterStrip(viewer, workbench), self.all_slices)
        self.viewer, self.workbench = viewer, workbench
        self.samples.setMenu(self._sample_menu())
        self.strip.adopted.connect(self._adopt)
        self.all_slices.taken.connect(self.slice.setValue)

        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(DEBOUNCE_MS)
        self._debounce.timeout.connect(self.apply)
        self.open.clicked.connect(self._choose)
        on_return(self, self._return)
        self.folder.clicked.connect(self._choose_folder)
        self.angle_file.clicked.connect(self._choose_angles)
        self.center_mode.currentIndexChanged.connect(self._center_mode_changed)
        for line in (self.angles, self.views):
            line.editingFinished.connect(self._debounce.start)
        numbers = (self.slice, self.center, self.clip, self.flat, self.pitch, self.pixel, self.image_size)
        for box in (self.outliers, self.rings, *numbers):
            box.valueChanged.connect(self._debounce.start)
        self.reading.reread.connect(self._reread)
        self.reading.changed.connect(self._debounce.start)
        follow(self, viewer.layers.events.inserted, self._layer_inserted)
        follow(self, workbench.scene_changed, self.scene_ready)

    def _sample_menu(self) -> QMenu:
        menu = QMenu(self)
        for name in io.samples.names("measurement"):
            menu.addAction(io.samples.describe(name).title, lambda name=name: self.load_sample(name))
        return menu

    def _return(self) -> None:
        """What was typed counts at once; without a measurement, one is opened."""
        if self.measurement is None:
            self._choose()
        else:
            self._debounce.stop()
            self.apply()

    # ---- loading --------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        path = ask_file(self, "measurement", "Open a measurement", _files())
        if path:
            self.load(path)

    def _choose_folder(self) -> None:
        path = ask_folder(self, "projections", "Open a folder of projections")
        if path:
            self.load(path)

    def _reread(self) -> None:
        """Look into the same file with the axis and the unit of the angles that were chosen."""
        m = self.measurement
        if m is not None and self.sample is None:
            kept = {k: v for k, v in m.load_options.items() if k not in ("angle_axis", "angle_unit")}
            self.load(m.path, **kept, **self.reading.options())

    def load(self, path: str | Path, **options: Any) -> None:
        """Look into a file off the GUI thread, then show what it holds. The options are those of ``LoadOptions``."""
        self.found.setText(f"Reading {Path(path).name}…")
        self.workbench.quick.call(
            "load", lambda: io.load(path, **options), lambda m: self._loaded(m, None), lambda e: self._refused(str(e))
        )

    def load_sample(self, name: str) -> None:
        """The same with a bundled sample."""
        self.workbench.quick.call(
            "load",
            lambda: io.samples.measurement(name),
            lambda m: self._loaded(m, name),
            lambda e: self._refused(str(e)),
        )

    def _layer_inserted(self, event: Any) -> None:
        """A measurement that came through napari's reader: dropped, or File > Open. Those before it are hidden."""
        if self.take(event.value):
            for layer in self.viewer.layers:
                if layer is not event.value and layer.visible and layer.metadata.get("mlpatch_source"):
                    layer.visible = False

    def take(self, layer: Layer) -> bool:
        """Load the measurement that a layer shows; whether it shows one."""
        source = layer.metadata.get("mlpatch_source")
        if not source:
            return False
        self.taken.emit()
        if "sample" in source:
            self.load_sample(source["sample"])
        else:
            self.load(source["path"])
        return True

    def take_measurement(self, measurement: io.Measurement) -> None:
        """Show a measurement that was not read from a file, and ask for what it lacks."""
        self._loaded(measurement, None)

    def _refused(self, text: str) -> None:
        """The measurement that was there before stays."""
        self.found.setText(self.description() if self.measurement else "Open a sinogram, or drop one onto the window.")
        self.workbench.failed.emit(text)

    def _loaded(self, measurement: io.Measurement, sample: str | None) -> None:
        self.show_measurement(measurement, sample)
        self.all_slices.set_measurement(measurement)
        can_find = measurement.kind == "parallel-beam" and not measurement.is_complete
        finds = can_find and measurement.center is None and measurement.data.shape[1] >= 8
        self.center_mode.setCurrentIndex(1 if finds else 0)
        self._center_mode_changed()

    def _choose_angles(self) -> None:
        path = ask_file(self, "angles", "Angles, one on each line", "Text (*.txt *.csv *.dat);;All (*)")
        if path:
            try:
                unit = self.reading.options().get("angle_unit")
                angles = io.read_angles(path, unit=unit)
                self.angles.setText(format_angles(angles) if unit is None else path)
            except InputError as error:
                self.workbench.failed.emit(str(error))
                return
            self.apply()

    # ---- centre ---------------------------------------------------------------------------------------------

    def _center_mode_changed(self) -> None:
        self.center.setEnabled(self.center_mode.currentData() == "value")
        self.say_center("")
        self._debounce.start()

    def _adopt(self, value: float) -> None:
        """Take over a centre from the strip."""
        mode, before = self.center_mode.currentIndex(), self.center.value()

        def back() -> None:
            self.center.setValue(before)
            self.center_mode.setCurrentIndex(mode)

        self.workbench.undo.did(f"adopt the centre {value:.2f}", back)
        self.center_mode.setCurrentIndex(self.center_mode.findData("value"))
        self.center.setValue(value)

    # ---- applying -------------------------------------------------------------------------------------------

    def apply(self) -> None:
        """Make the problem of the form and show its quick picture, off the GUI thread."""
        m = self.measurement
        if m is None:
            return
        if "angles_deg" in m.missing and not self.angles.text().strip():
            self._complain(f"The file does not say the {m.data.shape[1]} angles: give them above.")
            self.asks.emit()
            return
        if "flat" in m.missing and not self.flat.value() > 0:
            self._complain("The data are counts, and the file has no flat field: give the counts without a sample.")
            self.asks.emit()
            return
        options, automatic = self.options(), self.center_mode.currentData() == "auto"
        sample = self.sample

        def make() -> Scene:
            problem = m.problem(**options)
            note = ""
            if automatic and isinstance(problem.A, ParallelBeam):
                center = find_center(problem.y[0, 0].numpy(), problem.A.angles_deg)
                note = center.note
                options["center"] = round(center.value, 3)
                problem = m.problem(**options)
            elif automatic and isinstance(problem.A, FanBeam):
                found = m.problem(**options, center="auto")
                options["center"] = round(found.A.axis_bin, 3)
                note = next(text for text in found.notes if text.startswith("centre of rotation"))
                note += " (in the data resampled to a parallel beam)"
                problem = m.problem(**options)
            if sample is not None:
                source = {"kind": "sample", "name": sample, "options": options}
                problem = replace(problem, source=source)
            size = getattr(problem.A, "pixel_size", 1.0)
            unit = m.unit if m.unit else "pixel"
            frame = Frame((size, size), units=(unit, unit)) if m.unit else Frame()
            title = m.path.stem + (f", slice {options['slice']}" if "slice" in options else "")
            notes = (note, *(text for text in problem.notes if text not in m.notes))
            return Scene(problem, title, frame, tuple(n for n in notes if n), slices=_slices(m))

        self.workbench.prepare(make, self._complain)

    def scene_ready(self) -> None:
        """The form was accepted."""
        self._complain("")
        scene = self.workbench.scene
        m = self.measurement
        if scene is not None and m is not None and scene.problem.source.get("path") == str(m.path):
            self.found.setText(self.description(scene.problem.notes))
        if scene is not None and isinstance(scene.problem.A, ParallelBeam | FanBeam):
            if self.center_mode.currentData() != "value":
                self.center.blockSignals(True)
                self.center.setValue(scene.problem.A.axis_bin)
                self.center.blockSignals(False)
            about_center = (note for note in scene.notes if note not in scene.problem.notes)  # those stand above
            self.say_center("\n".join(about_center))

    def _complain(self, text: str) -> None:
        self.problem_text.setText(text)
        self.problem_text.setVisible(bool(text))
