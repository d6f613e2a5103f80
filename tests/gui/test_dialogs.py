"""The windows beside the main one: tooltips on all controls, the order of Tab, a wheel that changes nothing unasked."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QAbstractSlider, QAbstractSpinBox, QApplication, QComboBox, QDialog, QPushButton, QScrollBar

import napari_mlpatch as mp
from napari_mlpatch.gui.leave.changed_dialog import ChangedDialog
from napari_mlpatch.gui.leave.figure_dialog import FigureDialog
from napari_mlpatch.training import checkpoint
from tests.gui.test_help import controls, name_of, tooltip
from tests.gui.test_keys import disorder, press
from tests.gui.test_window import finished, wait_for

NAMES = ("benchmark", "changed", "figure", "help", "sweep")


@pytest.fixture
def compared(simulated, qtbot):
    """The session with two results."""
    for method in (mp.methods.FBP(), mp.methods.Tikhonov(iterations=3)):
        simulated.workbench.run(method)
    wait_for(qtbot, lambda: finished(simulated))
    return simulated


def opened(session, name, qtbot):
    """A window, opened as a person does."""
    compare, window = session.docks["Compare"], session.viewer.window._qt_window
    if name in ("benchmark", "sweep"):
        tab = compare.plots.plot("sweep")
        if name == "benchmark":
            tab.benchmark.click()
            return tab.dialog
        tab.method.setCurrentIndex(tab.method.findData("tikhonov"))
        tab.texts[0].setText("1,100")
        tab.run.click()
        wait_for(qtbot, lambda: tab.sweeping.made is not None)
        return tab.window
    if name == "help":
        session.docks["Reconstruct"].help.click()
        return session.docks["Reconstruct"].help.dialog
    compare.take.figure() if name == "figure" else compare.take.on_selected(compare.take.what_changed)
    kind = FigureDialog if name == "figure" else ChangedDialog
    return next(one for one in window.findChildren(QDialog) if isinstance(one, kind))


def turn(box):
    event = QWheelEvent(
        QPointF(box.rect().center()), QPointF(box.mapToGlobal(box.rect().center())), QPoint(0, 0), QPoint(0, 120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(box, event)


def value(box):
    return box.currentIndex() if isinstance(box, QComboBox) else box.value()


@pytest.mark.parametrize("name", NAMES)
def test_windows_beside_the_main_one(compared, qtbot, name):
    dialog = opened(compared, name, qtbot)
    assert dialog.isVisible()
    found = [w for w in controls(dialog) if w is not dialog]
    assert [name_of(w, dialog) for w in found if not tooltip(w, dialog)] == []
    for box in dialog.findChildren((QAbstractSpinBox, QComboBox, QAbstractSlider)):
        if not box.hasFocus() and not isinstance(box, QScrollBar):
            before = value(box)
            turn(box)
            assert value(box) == before, name_of(box, dialog)
    wait_for(qtbot, lambda: not disorder(dialog))
    buttons = [b for b in dialog.findChildren(QPushButton) if b.isDefault()]
    assert [b.text() for b in buttons] == {"benchmark": ["Run"], "figure": ["Save…"], "changed": ["Close"]}.get(
        name, []
    )
    dialog.close()


def test_every_box_of_every_dock_stays_under_the_wheel(compared, qtbot):
    """Also those that were made late: of plots, views and steps of care."""
    from napari_mlpatch.gui.compare.parts import plots, views
    from napari_mlpatch.gui.session import DOCKS, MORE

    panel, seen = compared.docks["Compare"].plots, 0
    for name in (*DOCKS, *MORE):
        compared.open(name)
    compared.docks["All slices"].care.append("rings")
    for plot in plots:
        panel.plot(plot.name)
    for view in views:
        compared.stage.set_view(view.name)
        for dock in compared.docks.values():
            for box in dock.findChildren((QAbstractSpinBox, QComboBox, QAbstractSlider)):
                if not box.hasFocus() and not isinstance(box, QScrollBar) and box.isEnabled():
                    before = value(box)
                    turn(box)
                    assert value(box) == before, (view.name, name_of(box, dock))
                    seen += 1
    assert seen > 100


def test_delete_removes_the_selected_result_and_undo_brings_it_back(compared, qtbot):
    workbench, compare = compared.workbench, compared.docks["Compare"]
    compare.table.selectRow(1)
    gone = workbench.selected
    press(compare.table, Qt.Key.Key_Delete)
    wait_for(qtbot, lambda: gone not in workbench.entries)
    assert len(workbench.entries) == 1
    compare.take.undo.trigger()
    assert workbench.entries[1] is gone


def test_delete_leaves_out_a_step_of_care_and_an_image(compared, qtbot):
    compared.open("All slices")
    care = compared.docks["All slices"].care
    care.append("rings")
    care.append("outliers")
    compared.show("All slices")
    press(care.list, Qt.Key.Key_Delete)
    wait_for(qtbot, lambda: care.chosen_names() == ["rings"])
    dialog = opened(compared, "benchmark", qtbot)
    dialog.images.addItems(["a.png", "b.png"])
    dialog.images.setCurrentRow(0)
    press(dialog.images, Qt.Key.Key_Delete)
    wait_for(qtbot, lambda: [dialog.images.item(i).text() for i in range(dialog.images.count())] == ["b.png"])
    dialog.close()


MAIN = {
    "All slices": lambda dock: (dock.slices.first, dock.rows.run),
    "Zoom": lambda dock: (dock.sigma, dock.whole.factors[2]),
    "Train": lambda dock: (dock.form.name, dock.train),
}
"""Of docks, a box to type into, and the button that Return presses."""


@pytest.mark.parametrize("name", list(MAIN))
def test_return_runs(compared, qtbot, name):
    compared.show(name)
    dock, pressed = compared.docks[name], []
    box, run = MAIN[name](dock)
    run.clicked.disconnect()
    run.clicked.connect(lambda: pressed.append(1))
    run.setEnabled(True)
    press(box, Qt.Key.Key_Return)
    wait_for(qtbot, lambda: pressed == [1])


def test_return_replaces_no_checkpoint(compared, qtbot, tmp_path):
    (tmp_path / checkpoint.NAME).touch()
    compared.show("Train")
    dock, pressed, typed = compared.docks["Train"], [], []
    dock.train.clicked.disconnect()
    dock.train.clicked.connect(lambda: pressed.append(1))
    dock.folder.setText(str(tmp_path))
    dock.form.name.editingFinished.connect(lambda: typed.append(1))
    press(dock.form.name, Qt.Key.Key_Return)
    wait_for(qtbot, lambda: bool(typed))
    assert not pressed and "Resume goes on" in dock.hint.text()
