"""The dialog of a benchmark: the ticked methods on images, with several noise seeds, into a folder with a report."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_mlpatch.gui.plumbing.dialogs import ask_files, ask_folder
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.keys import DELETE, on_key
from napari_mlpatch.gui.plumbing.label import Note
from napari_mlpatch.gui.plumbing.tab_order import follow_the_eye
from napari_mlpatch.gui.plumbing.wheel import still
from napari_mlpatch.workbench.benchmarking import Benchmarking, recipe_of
from napari_mlpatch.workbench.sweeping import check
from napari_mlpatch.workbench.workbench import Workbench


class BenchmarkDialog(QDialog):
    """Simulate the present operator and noise on images, with several seeds, and rank the ticked methods."""

    def __init__(self, workbench: Workbench, parent: QWidget):
        super().__init__(parent)
        self.setWindowTitle("Benchmark")
        self.workbench, self.benchmarking = workbench, Benchmarking(workbench.batch)
        self.methods, self.images = Note(), QListWidget()
        self.truth, self.add = QCheckBox("the true image of this problem"), QPushButton("Add images…")
        self.clear = QPushButton("Clear")
        self.seeds, self.folder, self.choose = QSpinBox(), QLineEdit(), QPushButton("…")
        self.run, self.cancel, self.open = QPushButton("Run"), QPushButton("Cancel"), QPushButton("Open the report")
        self.bar, self.state = QProgressBar(), Note()
        self.seeds.setRange(1, 1000)
        self.seeds.setValue(3)
        self.images.setMaximumHeight(90)
        on_key(self.images, DELETE, lambda: self.images.takeItem(self.images.currentRow()))
        self.run.setDefault(True)  # Return runs
        self.truth.setChecked(True)
        self._about()
        self._lay_out()
        self.add.clicked.connect(self._add)
        self.clear.clicked.connect(self.images.clear)
        self.choose.clicked.connect(self._choose)
        self.run.clicked.connect(self.start)
        self.cancel.clicked.connect(self.benchmarking.cancel)
        self.open.clicked.connect(self.show_report)
        still(self)
        follow_the_eye(self)
        follow(self, self.benchmarking.changed, self.draw)
        follow(self, workbench.entries_changed, self.draw)
        self.draw()

    def _about(self) -> None:
        self.methods.setToolTip("The ticked results of the present problem: their methods, parameters and weights")
        self.truth.setToolTip("The image that this problem was simulated from")
        self.images.setToolTip("More images: each is measured with this operator and this noise; Delete leaves one out")
        self.add.setToolTip("PNG, JPEG, TIFF, NPY, HDF5, FITS...")
        self.clear.setToolTip("Without these images")
        self.seeds.setToolTip("So many times the noise is drawn anew: the table gives mean and standard deviation")
        self.folder.setToolTip("Where the report and all figures go; what is there already is not computed again")
        self.choose.setToolTip("Choose a folder")
        self.run.setToolTip("Run all of them, beside the queue")
        self.cancel.setToolTip("End after this step; the report is of what there is")
        self.open.setToolTip("One page with the ranked table, plots and pictures, in your browser")

    def _lay_out(self) -> None:
        images, folder, buttons = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        for row, widgets in (
            (images, (self.truth, self.add, self.clear)),
            (folder, (self.folder, self.choose)),
            (buttons, (self.run, self.cancel, self.open)),
        ):
            for widget in widgets:
                row.addWidget(widget)
        form = QFormLayout()
        form.addRow("methods", self.methods)
        form.addRow("images", images)
        form.addRow("", self.images)
        form.addRow("noise seeds", self.seeds)
        form.addRow("folder", folder)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.bar)
        layout.addWidget(self.state)
        layout.addLayout(buttons)
        self.resize(560, 360)

    # ---- choosing -------------------------------------------------------------------------------------------

    def _add(self) -> None:
        self.images.addItems(ask_files(self, "images", "Images"))

    def _choose(self) -> None:
        path = ask_folder(self, "benchmarks", "Folder of the benchmark")
        if path:
            self.folder.setText(path)

    # ---- running --------------------------------------------------------------------------------------------

    def start(self) -> None:
        scene = self.workbench.scene
        if scene is None:
            return
        files = [self.images.item(i).text() for i in range(self.images.count())]
        chosen = [e for e in self.workbench.present if e.shown and e.result is not None]

        def begin() -> None:
            recipe = recipe_of(scene, chosen, self.seeds.value(), files, with_truth=self.truth.isChecked())
            self.benchmarking.start(scene, recipe, self.folder.text().strip())

        check(begin, self.state.setText)

    def show_report(self) -> None:
        if self.benchmarking.page is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self.benchmarking.page))))

    def draw(self) -> None:
        now, scene = self.benchmarking, self.workbench.scene
        names = [e.named.line for e in self.workbench.present if e.shown and e.result is not None]
        self.methods.setText(", ".join(names) or "none: run some methods, and tick them in the table")
        has_truth = scene is not None and scene.problem.truth is not None
        self.truth.setEnabled(has_truth)
        self.run.setEnabled(bool(names) and not now.running)
        self.cancel.setEnabled(now.running)
        self.open.setEnabled(now.page is not None)
        self.bar.setMaximum(max(1, now.total))
        self.bar.setValue(now.done)
        there = f", {now.reused} were there" if now.reused else ""
        told = f"{now.done} of {now.total}{there}" if now.total else ""
        self.state.setText("; ".join(filter(None, [told, now.message])))
