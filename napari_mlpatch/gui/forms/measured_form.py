"""The form of a measurement: widgets for angles, slice, centre of rotation, sizes, and what they say."""

from __future__ import annotations

from typing import Any

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_mlpatch import io
from napari_mlpatch.core.declare import format_angles
from napari_mlpatch.gui.plumbing.elided import small
from napari_mlpatch.gui.plumbing.label import Note, Remark
from napari_mlpatch.io.options import label

from .boxes import CountBox, NumberBox, short
from .columns import PAGE, align, column, tight
from .reading_form import ReadingForm


class MeasuredForm(QWidget):
    """Shows what a file holds and asks for what is missing; ``options`` says what was chosen. It reads no file."""

    def __init__(self, strip: QWidget, stack: QWidget):
        """``strip`` is shown below the form, to find the centre by eye, ``stack`` below the number of the slice."""
        super().__init__()
        self.strip, self.stack = strip, stack
        self.measurement: io.Measurement | None = None
        self.sample: str | None = None
        self.open = QPushButton("Open file…")
        self.folder = QPushButton("Folder…")
        self.folder.setToolTip("Open a folder of projections, a picture in each file")
        self.samples = QPushButton("Samples")
        self.found, self.problem_text = Note("Open a sinogram, or drop one onto the window."), Remark()
        self.problem_text.hide()

        self.open.setToolTip("Open a measurement: sinogram, projections, k-space, shear... in any format that is read")
        self.samples.setToolTip("Measurements that come with the program")

        self.angles = QLineEdit()
        self.angles.setToolTip("Degrees: start:stop:count (stop excluded), a list, or the path of a text file")
        self.angle_file = small("…", "Read the angles from a text file")
        self.slice = CountBox()
        self.center_mode = short(letters=3)
        self.center_mode.addItem("automatic", "auto")  # until there is a measurement
        self.slice.setToolTip("Which slice of the stack, counted from 0")
        self.center_mode.setToolTip("Where the rotation axis is: in the middle or as the file says, found, or given")
        self.center = NumberBox(0.0, 1e6)
        self.center.setToolTip("Bin coordinate of the rotation axis, counted from 0, any fraction")
        self.center_note = Note()
        self.say_center("")
        self.clip = NumberBox(0.0, 1e12)
        self.clip.setToolTip("Raise counts below this before the logarithm; 0 leaves them and reports bad ones")
        self.rings = CountBox()
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
        self.image_size = CountBox()
        self.image_size.setRange(8, 16384)
        self.image_size.setToolTip("Rows and columns of the picture, in pixels")
        self.pitch.setToolTip("Width of a detector bin, in any unit of length; the pixel size is in the same")
        self.pixel.setToolTip("Side of a pixel of the picture, in the unit of the detector pitch")
        self.reading = ReadingForm()
        self._lay_out()
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
        self.form = column(
            (f"{label('angles_deg')} / °", self.angles_row),
            (label("slice"), self.slice),
            ("", self.stack),
            (label("flat"), self.flat),
            (label("center"), self.center_row),
        )
        self.more = column(
            (label("image_shape"), self.image_size),
            (label("detector_pitch"), self.pitch),
            (label("pixel_size"), self.pixel),
            (label("clip_counts"), self.clip),
            (label("outliers"), self.outliers),
            (label("rings"), self.rings),
            (label("views"), self.views),
        )
        for part in (self.reading, self.more):
            part.setContentsMargins(0, 0, 0, 4)
        inner = QWidget()
        inner.setLayout(self.more)
        self.advanced = QCollapsible("Axes, sizes and counts")
        self.advanced.toggleButton().setToolTip("What is read otherwise than found, sizes, and repairs of the data")
        reading = QWidget()
        reading.setLayout(self.reading)
        self.advanced.addWidget(reading)
        self.advanced.addWidget(inner)
        tight(self.advanced)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*PAGE)
        layout.addLayout(top)
        layout.addWidget(self.found)
        layout.addLayout(self.form)
        layout.addWidget(self.center_note)
        layout.addWidget(self.strip)
        layout.addWidget(self.advanced)
        layout.addWidget(self.problem_text)
        layout.addStretch(1)

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        align(self.reading, self.more)  # now that the window's font is known

    def _show_row(self, widget: QWidget, visible: bool) -> None:
        widget.setVisible(visible)
        beside = self.form.labelForField(widget)
        if beside is not None:
            beside.setVisible(visible)

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
            self._show_row(self.stack, False)
            self._show_row(self.flat, False)

    def say_center(self, text: str) -> None:
        """Tell how the centre was found."""
        self.center_note.setText(text)
        self.center_note.setVisible(bool(text))

    def show_measurement(self, measurement: io.Measurement, sample: str | None) -> None:
        """Put what was found into the form; ``sample`` is its name where it is one."""
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
        for widget in (self.slice, self.stack):
            self._show_row(widget, slices > 1 and stored is None)
        self._show_row(self.flat, not complete and measurement.flat is None)
        for widget in (self.angles_row, self.center_row):
            self._show_row(widget, not complete)
        for widget in (self.strip, self.advanced):
            widget.setVisible(not complete)
        self.found.setText(self.description())

    def description(self, more: tuple[str, ...] = ()) -> str:
        """What the file holds, with its notes and ``more`` of them."""
        m = self.measurement
        assert m is not None
        slices, rows, bins = m.data.shape
        stack = f"{slices} slices of " if slices > 1 else ""
        notes = "".join(f"<br>• {note}" for note in dict.fromkeys((*m.notes, *more)))
        size = f"{stack}{rows} angles x {bins} bins" if not m.is_complete else "a complete measurement"
        return f"<b>{m.path.name}</b>: {m.kind}, {size}{notes}"

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
