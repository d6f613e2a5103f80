"""The steps of sinogram care: chosen, put into an order, each with the form of its declaration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QListWidget, QPushButton, QVBoxLayout, QWidget

from napari_mlpatch.core.registry import care_steps
from napari_mlpatch.gui.forms.boxes import short
from napari_mlpatch.gui.forms.form import DeclarationForm
from napari_mlpatch.gui.plumbing.elided import small
from napari_mlpatch.gui.plumbing.help_page import HelpButton
from napari_mlpatch.gui.plumbing.keys import DELETE, on_key
from napari_mlpatch.gui.plumbing.label import Note
from napari_mlpatch.gui.plumbing.tab_order import order_soon

ROWS = 4
"""Steps that are seen at a time."""


class CareList(QWidget):
    """``steps`` are what was chosen, as descriptions, in their order."""

    changed = Signal()

    def __init__(self, post: Callable[[Callable[[], None]], None]):
        super().__init__()
        self._steps: list[dict[str, Any]] = []
        self.kind = short()
        for cls in care_steps:
            self.kind.addItem(cls.title, cls.name)
        self.kind.setToolTip("A step of sinogram care: what is taken off the data before they are reconstructed")
        self.help = HelpButton(care_steps, self.kind, post)
        self.add = QPushButton("Add")
        self.add.setToolTip("Do this step, too, after those in the list")
        self.list = QListWidget()
        self.list.setToolTip(
            "The steps in the order in which they are done; the parameters of the chosen one are below"
        )
        self.list.setFixedHeight(ROWS * self.list.fontMetrics().height() + 12)
        self.up, self.down, self.remove = (
            small("▲", "Earlier"),
            small("▼", "Later"),
            small("✕", "Leave this step out (Delete)"),
        )
        self.about = Note()
        self.form: DeclarationForm | None = None
        self._lay_out()
        self.add.clicked.connect(lambda: self.append(self.kind.currentData()))
        self.up.clicked.connect(lambda: self._move(-1))
        self.down.clicked.connect(lambda: self._move(1))
        self.remove.clicked.connect(self._remove)
        on_key(self.list, DELETE, self._remove)
        self.list.currentRowChanged.connect(self._show_form)
        self._fill(-1)

    def _lay_out(self) -> None:
        top, middle, buttons = QHBoxLayout(), QHBoxLayout(), QVBoxLayout()
        for widget, stretch in ((self.kind, 1), (self.help, 0), (self.add, 0)):
            top.addWidget(widget, stretch)
        for button in (self.up, self.down, self.remove):
            buttons.addWidget(button)
        buttons.addStretch(1)
        middle.addWidget(self.list, 1)
        middle.addLayout(buttons)
        self.chosen = QWidget()
        self.place = QVBoxLayout(self.chosen)
        self.place.setContentsMargins(0, 0, 0, 0)
        self.place.addLayout(middle)
        self.place.addWidget(self.about)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.chosen)

    # ---- what is chosen -------------------------------------------------------------------------------------

    def steps(self) -> list[dict[str, Any]]:
        """Names and parameters. Raises InputError where a text of the form on show cannot be read."""
        self._keep()
        return [dict(step) for step in self._steps]

    def chosen_names(self) -> list[str]:
        """Names of the steps, whatever their parameters."""
        return [step["name"] for step in self._steps]

    def set_steps(self, steps: list[dict[str, Any]]) -> None:
        self._steps = [dict(step) for step in steps]
        self._fill(0 if steps else -1)

    def append(self, name: str) -> None:
        """One more step, with its defaults."""
        self._steps.append({"name": name, "params": {}})
        self._fill(len(self._steps) - 1)
        self.changed.emit()

    # ---- plumbing -------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        row = self.list.currentRow()
        if self.form is not None and 0 <= row < len(self._steps):
            self._steps[row]["params"] = self.form.values()

    def _move(self, by: int) -> None:
        row = self.list.currentRow()
        if 0 <= row + by < len(self._steps):
            self._steps[row], self._steps[row + by] = self._steps[row + by], self._steps[row]
            self._fill(row + by)
            self.changed.emit()

    def _remove(self) -> None:
        row = self.list.currentRow()
        if row >= 0:
            del self._steps[row]
            self._fill(min(row, len(self._steps) - 1))
            self.changed.emit()

    def _fill(self, row: int) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        self.list.addItems([f"{i}  {care_steps.get(step['name']).title}" for i, step in enumerate(self._steps, 1)])
        self.list.setCurrentRow(row)
        self.list.blockSignals(False)
        self.chosen.setVisible(bool(self._steps))
        self._show_form(row)

    def _show_form(self, row: int) -> None:
        if self.form is not None:
            self.form.hide()
            self.form.deleteLater()
            self.form = None
        self.up.setEnabled(row > 0)
        self.down.setEnabled(0 <= row < len(self._steps) - 1)
        if row < 0:
            return
        step = self._steps[row]
        cls = care_steps.get(step["name"])
        self.about.setText((cls.__doc__ or "").strip().split("\n")[0].replace("``", ""))
        self.form = DeclarationForm(care_steps, step["name"])
        self.form.set_values(step["params"])
        self.form.changed.connect(self._edited)
        self.place.addWidget(self.form)
        order_soon(self)

    def _edited(self) -> None:
        self._keep()
        self.changed.emit()
