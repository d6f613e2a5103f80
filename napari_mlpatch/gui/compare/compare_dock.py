"""The Compare dock: a table of results, a convergence plot, the grid view, residuals, and what to take away."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.metrics import METRICS
from napari_mlpatch.gui.plumbing.dot import dot
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.notify import show_error, show_info
from napari_mlpatch.workbench.as_text import as_command, as_python
from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.ranking import best, keys
from napari_mlpatch.workbench.words import duration, size
from napari_mlpatch.workbench.workbench import Workbench

from .curves import Curves, colour_of, quantities
from .layers import RESIDUALS, LayerView

DRAW_SECONDS = 0.5
WIDEST = 240
"""Pixels of a column: of longer names the rest is in the tooltip."""
UNFINISHED = "#ffa64d"


class CompareDock(QWidget):
    """Results of all methods; a tick shows a row in the grid, a click selects it, a double click shows it alone."""

    def __init__(self, workbench: Workbench, view: LayerView, selected: Callable[[Entry], None] = lambda e: None):
        super().__init__()
        self.workbench, self.view, self._tell_selected = workbench, view, selected
        self._drawn = 0.0
        headings = ["result", "iterations", *(metric.heading for metric in METRICS), "time", "memory"]
        self.table = QTableWidget(0, len(headings))
        self.table.setHorizontalHeaderLabels(headings)
        for i, metric in enumerate(METRICS):
            self.table.horizontalHeaderItem(2 + i).setToolTip(metric.tooltip)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().sectionClicked.connect(lambda column: self.workbench.sort(keys()[column]))
        self.table.horizontalHeader().setToolTip("Click: the best of this column first")
        self.table.horizontalHeader().setMaximumSectionSize(WIDEST)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.range_note = QLabel()
        self.plot = Curves(self._draw)
        self.curve = QComboBox()
        self.curve.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.curve.setToolTip(
            "What is plotted over the iterations of all ticked results: first what all of them tell, then what some do"
        )
        self._curve_by_hand = False
        self.axis = QComboBox()
        self.axis.addItems(["iteration", "seconds"])
        self.grid = QPushButton("Grid")
        self.grid.setCheckable(True)
        self.grid.setToolTip("All ticked results side by side, zoomed together, each with its figure")
        self.residual = QComboBox()
        self._offer_pictures()
        self.residual.setToolTip("Show this for every ticked result, as layers and in the grid's second row")
        self.take = QToolButton()
        self.take.setText("Take away")
        self.take.setStyleSheet("QToolButton { padding-right: 16px }")  # for the arrow
        self.take.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.take.setMenu(self._menu())
        self._lay_out()

        self.table.itemChanged.connect(self._ticked)
        self.table.itemSelectionChanged.connect(self._selected)
        self.table.itemDoubleClicked.connect(self._alone)
        self.grid.toggled.connect(self._show)
        self.residual.currentIndexChanged.connect(self._residual_chosen)
        self.curve.currentIndexChanged.connect(self._draw)
        self.curve.activated.connect(self._curve_chosen)
        self.axis.currentIndexChanged.connect(self._draw)
        follow(self, view.viewer.canvas.grid.events.enabled, self._grid_toggled)
        follow(self, workbench.entries_changed, self._fill)
        follow(self, workbench.scene_changed, self._offer_pictures)
        follow(self, workbench.scene_changed, self._fill)
        follow(self, workbench.entry_progressed, self._progressed)
        follow(self, workbench.residuals_ready, lambda *_: self._show() if self.grid.isChecked() else None)
        self._fill()

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        for widget in (self.grid, self.residual, self.take):
            bar.addWidget(widget)
        bar.addWidget(self.range_note, 1)
        bar.addWidget(self.curve)
        bar.addWidget(QLabel("over"))
        bar.addWidget(self.axis)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.table)
        split.addWidget(self.plot)
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 1)
        split.setSizes([600, 300])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.addLayout(bar)
        layout.addWidget(split, 1)

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        for text, act in (
            ("Save the picture with its recipe…", self._save),
            ("Save the measurement…", self._save_measurement),
            ("Copy the recipe", lambda e: self._copy(e.result.recipe.to_json(), "Recipe")),
            ("Copy as Python", lambda e: self._copy(as_python(e.result.recipe), "Python code")),
            ("Copy as command", lambda e: self._copy(as_command(e.result.recipe), "Command")),
            ("Remove from the list", self.workbench.remove),
        ):
            menu.addAction(text, lambda act=act: self._on_selected(act))
        return menu

    # ---- table ----------------------------------------------------------------------------------------------

    def selected(self) -> Entry | None:
        row = self.table.currentRow()
        return self.workbench.entries[row] if 0 <= row < len(self.workbench.entries) else None

    def _fill(self) -> None:
        entries = self.workbench.entries
        row = self.table.currentRow()
        self.table.blockSignals(True)
        self.table.setRowCount(len(entries))
        for i, entry in enumerate(entries):
            self._fill_row(i, entry)
        self._mark_winners()
        for column, metric in enumerate(METRICS, start=2):
            self.table.setColumnHidden(column, not any(e.result and metric.key in e.result.metrics for e in entries))
        if entries:
            self.table.setCurrentCell(min(max(row, 0), len(entries) - 1), 0)
        self.table.blockSignals(False)
        ranges = {e.result.metrics["data_range"] for e in entries if e.result and "data_range" in e.result.metrics}
        self.range_note.setText(
            "data range of PSNR and SSIM: " + ", ".join(f"{r:.4g}" for r in ranges) if ranges else ""
        )
        self.plot.draw_soon()
        if self.grid.isChecked():
            self._show()

    def _fill_row(self, row: int, entry: Entry) -> None:
        result, stale = entry.result, self.workbench.stale(entry)
        title = entry.named.line
        texts = [title if not entry.job.active else f"{title} ({entry.job.state})"]
        remark = result.remark if result is not None and not entry.job.active else ""
        count = str(entry.job.k if entry.job.active or result is None else result.iterations)
        unfinished = bool(remark and result is not None and result.not_converged)
        texts.append(f"{count}, not converged" if unfinished else f"{count} ⚠" if remark else count)
        for metric in METRICS:
            values = result.metrics if result else entry.job.scalars
            value = values.get(metric.key, math.nan)
            texts.append(metric.text(value))
        texts += [duration(result.seconds), size(result.peak_bytes)] if result else [duration(entry.job.seconds), ""]
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            if column == 0:
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked if entry.shown else Qt.CheckState.Unchecked)
                item.setIcon(dot(colour_of(row)))
                item.setToolTip(entry.title)
            else:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if remark:
                item.setToolTip(remark)
                if column == 1:
                    item.setForeground(QColor(UNFINISHED))
            if stale:
                item.setForeground(QColor("gray"))
                item.setToolTip(stale)
            self.table.setItem(row, column, item)

    def _mark_winners(self) -> None:
        for column, metric in enumerate(METRICS, start=2):
            row = best(
                metric,
                [
                    e.result.metrics.get(metric.key, math.nan) if e.result and not self.workbench.stale(e) else math.nan
                    for e in self.workbench.entries
                ],
            )
            if row is None:
                continue
            item = self.table.item(row, column)
            font = item.font()
            font.setBold(True)
            item.setFont(font)
            item.setForeground(QColor("#35c46b"))

    def _progressed(self, entry: Entry) -> None:
        if entry in self.workbench.entries:
            self.table.blockSignals(True)
            self._fill_row(self.workbench.entries.index(entry), entry)
            self.table.blockSignals(False)
            if time.monotonic() - self._drawn > DRAW_SECONDS:
                self.plot.draw_soon()

    def _ticked(self, item: QTableWidgetItem) -> None:
        if item.column() == 0:
            entry = self.workbench.entries[item.row()]
            shown = item.checkState() == Qt.CheckState.Checked
            if shown != entry.shown:
                self.workbench.set_shown(entry, shown)
                if shown and not self.grid.isChecked():
                    self.view.show_single(entry)

    def _selected(self) -> None:
        entry = self.selected()
        if entry is not None:
            self._tell_selected(entry)

    def _alone(self, item: QTableWidgetItem) -> None:
        self.grid.setChecked(False)
        self.view.show_single(self.workbench.entries[item.row()])

    # ---- views ----------------------------------------------------------------------------------------------

    def _offer_pictures(self) -> None:
        """Residuals, and what else pictures of the current problem can show."""
        scene = self.workbench.scene
        offered = [("no residuals", None), *((label, kind) for kind, label in RESIDUALS.items())]
        offered += [(name, name) for name in (scene.more if scene is not None else ())]
        if offered != [(self.residual.itemText(i), self.residual.itemData(i)) for i in range(self.residual.count())]:
            self.residual.blockSignals(True)
            self.residual.clear()
            for label, kind in offered:
                self.residual.addItem(label, kind)
            self.residual.blockSignals(False)

    def _residual_chosen(self) -> None:
        if self.residual.currentData() is not None:
            for entry in self.workbench.entries:
                self.workbench.request_residuals(entry)
        self._show()

    def _show(self) -> None:
        if self.grid.isChecked():
            self.view.show_grid(self.residual.currentData())
        elif (entry := self.selected()) is not None:
            self.view.show_single(entry)

    def _grid_toggled(self, event: object = None) -> None:
        """Somebody else switched napari's grid."""
        self.grid.blockSignals(True)
        self.grid.setChecked(self.view.viewer.canvas.grid.enabled)
        self.grid.blockSignals(False)

    def _curve_chosen(self) -> None:
        self._curve_by_hand = True

    def _draw(self) -> None:
        """Convergence of all ticked results: of what a person chose to see, else of what all of them tell."""
        self._drawn = time.monotonic()
        shown = [(i, e) for i, e in enumerate(self.workbench.entries) if e.shown]
        known = quantities([e.job.history for _, e in shown])
        if list(known) != [self.curve.itemData(i) for i in range(self.curve.count())]:
            chosen = self.curve.currentData() if self._curve_by_hand else None
            self.curve.blockSignals(True)
            self.curve.clear()
            for key, words in known.items():
                self.curve.addItem(words, key)
            self.curve.setCurrentIndex(max(0, self.curve.findData(chosen)))
            self.curve.blockSignals(False)
        by = "k" if self.axis.currentText() == "iteration" else "seconds"
        self.plot.draw(shown, self.curve.currentText(), self.curve.currentData() or "", by)

    # ---- take away ------------------------------------------------------------------------------------------

    def _on_selected(self, act: Callable[[Entry], None]) -> None:
        entry = self.selected()
        if entry is None or entry.result is None:
            show_info("Select a finished result in the table first.")
            return
        try:
            act(entry)
        except InputError as error:
            show_error(str(error))

    def _save(self, entry: Entry) -> None:
        from napari_mlpatch import io

        path, _ = QFileDialog.getSaveFileName(
            self, "Save the picture", f"{entry.title.split()[0]}.tif", "TIFF (*.tif);;All (*)"
        )
        if path:
            result, size, unit = entry.result, entry.scene.frame.pixel_size, entry.scene.frame.units[0]
            assert result is not None
            self._write(
                path,
                lambda: _over(
                    path, entry, io.write_result, result, pixel_size=size, unit=None if unit == "pixel" else unit
                ),
                f"Saved {path} with its recipe.",
            )

    def _save_measurement(self, entry: Entry) -> None:
        from napari_mlpatch import io

        path, _ = QFileDialog.getSaveFileName(self, "Save the measurement", "measurement.h5", "HDF5 (*.h5)")
        if path:
            self._write(path, lambda: _over(path, entry, io.write_measurement, entry.scene.problem), f"Saved {path}.")

    def _write(self, path: str, write: Callable[[], None], done: str) -> None:
        """Off the GUI thread; each path for itself, so that a second file does not make the first one void."""
        self.workbench.quick.call(f"save {path}", write, lambda _: show_info(done), lambda e: show_error(str(e)))

    def _copy(self, text: str, what: str) -> None:
        QApplication.clipboard().setText(text)
        show_info(f"{what} copied to the clipboard.")


def _over(path: str, entry: Entry, write: Callable[..., None], *what: Any, **more: Any) -> None:
    """Write over a file, as the dialog has asked for; but not over the measurement."""
    from napari_mlpatch import io

    io.refuse_inputs(path, io.inputs_of(entry.scene.problem.source))
    write(path, *what, **more, force=True)
