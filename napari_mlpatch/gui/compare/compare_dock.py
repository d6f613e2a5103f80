"""The Compare dock: what is on the canvas, the table of results, a plot beside it, and what to take away."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from napari_mlpatch.gui.plumbing.keys import DELETE, on_key
from napari_mlpatch.workbench.workbench import Workbench

from .plot_panel import PlotPanel
from .stage import Stage
from .table import ResultTable
from .table_bar import TableBar
from .take_away import TakeAway
from .view_bar import ViewBar

LOWEST = 96
"""Pixels for table and plots: a small window is not to grow for them."""


class CompareDock(QWidget):
    """Results of all methods, ranked and drawn; the row of views above them rules the canvas."""

    def __init__(self, workbench: Workbench, stage: Stage):
        super().__init__()
        self.workbench, self.stage = workbench, stage
        self.bar = ViewBar(stage)
        self.table = ResultTable(workbench)
        self.plots = PlotPanel(stage)
        self.take = TakeAway(stage)
        self.addAction(self.take.undo)
        self.below = TableBar(stage)
        self.table.alone.connect(lambda entry: stage.set_view("single"))
        on_key(self.table, DELETE, lambda: self.take.on_selected(workbench.remove))
        self._lay_out()

    def _lay_out(self) -> None:
        top, left = QHBoxLayout(), QWidget()
        top.addWidget(self.bar, 1)
        top.addWidget(self.take)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.bar.second)
        column.addWidget(self.table, 1)
        column.addWidget(self.below)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(left)
        split.addWidget(self.plots)
        split.setMinimumHeight(LOWEST)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setSizes([540, 360])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addWidget(split, 1)
