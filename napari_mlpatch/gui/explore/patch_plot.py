"""A plot of patches around their centre, and what the network reads in the newest one."""

from __future__ import annotations

import numpy as np
import pyqtgraph
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_mlpatch.explore.microscope import Patch
from napari_mlpatch.gui.plumbing.plot import Plot

EMPTY = "Move the mouse over a picture: where the network reads to make the pixel below it is drawn here."


class PatchPlot(QWidget):
    """Above: sample positions, from where they started to where they are. Below: the values before and after."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot()
        self.plot.setAspectLocked(True)
        self.plot.invertY(True)
        self.plot.setMinimumHeight(230)
        self.plot.setLabel("bottom", "columns from the centre / pixel")
        self.plot.setLabel("left", "rows from the centre / pixel")
        self.values = {name: _Values(text) for name, text in (("before", "at the start"), ("after", "as learned"))}
        self.below = QWidget()
        below = QHBoxLayout(self.below)
        below.setContentsMargins(0, 0, 0, 0)
        for view in self.values.values():
            below.addWidget(view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.below)
        self._tell(False)

    def _tell(self, there: bool) -> None:
        self.plot.say("" if there else EMPTY)
        self.below.setVisible(there)

    def show_patches(self, patches: list[Patch], colours: list[str]) -> None:
        """Draw all patches over each other; the values are those of the last one."""
        self.plot.clear()
        self._tell(bool(patches))
        if patches:
            self.plot.enableAutoRange()
        for patch, colour in zip(patches, colours, strict=True):
            centre = np.array([patch.row, patch.column])
            start, end = (patch.initial - centre).reshape(-1, 2), (patch.points - centre).reshape(-1, 2)
            pairs = np.stack([start, end], axis=1).reshape(-1, 2)
            self.plot.plot(pairs[:, 1], pairs[:, 0], connect="pairs", pen=pyqtgraph.mkPen("#888888", width=1))
            self.plot.plot(
                start[:, 1], start[:, 0], pen=None, symbol="o", symbolSize=3, symbolBrush="#888888", symbolPen=None
            )
            self.plot.plot(end[:, 1], end[:, 0], pen=None, symbol="o", symbolSize=6, symbolBrush=colour, symbolPen=None)
        if not patches:
            for view in self.values.values():
                view.image.clear()
        else:
            last = patches[-1]
            low = float(min(last.before.min(), last.after.min()))
            high = float(max(last.before.max(), last.after.max()))
            for name, view in self.values.items():
                view.show_values(getattr(last, name), low, max(high, low + 1e-6))


class _Values(QWidget):
    """The values of a patch as a picture: a row for each ring, a column for each ray."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.image = pyqtgraph.ImageItem(axisOrder="row-major")
        plot = Plot()
        plot.addItem(self.image)
        plot.invertY(True)
        plot.hideAxis("left")
        plot.hideAxis("bottom")
        plot.setFixedHeight(110)
        plot.setToolTip("A row for each ring, from the centre outwards; a column for each ray")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(QLabel(f"read {title}"))
        layout.addWidget(plot, 1)

    def show_values(self, values: np.ndarray, low: float, high: float) -> None:
        self.image.setImage(values, levels=(low, high))
