"""The sweep: one or two parameters over their values, as a contact sheet with scores and an L-curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from napari_mlpatch.batch.sweep import RANKING, Candidate
from napari_mlpatch.batch.values import Axis, axis
from napari_mlpatch.core.declare import build, parameters
from napari_mlpatch.core.metrics import METRICS
from napari_mlpatch.core.registry import methods
from napari_mlpatch.gui.compare.l_curve import LCurve
from napari_mlpatch.gui.compare.parts import plots
from napari_mlpatch.gui.compare.sheet import Sheet, head
from napari_mlpatch.gui.compare.view import Plot
from napari_mlpatch.gui.forms.form import spelt
from napari_mlpatch.gui.plumbing.elided import Box, Tick
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.in_view import in_view
from napari_mlpatch.gui.plumbing.label import Name
from napari_mlpatch.gui.plumbing.low import low
from napari_mlpatch.gui.plumbing.notify import show_error
from napari_mlpatch.workbench.sweeping import Sweeping, check, suggested, varied

if TYPE_CHECKING:
    from napari_mlpatch.gui.compare.benchmark_dialog import BenchmarkDialog

WHOLE, IN_VIEW = "whole picture", "what is in view"
NONE = "(none)"


@plots.register("sweep", title="Sweep", key="Shift-W", order=60)
class SweepTab(Plot):
    """Vary one or two parameters of the selected result's method; click a picture to take its values over."""

    live = False

    def make(self) -> QWidget:
        widget = QWidget()
        self.sweeping = Sweeping(self.stage.workbench.batch)
        self.method, self.region = Box(), Box()
        self.names, self.texts = [Box(), Box()], [QLineEdit(), QLineEdit()]
        self.others = Tick("Also the other ticked methods")
        self.run, self.cancel, self.open = QPushButton("Sweep"), QPushButton("Cancel"), QPushButton("Sheet…")
        self.benchmark = QPushButton("Benchmark…")
        self.dialog: BenchmarkDialog | None = None
        self.swept: list[Candidate] = []
        """What the last sweep has run, with the weights of each."""
        self.bar = self.state = Name()
        self.sheet = Sheet(self.adopt)
        self.plot = LCurve()
        self.window = self._window(widget)
        self._about()
        self._lay_out(widget)
        for cls in methods:
            if varied(parameters(cls)):
                self.method.addItem(cls.title, cls.name)
        self.method.currentIndexChanged.connect(self._method_chosen)
        for i in (0, 1):
            self.names[i].currentIndexChanged.connect(lambda _, i=i: self._name_chosen(i))
            self.texts[i].returnPressed.connect(self.start)
        self.run.clicked.connect(self.start)
        self.cancel.clicked.connect(self.sweeping.cancel)
        self.open.clicked.connect(self.window.show)
        self.benchmark.clicked.connect(self.open_benchmark)
        follow(widget, self.sweeping.changed, self.draw)
        self.method.setCurrentIndex(max(0, self.method.findData("tv")))
        self._method_chosen()
        self.draw()
        return low(widget)

    def _about(self) -> None:
        self.method.setToolTip(
            "Of which method; its other parameters are those of the selected result, if it is one of it"
        )
        self.others.setToolTip(
            "Vary the same parameters of the other ticked results' methods; one that has none of them runs once"
        )
        self.region.addItems([WHOLE, IN_VIEW])
        self.region.setToolTip("What is scored and shown: the whole picture, or the part that is in view now")
        for name, text in zip(self.names, self.texts, strict=True):
            name.setToolTip("The parameter that varies")
            text.setToolTip("Values: a list 1,2,5, a range 0:1:6 in equal steps or 0.1:10:log7 in equal ratios")
        self.open.setToolTip("The contact sheet and the L-curve, in a window of their own")
        self.benchmark.setToolTip("The ticked methods on several images and noise seeds: a ranked table, one report")
        self.run.setToolTip("Run every combination, beside the queue")
        self.cancel.setToolTip("End after this step; what is done stays")

    def _window(self, widget: QWidget) -> QWidget:
        """A window for the contact sheet and the L-curve, which need room."""
        window = QSplitter(Qt.Orientation.Horizontal, widget)
        window.setWindowFlag(Qt.WindowType.Window)
        window.setWindowTitle("Sweep")
        window.addWidget(self.sheet)
        window.addWidget(self.plot)
        window.setStretchFactor(0, 1)
        window.setSizes([720, 380])
        window.resize(1100, 660)
        return window

    def _lay_out(self, widget: QWidget) -> None:
        form = QGridLayout()
        form.addWidget(self.method, 0, 0)
        form.addWidget(self.region, 0, 1)
        for i in (0, 1):
            form.addWidget(self.names[i], i + 1, 0)
            form.addWidget(self.texts[i], i + 1, 1)
        form.addWidget(self.others, 3, 0, 1, 2)
        for column in (0, 1):
            form.setColumnStretch(column, 1)
        buttons, windows = QHBoxLayout(), QHBoxLayout()
        buttons.addWidget(self.run, 1)
        buttons.addWidget(self.cancel)
        windows.addWidget(self.open)
        windows.addWidget(self.benchmark, 1)
        layout = QVBoxLayout(widget)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(3)
        layout.addLayout(form)
        layout.addLayout(buttons)
        layout.addLayout(windows)
        layout.addStretch(1)
        for box in (self.method, self.region, *self.names):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(4)

    # ---- choosing -------------------------------------------------------------------------------------------

    def show(self) -> None:
        self.run.setEnabled(self.stage.scene is not None)

    def base(self) -> tuple[Any, Any]:
        """The method whose parameters are varied, as it is otherwise, and its weights."""
        name, entry = self.method.currentData(), self.stage.selected
        if entry is not None and entry.method["name"] == name:
            return build(methods, entry.method), entry.job.network
        return methods.get(name)(), None

    def candidates(self) -> list[Candidate]:
        """What is run: the chosen method and, where they are wanted, those of the other ticked results, each once."""
        found = [Candidate(*self.base())]
        for entry in self.stage.shown if self.others.isChecked() else ():
            method = build(methods, entry.method)
            if all(method.name != one.method.name for one in found):
                found.append(Candidate(method, entry.job.network))
        return found

    def _method_chosen(self) -> None:
        for i, box in enumerate(self.names):
            box.blockSignals(True)
            box.clear()
            if i:
                box.addItem(NONE)
            for p in varied(parameters(methods.get(self.method.currentData()))):
                box.addItem(spelt(p.name), p.name)
            box.blockSignals(False)
        self.names[0].setCurrentIndex(max(0, self.names[0].findData("weight")))
        for i in (0, 1):
            self._name_chosen(i)

    def _name_chosen(self, i: int) -> None:
        name, method = self.names[i].currentData(), self.base()[0]
        chosen = next((p for p in parameters(type(method)) if p.name == name), None)
        self.texts[i].setEnabled(chosen is not None)
        entry = self.stage.selected
        value = None if chosen is None else getattr(method, name)
        if value is None and entry is not None:  # found from the noise
            value = next((row[name] for row in reversed(entry.job.history) if name in row), None)
        self.texts[i].setText("" if chosen is None else suggested(chosen, value))

    def axes(self) -> list[Axis]:
        """What varies. Raises InputError."""
        chosen = [one.method.name for one in self.candidates()]
        pairs = [(n.currentData(), t.text()) for n, t in zip(self.names, self.texts, strict=True)]
        return [axis(f"{key}={text}", chosen) for key, text in pairs if key]

    def region_in_view(self) -> str | None:
        """The region that is scored, as text."""
        scene, viewer = self.stage.scene, self.stage.viewer
        layers = [la for la in viewer.layers if isinstance(la, Image) and la.visible and la.data.ndim == 2]
        own = [la for la in layers if scene is not None and la.data.shape == scene.preview.shape]
        found = in_view(viewer, own[-1]) if own and self.region.currentText() == IN_VIEW else None
        if found is None:
            return None
        top, left, bottom, right = found[0]
        return f"{round(top + 0.5)}:{round(bottom + 0.5)},{round(left + 0.5)}:{round(right + 0.5)}"

    # ---- acting ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        scene = self.stage.scene
        if scene is not None:
            self.swept = self.candidates()
            check(
                lambda: self.sweeping.start(scene.problem, self.swept, self.axes(), self.region_in_view()),
                show_error,
            )
            if self.sweeping.running:
                self.window.show()

    def open_benchmark(self) -> None:
        """The dialog, made when it is first asked for."""
        if self.dialog is None:
            from napari_mlpatch.gui.compare.benchmark_dialog import BenchmarkDialog

            self.dialog = BenchmarkDialog(self.stage.workbench, self.widget)
        self.dialog.draw()
        self.dialog.show()

    def adopt(self, index: int) -> None:
        """Put the values of a combination into the form of the Reconstruct dock."""
        cell = self.sweeping.cells[index]
        if cell.recipe is not None:
            weights = next((one.weights for one in self.swept if one.method.name == cell.method), None)
            self.stage.workbench.adopted.emit(cell.recipe.build_method(), weights)
        self.draw()

    def draw(self) -> None:
        sweeping = self.sweeping
        key = next((k for k in RANKING if any(k in cell.metrics for cell in sweeping.cells)), None)
        self.sheet.show_cells(sweeping.cells, sweeping.axes, key)
        self.cancel.setEnabled(sweeping.running)
        self.open.setEnabled(bool(sweeping.cells))
        if sweeping.message:
            self.state.setText(sweeping.message)
        elif sweeping.running:
            self.state.setText(f"{sweeping.done} of {len(sweeping.cells)}")
        elif sweeping.made is not None:
            best = sweeping.made.best
            by = METRICS.get(key).title if key else "corner of the L-curve"
            told = "" if best is None else f"best by {by}: {head(sweeping.cells[best], sweeping.cells)}"
            self.state.setText(told or "Neither truth nor noise level is known: nothing says which one is the best.")
        self.plot.draw(sweeping.cells, sweeping.made)
