"""A section of the Patch microscope: does the network do the same to a shifted, turned or mirrored picture?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_mlpatch.explore.equivariance import TRANSFORMATIONS, Deviation, deviations
from napari_mlpatch.gui.compare.canvas import not_activated
from napari_mlpatch.gui.plumbing.label import Note
from napari_mlpatch.gui.plumbing.looking import Looking
from napari_mlpatch.workbench.stepwise import stepwise, stop
from napari_mlpatch.workbench.workbench import Workbench

SIZE = 192
ROW_HEIGHT = 22
KEY = "equivariance"


class EquivariancePanel(QWidget):
    """A button that fills a table, and a difference picture for the row that is clicked.

    ``choice`` gives the picture, the network and the noise level; None where they lack.
    """

    def __init__(self, viewer: Viewer, workbench: Workbench, choice: Callable[[], Looking | None]):
        super().__init__()
        self.viewer, self.workbench, self._choice = viewer, workbench, choice
        self.found: list[Deviation] = []
        self._of: tuple[Image, tuple[int, int]] | None = None
        self._layer: Image | None = None
        self.start = QPushButton("Equivariance…")
        self.start.setToolTip(
            f"Compare f(T x) with T f(x) for shifts, turns and mirrors T, in the central {SIZE} x {SIZE} pixels, where "
            "the border plays no part. Relative to the root mean square of f(x); 1e-6 is rounding."
        )
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["transformation", "rms", "largest"])
        self.table.setToolTip("Differences relative to the root mean square of f(x); a click shows the picture of one")
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.table.setMinimumHeight(ROW_HEIGHT * (len(TRANSFORMATIONS) + 2))
        self.hint = Note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.start, self.table, self.hint):
            layout.addWidget(widget)
        self.table.hide()
        self.hint.hide()
        self.start.clicked.connect(self.check)
        self.table.cellClicked.connect(lambda row, _: self.show_difference(row))
        quick = workbench.quick
        self.destroyed.connect(lambda: stop(quick, KEY))

    def check(self) -> None:
        """Fill the table, computed off the GUI thread; once more closes it."""
        if self.table.isVisible():
            stop(self.workbench.quick, KEY)
            self.table.hide()
            self.hint.hide()
            return
        choice = self._choice()
        if choice is None:
            return
        top, left = ((n - min(n, SIZE)) // 2 for n in choice.layer.data.shape)
        self.found, self._of = [], (choice.layer, (top, left))
        self.table.setRowCount(0)
        self.table.show()
        self.hint.show()
        QTimer.singleShot(50, self._into_view)

        def steps() -> Iterator[Deviation]:
            part = choice.picture()[top : top + SIZE, left : left + SIZE]
            yield from deviations(choice.network(), part, choice.sigma)

        def done() -> None:
            far = "" if all(d.inside for d in self.found) else "Every pixel depends on the border. "
            self.hint.setText(f"{far}Click a row for the picture of T⁻¹ f(T x) − f(x).")

        def failed(error: Exception) -> None:
            self.hint.setText(str(error))

        self.hint.setText(f"0 of {len(TRANSFORMATIONS)}…")
        stepwise(self.workbench.quick, KEY, steps, self._add_row, done, failed)

    def _into_view(self) -> None:
        """The dock scrolls, and the table opens at its lower end."""
        area = self.parent()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parent()
        if area is not None:
            area.ensureWidgetVisible(self.hint)

    def _add_row(self, deviation: Deviation) -> None:
        row = self.table.rowCount()
        self.table.insertRow(row)
        cells = (deviation.name, _number(deviation.rms), _number(deviation.largest))
        for column, text in enumerate(cells):
            item = QTableWidgetItem(text)
            item.setToolTip(f"{deviation.name}; {100 * deviation.share:.0f} % of the pixels compared")
            self.table.setItem(row, column, item)
        self.found.append(deviation)
        self.hint.setText(f"{len(self.found)} of {len(TRANSFORMATIONS)}…")

    def show_difference(self, row: int) -> None:
        """Show the difference of one row over the picture; the same layer serves all rows."""
        assert self._of is not None
        (layer, corner), deviation = self._of, self.found[row]
        if layer not in self.viewer.layers:
            self.hint.setText("The picture is gone. Check again.")
            return
        seen = np.argwhere(np.isfinite(deviation.difference))  # a rectangle: all but a margin
        (top, left), (bottom, right) = seen.min(0), seen.max(0)
        values = deviation.difference[top : bottom + 1, left : right + 1]
        size = float(np.abs(values).max())
        if not size:
            self.hint.setText(f"{deviation.name}: the two are equal in all digits, there is nothing to see.")
            return
        name = f"difference: {deviation.name}"
        if self._layer is not None and self._layer in self.viewer.layers:
            self.viewer.layers.remove(self._layer)
        scale = np.asarray(layer.scale)
        with not_activated(self.viewer):
            made = self.viewer.add_image(
                values,
                name=name,
                colormap="RdBu",
                contrast_limits=(-size, size),
                scale=scale,
                translate=np.asarray(layer.translate) + scale * np.add(corner, (top, left)),
                units=layer.units,
                axis_labels=layer.axis_labels,
                metadata={"mlpatch": {"role": "difference"}},
            )
        assert isinstance(made, Image)
        made.colorbar.visible = True
        self._layer = made


def _number(value: float) -> str:
    return f"{value:.1e}" if value else "0"
