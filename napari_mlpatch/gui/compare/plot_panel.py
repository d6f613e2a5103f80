"""The plot beside the table: each is made when it is first looked at, and drawn only while it is the one on show.

The first one is made once the docks are painted: pyqtgraph takes a fifth of what they all take to open.
"""

from __future__ import annotations

import time

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QComboBox, QGridLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from napari_mlpatch.gui.plumbing.follow import follow, follow_key
from napari_mlpatch.gui.plumbing.tab_order import order_soon
from napari_mlpatch.gui.plumbing.wheel import still
from napari_mlpatch.workbench.entry import Entry

from .parts import plots
from .stage import Stage
from .view import Plot

DRAW_SECONDS = 0.5
FILL_MS = 150
"""From the first round of events on: the docks are painted in between."""
NARROWEST, MARGIN = 220, 8
"""Pixels of a plot and its boxes, and between these."""


class PlotPanel(QWidget):
    """``box`` chooses among all plots, ``current`` is the one on show, with its own boxes beside the choice.

    Until the docks are painted there is neither, unless ``plot`` is called.
    """

    def __init__(self, stage: Stage):
        super().__init__()
        self.stage = stage
        self.current: Plot | None = None
        self._made: dict[str, Plot] = {}
        self._drawn = 0.0
        self._classes: list[type[Plot]] = []
        self.box, self.pages, self.bars = QComboBox(), QStackedWidget(), QStackedWidget()
        self.box.setToolTip("What is plotted beside the table")
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for stack in (self.pages, self.bars):  # of the plot on show, not of the widest or tallest of all
            stack.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(2, 0, 0, 0)
        self._grid.setSpacing(2)
        self._grid.addWidget(self.box, 0, 0)
        self._grid.addWidget(self.bars, 0, 1)
        self._grid.addWidget(self.pages, 2, 0, 1, 2)
        self._grid.setColumnStretch(1, 1)
        self._grid.setRowStretch(2, 1)
        self.setMinimumWidth(NARROWEST)
        follow(self, stage.refreshed, self._show)
        follow(self, stage.frame_changed, self._progressed)
        follow(self, stage.viewer.events.theme, self._show)  # results have other colours in a light one
        shown, painted = QTimer(self), QTimer(self)
        for timer, then in ((shown, lambda: painted.start(FILL_MS)), (painted, self._fill)):
            timer.setSingleShot(True)
            timer.timeout.connect(then)
        shown.start(0)

    def _fill(self) -> None:
        """Offer all plots, and make the first one."""
        if self._classes:
            return
        self._classes = list(plots)
        for i, cls in enumerate(self._classes):
            self.box.addItem(cls.title)
            about = (cls.__doc__ or "").strip().split("\n")[0]
            tip = f"{about}\nKey: {cls.key}" if cls.key else about
            self.box.setItemData(i, tip, Qt.ItemDataRole.ToolTipRole)
            for stack in (self.pages, self.bars):
                page = QWidget()
                QVBoxLayout(page).setContentsMargins(0, 0, 0, 0)
                stack.addWidget(page)
            if cls.key:
                follow_key(
                    self, self.stage.viewer, cls.key, lambda name=cls.name: self.plot(name), f"{cls.title}: {about}"
                )
        self.box.currentIndexChanged.connect(self._turn)
        self._turn(self.box.currentIndex())
        order_soon(self)

    def plot(self, name: str) -> Plot:
        """Bring a plot to the front."""
        self._fill()
        self.box.setCurrentIndex([cls.name for cls in self._classes].index(name))
        assert self.current is not None
        return self.current

    def _turn(self, index: int) -> None:
        if self.current is not None:
            self.current.leave()
        if not 0 <= index < len(self._classes):
            self.current = None
            return
        name = self._classes[index].name
        if name not in self._made:
            made = self._made[name] = self._classes[index](self.stage)
            self._put(self.pages.widget(index), made.widget)
            if made.bar is not None:
                self._put(self.bars.widget(index), made.bar)
                made.bar.installEventFilter(self)
        self.current = self._made[name]
        for stack in (self.pages, self.bars):
            stack.setCurrentIndex(index)
        self._fold()
        self._show()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fold()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.LayoutRequest:  # boxes came or went
            self._fold()
        return False

    def _fold(self) -> None:
        """The plot's own boxes stand beside the choice, or below it where they would be cut."""
        bar = None if self.current is None else self.current.bar
        fits = bar is None or self.box.sizeHint().width() + bar.sizeHint().width() + MARGIN <= self.width()
        self.bars.setVisible(bar is not None)
        if fits == (self._grid.itemAtPosition(1, 0) is not None):
            self._grid.removeWidget(self.bars)
            self._grid.addWidget(self.bars, *((0, 1) if fits else (1, 0, 1, 2)))

    def _put(self, page: QWidget | None, widget: QWidget) -> None:
        assert page is not None
        page.layout().addWidget(widget)
        still(widget)

    def _show(self, event: object = None) -> None:
        if self.current is not None:
            self._drawn = time.monotonic()
            self.current.show()

    def _progressed(self, entry: Entry) -> None:
        if self.current is not None and self.current.live and time.monotonic() - self._drawn > DRAW_SECONDS:
            self._show()
