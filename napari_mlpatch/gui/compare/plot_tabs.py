"""The tabs beside the table: one for each plot, made when it is first looked at, drawn only while it is in front."""

from __future__ import annotations

import time

from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from napari_mlpatch.gui.plumbing.follow import follow, follow_key
from napari_mlpatch.workbench.entry import Entry

from .parts import plots
from .stage import Stage
from .view import Plot

DRAW_SECONDS = 0.5


class PlotTabs(QTabWidget):
    """``current`` is the plot in front."""

    def __init__(self, stage: Stage):
        super().__init__()
        self.stage = stage
        self.current: Plot | None = None
        self._made: dict[str, Plot] = {}
        self._drawn = 0.0
        self.setDocumentMode(True)
        self.setUsesScrollButtons(True)
        self._classes = list(plots)
        for i, cls in enumerate(self._classes):
            page = QWidget()
            QVBoxLayout(page).setContentsMargins(0, 0, 0, 0)
            self.addTab(page, cls.title)
            about = (cls.__doc__ or "").strip().split("\n")[0]
            self.setTabToolTip(i, f"{about}\nKey: {cls.key}" if cls.key else about)
            if cls.key:
                follow_key(self, stage.viewer, cls.key, lambda name=cls.name: self.plot(name), about)
        self.currentChanged.connect(self._turn)
        follow(self, stage.refreshed, self._show)
        follow(self, stage.frame_changed, self._progressed)
        self._turn(self.currentIndex())

    def plot(self, name: str) -> Plot:
        """Bring a plot to the front."""
        self.setCurrentIndex([cls.name for cls in self._classes].index(name))
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
            self._made[name] = self._classes[index](self.stage)
            self.widget(index).layout().addWidget(self._made[name].widget)
        self.current = self._made[name]
        self._show()

    def _show(self) -> None:
        if self.current is not None:
            self._drawn = time.monotonic()
            self.current.show()

    def _progressed(self, entry: Entry) -> None:
        if self.current is not None and self.current.live and time.monotonic() - self._drawn > DRAW_SECONDS:
            self._show()
