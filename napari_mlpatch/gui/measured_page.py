"""A measurement from a file: what was found in it, and a form for what is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from napari.viewer import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_mlpatch import io
from napari_mlpatch.core.declare import format_angles
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.formats import suffixes
from napari_mlpatch.operators.center import find_center
from napari_mlpatch.operators.fan_beam import FanBeam
from napari_mlpatch.operators.parallel_beam import ParallelBeam

from .center_strip import CenterStrip
from .follow import follow
from .forms import NumberBox
from .layers import LayerView
from .reading_form import ReadingForm
from .workbench import Frame, Scene, Workbench

DEBOUNCE_MS = 250


def _files() -> str:
    patterns = " ".join(f"*{suffix}" for suffix in suffixes())
    return f"Measurements ({patterns});;All files (*)"


class MeasuredPage(QWidget):
    """File, angles, slice, centre of rotation, sizes. A quick picture follows every change."""

    def __init__(self, viewer: Viewer, workbench: Workbench, view: LayerView):
        super().__init__()
        self.workbench = workbench
        self.measurement: io.Measurement | None = None
        self.sample: str | None = None

        self.open = QPushButton("Open a file…")
        self.folder = QPushButton("Folder…")
        self.folder.setToolTip("Open a folder of projections, a picture in each file")
        self.samples = QToolButton()
        self.samples.setText("Samples")
        self.samples.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.samples.setMenu(self._sample_menu())
        self.found, self.problem_text = QLabel("Open a sinogram, or drop one onto the window."), QLabel()
        for label in (self.found, self.problem_text):
            label.setWordWrap(True)
        self.problem_text.setStyleSheet("color: orange")

        self.angles = QLineEdit()
        self.angles.setToolTip("Degrees: start:stop:count (stop excluded), a list, or the path of a text file")
        self.angle_file = QToolButton()
        self.angle_file.setText("…")
        self.angle_file.setToolTip("Read the angles from a text file")
        self.slice = QSpinBox()
        self.center_mode = QComboBox()
        self.center = NumberBox(0.0, 1e6)
        self.center.setSuffix(" bins")
        self.center.setToolTip("Bin coordinate of the rotation axis, counted from 0, any fraction")
        self.center_note = QLabel()
        self.center_note.setWordWrap(True)
        self.clip = NumberBox(0.0, 1e12)
        self.clip.setToolTip("Raise counts below this before the logarithm; 0 leaves them and reports bad ones")
        self.rings = QSpinBox()
        self.rings.setRange(0, 999)
        self.rings.setSpecialValueText("leave")
        self.rings.setSuffix(" bins")
        self.rings.setToolTip("Take off vertical stripes of the sinogram that are narrower than half of so many bins")
        self.outliers = NumberBox(0.0, 1e6)
        self.outliers.setToolTip(
            "Replace single samples (zingers, hot pixels) that are so many standard deviations off their neighbours; "
            "0 leaves them, 10 is a good value"
        )
        self.views = QLineEdit()
        self.views.setPlaceholderText("all; or start:stop:step")
        self.views.setToolTip("Use these rows only, start:stop:step: a limited arc, or every 4th view with ::4")
        self.flat = NumberBox(0.0, 1e12)
        self.flat.setToolTip("Counts without a sample, where the file has no flat field")
        self.pitch, self.pixel = NumberBox(1e-12, 1e12), NumberBox(1e-12, 1e12)
        self.image_size = QSpinBox()
        self.image_size.setRange(8, 16384)
        self.reading = ReadingForm()
        self.strip = CenterStrip(viewer, workbench, view)
        self.strip.adopted.connect(self._adopt)
        self._lay_out()

        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(DEBOUNCE_MS)
        self._debounce.timeout.connect(self.apply)
        self.open.clicked.connect(self._choose)
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
        self._enable(False)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.open, 1)
        top.addWidget(self.folder)
        top.addWidget(self.samples)
        self.angles_row, self.center_row = QWidget(), QWidget()
        angles = QHBoxLayout(self.angles_row)
        angles.setContentsMargins(0, 0, 0, 0)
        angles.addWidget(self.angles, 1)
        angles.addWidget(self.angle_file)
        center = QHBoxLayout(self.center_row)
        center.setContentsMargins(0, 0, 0, 0)
        center.addWidget(self.center_mode)
        center.addWidget(self.center, 1)
        self.form = QFormLayout()
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.form.addRow("angles / °", self.angles_row)
        self.form.addRow("slice", self.slice)
        self.form.addRow("flat field", self.flat)
        self.form.addRow("centre", self.center_row)
        self.form.addRow("", self.center_note)
        more = QFormLayout()
        more.addRow("image size", self.image_size)
        more.addRow("detector pitch", self.pitch)
        more.addRow("pixel size", self.pixel)
        more.addRow("clip counts", self.clip)
        more.addRow("outliers", self.outliers)
        more.addRow("rings", self.rings)
        more.addRow("views", self.views)
        inner = QWidget()
        inner.setLayout(more)
        self.advanced = QCollapsible("Axes, sizes and counts")
        reading = QWidget()
        reading.setLayout(self.reading)
        self.advanced.addWidget(reading)
        self.advanced.addWidget(inner)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.found)
        layout.addLayout(self.form)
        layout.addWidget(self.strip)
        layout.addWidget(self.advanced)
        layout.addWidget(self.problem_text)
        layout.addStretch(1)

    def _sample_menu(self) -> QMenu:
        menu = QMenu(self)
        for name in io.samples.names("measurement"):
            menu.addAction(io.samples.describe(name).title, lambda name=name: self.load_sample(name))
        return menu

    # ---- loading --------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a measurement", "", _files())
        if path:
            self.load(path)

    def _choose_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open a folder of projections")
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
        """A measurement that came through napari's reader: dropped, or File > Open."""
        source = event.value.metadata.get("mlpatch_source")
        if source and "sample" in source:
            self.load_sample(source["sample"])
        elif source:
            self.load(source["path"])

    def _refused(self, text: str) -> None:
        """The measurement that was there before stays."""
        self.found.setText(self._describe() if self.measurement else "Open a sinogram, or drop one onto the window.")
        self.workbench.failed.emit(text)

    def _loaded(self, measurement: io.Measurement, sample: str | None) -> None:
        before = self.measurement
        self.measurement, self.sample = measurement, sample
        self.reading.show_options(measurement, before is not None and before.path == measurement.path)
        slices, rows, bins = measurement.data.shape
        stored, complete = measurement.stored, measurement.is_complete
        widgets = (self.angles, self.slice, self.center, self.center_mode, self.pitch, self.pixel, self.image_size)
        given = io.samples.describe(sample).options if sample else {}
        for widget in widgets:
            widget.blockSignals(True)
        known = measurement.angles_deg if stored is None else getattr(stored.A, "angles_deg", None)
        self.angles.setText("" if known is None else format_angles(known))
        self.angles.setPlaceholderText(f"missing: for example 0:180:{rows}")
        self.slice.setRange(0, slices - 1)
        self.slice.setValue(given.get("slice", slices // 2))
        self.center_mode.clear()
        self.center_mode.addItem("middle" if measurement.center is None else "from the file", None)
        self.center_mode.addItem("automatic", "auto")
        self.center_mode.addItem("by hand", "value")
        self.center.setRange(0.0, bins - 1.0)
        self.center.setValue((bins - 1) / 2.0 if measurement.center is None else measurement.center)
        self.pitch.setValue(measurement.geometry.get("detector_pitch", 1.0))
        self.pixel.setValue(measurement.axis_pitch)
        self._lengths = (self.pitch.value(), self.pixel.value())
        self.image_size.setValue(given.get("image_shape", (bins, bins))[0])
        for widget in widgets:
            widget.blockSignals(False)
        self._enable(True)
        self._show_row(self.slice, slices > 1 and stored is None)
        self._show_row(self.flat, not complete and measurement.flat is None)
        for widget in (self.angles_row, self.center_row, self.center_note):
            self._show_row(widget, not complete)
        for widget in (self.strip, self.advanced):
            widget.setVisible(not complete)
        self.found.setText(self._describe())
        can_find = measurement.kind == "parallel-beam" and not complete
        self.center_mode.setCurrentIndex(1 if can_find and measurement.center is None and rows >= 8 else 0)
        self._center_mode_changed()

    def _show_row(self, widget: QWidget, visible: bool) -> None:
        widget.setVisible(visible)
        label = self.form.labelForField(widget)
        if label is not None:
            label.setVisible(visible)

    def _describe(self, more: tuple[str, ...] = ()) -> str:
        m = self.measurement
        assert m is not None
        slices, rows, bins = m.data.shape
        stack = f"{slices} slices of " if slices > 1 else ""
        notes = "".join(f"<br>• {note}" for note in dict.fromkeys((*m.notes, *more)))
        size = f"{stack}{rows} angles x {bins} bins" if not m.is_complete else "a complete measurement"
        return f"<b>{m.path.name}</b>: {m.kind}, {size}{notes}"

    def _enable(self, on: bool) -> None:
        for widget in (
            self.angles,
            self.angle_file,
            self.slice,
            self.center_mode,
            self.center,
            self.advanced,
            self.strip,
        ):
            widget.setEnabled(on)
        if not on:
            self._show_row(self.slice, False)
            self._show_row(self.flat, False)

    def _choose_angles(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Angles, one on each line", "", "Text (*.txt *.csv *.dat);;All (*)")
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
        self.center_note.setText("")
        self._debounce.start()

    def _adopt(self, value: float) -> None:
        """Take over a centre from the strip."""
        self.center_mode.setCurrentIndex(self.center_mode.findData("value"))
        self.center.setValue(value)

    # ---- applying -------------------------------------------------------------------------------------------

    def options(self) -> dict[str, Any]:
        """What the form says, as ``ProblemOptions``; what was left alone is left out."""
        m = self.measurement
        assert m is not None
        found: dict[str, Any] = {}
        if m.stored is None and m.data.shape[0] > 1:
            found["slice"] = self.slice.value()
        if m.is_complete:
            return found
        known = m.angles_deg
        text = self.angles.text().strip()
        if text and (known is None or text != format_angles(known)):
            found["angles_deg"] = text
        if self.center_mode.currentData() == "value":
            found["center"] = self.center.value()
        if self.reading.takes_log() is not None:
            found["log"] = self.reading.takes_log()
        if self.flat.value() > 0:
            found["flat"] = self.flat.value()
        if self.clip.value() > 0:
            found["clip_counts"] = self.clip.value()
        if self.outliers.value() > 0:
            found["outliers"] = self.outliers.value()
        if self.rings.value() >= 3:
            found["rings"] = self.rings.value()
        if self.views.text().strip():
            found["views"] = self.views.text().strip()
        if self.image_size.value() != m.data.shape[2]:
            found["image_shape"] = (self.image_size.value(),) * 2
        lengths = (self.pitch.value(), self.pixel.value())
        if lengths != self._lengths:
            found |= dict(zip(("detector_pitch", "pixel_size"), lengths, strict=True))
        return found

    def apply(self) -> None:
        """Make the problem of the form and show its quick picture, off the GUI thread."""
        m = self.measurement
        if m is None:
            return
        if "angles_deg" in m.missing and not self.angles.text().strip():
            self._complain(f"The file does not say the {m.data.shape[1]} angles: give them above.")
            return
        if "flat" in m.missing and not self.flat.value() > 0:
            self._complain("The data are counts, and the file has no flat field: give the counts without a sample.")
            return
        options, automatic = self.options(), self.center_mode.currentData() == "auto"
        sample = self.sample

        def make() -> Scene:
            problem = m.problem(**options)
            note = ""
            if automatic and isinstance(problem.A, ParallelBeam):
                center = find_center(problem.y[0, 0].numpy(), problem.A.angles_deg)
                note = f"centre {center.value:.2f} ± {center.uncertainty:.2f} bins, found by {center.method}"
                options["center"] = round(center.value, 3)
                problem = m.problem(**options)
            elif automatic and isinstance(problem.A, FanBeam):
                options["center"] = round(m.problem(**options, center="auto").A.axis_bin, 3)
                note = f"centre {options['center']:.2f} bins, found in the data resampled to a parallel beam"
                problem = m.problem(**options)
            if sample is not None:
                source = {"kind": "sample", "name": sample, "options": options}
                problem = replace(problem, source=source)
            size = getattr(problem.A, "pixel_size", 1.0)
            unit = m.unit if m.unit else "pixel"
            frame = Frame((size, size), units=(unit, unit)) if m.unit else Frame()
            title = m.path.stem + (f", slice {options['slice']}" if "slice" in options else "")
            notes = (note, *(text for text in problem.notes if text not in m.notes))
            return Scene(problem, title, frame, tuple(n for n in notes if n))

        self.workbench.prepare(make, self._complain)

    def scene_ready(self) -> None:
        """The form was accepted."""
        self._complain("")
        scene = self.workbench.scene
        m = self.measurement
        if scene is not None and m is not None and scene.problem.source.get("path") == str(m.path):
            self.found.setText(self._describe(scene.problem.notes))
        if scene is not None and isinstance(scene.problem.A, ParallelBeam | FanBeam):
            if self.center_mode.currentData() != "value":
                self.center.blockSignals(True)
                self.center.setValue(scene.problem.A.axis_bin)
                self.center.blockSignals(False)
            about_center = (note for note in scene.notes if note not in scene.problem.notes)  # those stand above
            self.center_note.setText("\n".join(about_center))

    def _complain(self, text: str) -> None:
        self.problem_text.setText(text)
        self.problem_text.setVisible(bool(text))
