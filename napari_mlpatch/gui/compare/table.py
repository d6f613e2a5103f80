"""The table of results: those of the present problem, and folded below them those of earlier ones."""

from __future__ import annotations

from collections.abc import Container

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QWidget,
)

from napari_mlpatch.gui.plumbing.dot import dot
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.instead import Instead
from napari_mlpatch.gui.plumbing.theme import REMARK, Themed, shade
from napari_mlpatch.workbench.columns import Column, columns
from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.named import elided
from napari_mlpatch.workbench.table_text import best
from napari_mlpatch.workbench.workbench import Workbench

from .colours import colour_of

WIDEST = 190
"""Pixels of a column: of longer names the rest is in the tooltip."""
ROW = 24
LONGEST = 52
"""Characters of the heading above results of an earlier problem."""
EMPTY = "Each run becomes a row here: its time and memory, its residual, and PSNR and SSIM where the truth is known."
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
BEST = (53, 196, 107, 70)
"""Behind the best value: a shade, so that its letters keep the colours of theme and selection."""


class ResultTable(Themed, QTableWidget):
    """A tick takes a result into the views of several, a click selects it, a double click shows it alone."""

    alone = Signal(object)
    """An entry was clicked twice."""

    def __init__(self, workbench: Workbench):
        self.columns: tuple[Column, ...] = columns()
        super().__init__(0, len(self.columns))
        self.workbench = workbench
        self.rows: list[Entry | int] = []
        """What each row is: a result, or the place among ``workbench.earlier`` of the group whose heading it is."""
        self._open: set[str] = set()
        """Fingerprints of the earlier problems whose results are unfolded."""
        self.setHorizontalHeaderLabels([column.heading for column in self.columns])
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.sectionClicked.connect(lambda i: self.workbench.sort(self.columns[i].key))
        keys = [column.heading for column in self.columns]
        header.moveSection(keys.index("iterations"), keys.index("time") - 1)  # a small window shows the figures first
        header.setToolTip("Click: the best of this column first")
        header.setMaximumSectionSize(WIDEST)
        for i, column in enumerate(self.columns):
            self.horizontalHeaderItem(i).setToolTip(column.tooltip)
        self.setToolTip(
            "A tick shows a result in the grid, a click selects it, a double click shows it alone; Delete removes it, "
            "Ctrl+Z brings it back"
        )
        self.instead = Instead(self.viewport())
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)

        self.itemChanged.connect(self._ticked)
        self.itemSelectionChanged.connect(self._selected)
        self.itemDoubleClicked.connect(self._alone)
        follow(self, workbench.entries_changed, self.fill)
        follow(self, workbench.scene_changed, self.fill)
        follow(self, workbench.figures.changed, self.fill)
        follow(self, workbench.selection_changed, self._show_selection)
        follow(self, workbench.entry_progressed, self._progressed)
        self.fill()
        self.follow_theme()

    def paint_theme(self, shade: str) -> None:
        self.fill()

    # ---- filling --------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Bring the rows up to date."""
        present, earlier = self.workbench.present, self.workbench.earlier
        rows: list[Entry | int] = [*present]
        for number, group in enumerate(earlier):
            rows.append(number)
            if _fingerprint(group) in self._open:
                rows += group
        self.blockSignals(True)
        if len(rows) != len(self.rows) or any(isinstance(row, int) for row in (*rows, *self.rows)):
            self.clearSpans()
            for i, row in enumerate(self.rows):
                if isinstance(row, int):
                    self.removeCellWidget(i, 0)
            self.setRowCount(len(rows))
        self.rows = rows
        self.instead.say("" if rows else EMPTY)
        marked = self._best()
        for i, row in enumerate(rows):
            if isinstance(row, int):
                self._fill_group(i, earlier[row])
            else:
                self._fill_row(i, row, marked)
        for i, column in enumerate(self.columns):
            if column.known is not None:
                self.setColumnHidden(i, not any(column.known(e) for e in self.workbench.entries))
        self.blockSignals(False)
        self._show_selection()

    def _fill_row(self, i: int, entry: Entry, marked: Container[tuple[int, int]] = ()) -> None:
        """Bring a row up to date. Only what has changed is set: Qt measures a whole column at each setting."""
        stale = self.workbench.stale(entry)
        remark = entry.result.remark if entry.result is not None and not entry.job.active else ""
        for j, column in enumerate(self.columns):
            item = self.item(i, j)
            if item is None:
                item = QTableWidgetItem()
                self.setItem(i, j, item)
            if j and item.textAlignment() != RIGHT:
                item.setTextAlignment(RIGHT)
            _set_text(item, column.text(entry))
            _set_bold(item, (i, j) in marked)
            _set_brush(item, Qt.ItemDataRole.BackgroundRole, QColor(*BEST) if (i, j) in marked else None)
            colour = "gray" if stale else REMARK[shade()] if j == 1 and remark else ""
            _set_brush(item, Qt.ItemDataRole.ForegroundRole, QColor(colour) if colour else None)
            tip = "\n".join(filter(None, [entry.title, stale, remark])) if j == 0 else stale or remark
            if item.toolTip() != tip:
                item.setToolTip(tip)
        first, colour = self.item(i, 0), colour_of(entry.number)
        if first.data(Qt.ItemDataRole.UserRole) != colour:
            first.setData(Qt.ItemDataRole.UserRole, colour)
            first.setIcon(dot(colour))
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if not stale:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        if first.flags() != flags:
            first.setFlags(flags)  # pyright: ignore[reportArgumentType]
        if stale:
            first.setData(Qt.ItemDataRole.CheckStateRole, None)
        else:
            state = Qt.CheckState.Checked if entry.shown else Qt.CheckState.Unchecked
            if first.data(Qt.ItemDataRole.CheckStateRole) is None or first.checkState() != state:
                first.setCheckState(state)

    def _fill_group(self, i: int, group: list[Entry]) -> None:
        """The row above results of an earlier problem: it opens them, goes back to them or clears them."""
        for j in range(len(self.columns)):
            self.setItem(i, j, item := QTableWidgetItem())
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        self.setSpan(i, 0, 1, len(self.columns))
        is_open = _fingerprint(group) in self._open
        count = f"{len(group)} result{'s' if len(group) > 1 else ''} of an earlier problem: {group[0].scene.title}"
        unfold = QToolButton()
        unfold.setObjectName("unfold")
        unfold.setAutoRaise(True)
        unfold.setText(elided(count, LONGEST))
        unfold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        unfold.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        unfold.setToolTip(f"{count}\n{'Fold them away' if is_open else 'List them'}")
        back, clear = QToolButton(), QToolButton()
        for button, text, name, tip in (
            (back, "Back to it", "back", "Make it the present problem again, with these results"),
            (clear, "Clear", "clear", "Remove these results"),
        ):
            button.setText(text)
            button.setObjectName(name)
            button.setToolTip(tip)
        unfold.clicked.connect(lambda: self._fold(group))
        back.clicked.connect(lambda: self.workbench.set_scene(group[0].scene))
        clear.clicked.connect(lambda: self.workbench.remove_all(group))
        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(2, 0, 2, 0)
        for button in (unfold, back, clear):
            row.addWidget(button)
        row.addStretch(1)
        self.setCellWidget(i, 0, bar)

    def _best(self) -> set[tuple[int, int]]:
        """Row and column of the best values."""
        present = [row for row in self.rows if isinstance(row, Entry) and not self.workbench.stale(row)]
        found = ((best(column, present), j) for j, column in enumerate(self.columns))
        return {(self.rows.index(present[row]), j) for row, j in found if row is not None}

    def _progressed(self, entry: Entry) -> None:
        if entry in self.rows:
            self.blockSignals(True)
            self._fill_row(self.rows.index(entry), entry)
            self.blockSignals(False)

    # ---- selecting ------------------------------------------------------------------------------------------

    def _show_selection(self) -> None:
        self.blockSignals(True)
        selected = self.workbench.selected
        if selected is None or selected not in self.rows:
            self.setCurrentItem(None)
            self.clearSelection()
        elif self.currentRow() != self.rows.index(selected) or not self.selectedItems():
            self.setCurrentCell(self.rows.index(selected), 0)
        self.blockSignals(False)

    def _selected(self) -> None:
        row = self.currentRow()
        entry = self.rows[row] if 0 <= row < len(self.rows) else None
        if isinstance(entry, Entry):
            self.workbench.select(entry)

    def _ticked(self, item: QTableWidgetItem) -> None:
        entry = self.rows[item.row()]
        if item.column() == 0 and isinstance(entry, Entry):
            shown = item.checkState() == Qt.CheckState.Checked
            if shown != entry.shown:
                self.workbench.set_shown(entry, shown)

    def _alone(self, item: QTableWidgetItem) -> None:
        entry = self.rows[item.row()]
        if isinstance(entry, Entry):
            self.workbench.select(entry)
            self.alone.emit(entry)

    def _fold(self, group: list[Entry]) -> None:
        self._open ^= {_fingerprint(group)}
        self.fill()


def _fingerprint(group: list[Entry]) -> str:
    return group[0].scene.problem.fingerprint


def _set_text(item: QTableWidgetItem, text: str) -> None:
    if item.text() != text:
        item.setText(text)


def _set_brush(item: QTableWidgetItem, role: Qt.ItemDataRole, colour: QColor | None) -> None:
    present = item.data(role)
    if colour is None and present is not None:
        item.setData(role, None)
    elif colour is not None and (present is None or present.color() != colour):
        item.setData(role, QBrush(colour))


def _set_bold(item: QTableWidgetItem, bold: bool) -> None:
    font = item.font()
    if font.bold() != bold:
        font.setBold(bold)
        item.setFont(font)
