"""The keyboard: Return runs, Escape cancels, Tab follows the eye."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from napari.utils.shortcuts import default_shortcuts
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QPushButton

from napari_mlpatch.gui.compare.parts import plots, views
from napari_mlpatch.gui.plumbing.follow import KEYS
from napari_mlpatch.gui.plumbing.keys import take_over
from napari_mlpatch.gui.session import DOCKS, MORE


def press(widget, key, modifier=Qt.KeyboardModifier.NoModifier):
    """With the focus in ``widget``, whether or not a window manager gives the window any."""
    widget.window().show()
    widget.window().activateWindow()
    QApplication.setActiveWindow(widget.window())
    widget.setFocus()
    QTest.keyClick(widget, key, modifier)


def done(session):
    entries = session.workbench.entries
    return bool(entries) and not any(e.job.active for e in entries)


def test_return_runs_what_is_being_typed(simulated, qtbot):
    simulated.show("Reconstruct")
    dock = simulated.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("tv"))
    box = dock.form.fields["iterations"].findChild(QAbstractSpinBox)
    qtbot.waitUntil(dock.run_button.isEnabled, timeout=60_000)
    press(box, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)  # the box has the focus
    box.selectAll()
    QTest.keyClicks(box, "7")
    press(box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: done(simulated), timeout=60_000)
    assert [e.method["params"]["iterations"] for e in simulated.workbench.entries] == [7]


def test_control_return_runs_all_and_escape_cancels(simulated, qtbot, monkeypatch):
    simulated.show("Reconstruct")
    dock, wanted = simulated.docks["Reconstruct"], []
    dock.run_all.clicked.connect(lambda: wanted.append("all"))
    monkeypatch.setattr("napari_mlpatch.gui.reconstruct.reconstruct_dock.all_methods", lambda A: [])
    press(dock.method, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert wanted == ["all"]
    dock.method.setCurrentIndex(dock.method.findData("tv"))
    dock.form.set_values({"tolerance": 0.0, "iterations": 100_000})
    press(dock.method, Qt.Key.Key_Return)
    entry = simulated.workbench.entries[0]
    qtbot.waitUntil(lambda: entry.job.k >= 1, timeout=60_000)
    press(dock.method, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: entry.job.state == "cancelled", timeout=60_000)


def test_return_simulates_and_presses_the_button_that_has_the_focus(session, qtbot):
    session.show("Problem")
    page = session.docks["Problem"].simulated
    session.docks["Problem"].pages.setCurrentWidget(page)
    session.viewer.add_image(np.eye(32, dtype=np.float32), name="eye")
    press(page.seed, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.workbench.scene is not None, timeout=60_000)
    button, pressed = QPushButton("other"), []
    button.clicked.connect(lambda: pressed.append(1))
    page.layout().addWidget(button)
    button.show()
    first = session.workbench.scene
    press(button, Qt.Key.Key_Return)
    assert pressed == [1] and session.workbench.scene is first


def test_what_is_typed_counts(qtbot):
    line, seen = QLineEdit(), []
    qtbot.addWidget(line)
    line.editingFinished.connect(lambda: seen.append(line.text()))
    line.setText("0:180:60")
    take_over(line)
    assert seen == ["0:180:60"]


@pytest.mark.parametrize("name", [*DOCKS, *MORE])
def test_tab_follows_the_eye(session, qtbot, name):
    """From row to row downwards, and from left to right within a row, also after another form has come."""
    session.viewer.window.resize(1200, 1000)
    session.viewer.window._qt_window.show()
    session.show(name)
    dock = session.docks[name]
    if name == "Reconstruct":
        dock.method.setCurrentIndex(dock.method.findData("pnp-admm"))
    if name == "Problem":
        dock.pages.setCurrentWidget(dock.simulated)
        dock.simulated.operator.setCurrentIndex(dock.simulated.operator.findData("fan-beam"))
    qtbot.waitUntil(lambda: not disorder(dock), timeout=60_000)
    assert len(halts(dock)) > 2


def halts(dock):
    """Where Tab halts on its way through a dock."""
    found, widget = [], dock
    for _ in range(1000):
        widget = widget.nextInFocusChain()
        if widget is dock:
            break
        inside = isinstance(widget.parent(), QAbstractSpinBox)  # the letters of a box
        seen = dock.isAncestorOf(widget) and widget.isVisibleTo(dock) and not widget.visibleRegion().isEmpty()
        if seen and not inside and isinstance(widget, QAbstractSpinBox | QComboBox | QLineEdit | QPushButton):
            found.append(widget)
    return found


def disorder(dock):
    """Pairs that Tab visits against the order of reading."""
    places = [dock.mapFromGlobal(w.mapToGlobal(QPoint(0, w.height() // 2))) for w in halts(dock)]
    pairs = itertools.pairwise(places)
    return [(a, b) for a, b in pairs if b.y() < a.y() - 8 or (b.y() <= a.y() + 8 and b.x() <= a.x())]


def test_each_view_and_plot_has_a_key_of_its_own():
    """Bare letters are also those of napari's tools for shapes and labels, while such a layer is active."""
    keys = [cls.key for cls in (*views, *plots)]
    assert all(keys) and len({key.lower() for key in keys}) == len(keys)
    theirs = {str(key) for of in default_shortcuts.values() for key in of}
    assert "Shift+V" in theirs
    assert not theirs & {key.replace("-", "+") for key in keys if len(key) > 1}


def test_the_keys_bring_plots_to_the_front_and_stand_in_the_list_and_the_documentation(simulated, qtbot):
    session = simulated
    panel = session.docks["Compare"].plots
    session.viewer.window._qt_window.show()
    qtbot.waitUntil(lambda: panel.current is not None, timeout=60_000)
    canvas = session.viewer.window._qt_viewer.canvas.native
    listed = dict(session.docks["Compare"].bar.help.rows())
    documented = (Path(__file__).parents[2] / "docs" / "comparing.md").read_text(encoding="utf-8")
    for cls in (*views, *plots):
        assert f"| {cls.title} | `{cls.key}` |" in documented
        assert KEYS[session.viewer][cls.key].startswith(f"{cls.title}: ")
        assert any(about.startswith(f"{cls.title}: ") for about in listed.values()), cls.key
    for cls in reversed(list(plots)):
        shift = Qt.KeyboardModifier.ShiftModifier if cls.key.startswith("Shift-") else Qt.KeyboardModifier.NoModifier
        press(canvas, getattr(Qt.Key, f"Key_{cls.key[-1]}"), shift)
        assert type(panel.current) is cls
