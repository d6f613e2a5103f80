"""Tab goes through a dock as the eye does: downwards from row to row, within a row from left to right."""

from __future__ import annotations

import contextlib
import itertools

from qtpy.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from qtpy.QtWidgets import QAbstractSpinBox, QWidget

ROW = 8
"""Pixels that the middles of two boxes of one row are apart at most."""


def follow_the_eye(root: QWidget) -> None:
    """Order ``root`` whenever it is shown; ``order_soon`` is for what is exchanged in it meanwhile."""
    root.installEventFilter(_Shown(root))


def order_soon(root: QWidget) -> None:
    """Once what is new has its place."""
    QTimer.singleShot(0, lambda: _order(root))


def stops(root: QWidget) -> list[QWidget]:
    """Where Tab halts, in the order of places; nothing of what is folded away."""
    found = [w for w in root.findChildren(QWidget) if _halts(w) and w.isVisibleTo(root) and not _folded(w, root)]
    places = {id(w): w.mapTo(root, QPoint(0, w.height() // 2)) for w in found}
    found.sort(key=lambda w: places[id(w)].y())
    rows: list[list[QWidget]] = []
    for widget in found:
        if rows and places[id(widget)].y() - places[id(rows[-1][0])].y() <= ROW:
            rows[-1].append(widget)
        else:
            rows.append([widget])
    return [widget for row in rows for widget in sorted(row, key=lambda w: places[id(w)].x())]


def _order(root: QWidget) -> None:
    with contextlib.suppress(RuntimeError):  # closed in the meantime
        for first, second in itertools.pairwise(stops(root)):
            QWidget.setTabOrder(first, second)


def _halts(widget: QWidget) -> bool:
    inside = isinstance(widget.parent(), QAbstractSpinBox)  # the letters of a box
    policy = widget.focusPolicy()
    return not inside and (policy & Qt.FocusPolicy.TabFocus) == Qt.FocusPolicy.TabFocus


def _folded(widget: QWidget, root: QWidget) -> bool:
    while widget is not root:
        if widget.height() == 0:
            return True
        widget = widget.parentWidget()
    return False


class _Shown(QObject):
    def eventFilter(self, root: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Show and isinstance(root, QWidget):
            order_soon(root)
        return False
