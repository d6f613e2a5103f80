"""From an empty window to a ranked comparison of six methods, by clicks on what is on the screen."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QApplication, QPushButton, QTableWidget

from napari_mlpatch import io

SIX = {"fbp", "tv", "unet", "unrolled", "equilibrium", "pnp-admm"}
MOST = 8


class Clicks:
    """Clicks with the mouse on what can be seen, and counts."""

    def __init__(self, qtbot):
        self.qtbot, self.count = qtbot, 0

    def on(self, widget, at=None):
        self.qtbot.waitUntil(lambda: widget.isVisible() and widget.isEnabled(), timeout=60_000)
        QApplication.processEvents()
        assert not widget.visibleRegion().isEmpty(), f"{widget} is hidden by something or out of sight"
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at or widget.rect().center())
        self.count += 1

    def in_menu(self, menu, text):
        """The menu that opens, or None."""
        [action] = [a for a in menu.actions() if a.text().replace("&", "").startswith(text)]
        self.on(menu, menu.actionGeometry(action).center())
        return action.menu()


@pytest.fixture
def small(monkeypatch):
    """The body slice with 32 x 32 pixels: six methods in seconds."""
    image = io.samples.image("body-slice", size=32)
    monkeypatch.setattr(io.samples, "image", lambda name, size=None: image.copy())
    monkeypatch.setattr("napari_mlpatch.workbench.threads.cores", lambda: 1)  # more cost such small pictures time


@pytest.fixture
def window(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    yield viewer.window
    found = getattr(viewer.window._qt_window, "_mlpatch_session", None)
    if found is not None:
        found.workbench.close()


def finished(workbench):
    return bool(workbench.entries) and not any(e.job.active for e in workbench.entries)


def test_eight_clicks_from_an_empty_window(window, qtbot, small):
    clicks = Clicks(qtbot)
    opened = clicks.in_menu(window._qt_window.menuBar(), "Plugins")
    opened = clicks.in_menu(opened, "MLPatch")
    clicks.in_menu(opened, "Workbench")
    qtbot.waitUntil(lambda: "Compare (MLPatch)" in window.dock_widgets, timeout=60_000)
    session = window._qt_window._mlpatch_session
    home = window._wrapped_dock_widgets["Workbench (MLPatch)"]
    qtbot.waitUntil(lambda: not home.visibleRegion().isEmpty(), timeout=60_000)
    by_text = {b.text(): b for b in home.findChildren(QPushButton)}
    clicks.on(next(b for text, b in by_text.items() if text.startswith("Try")))
    qtbot.waitUntil(lambda: session.workbench.scene is not None, timeout=60_000)
    clicks.on(next(b for text, b in by_text.items() if text.endswith("Reconstruct")))
    clicks.on(session.docks["Reconstruct"].run_kinds)
    qtbot.waitUntil(lambda: finished(session.workbench), timeout=240_000)
    compare_six(session, clicks)
    ranked_again(session, Clicks(qtbot))


def compare_six(session, clicks):
    """The grid, and the table with the best first."""
    entries = session.workbench.entries
    assert {e.method["name"] for e in entries} == SIX and len(entries) == 6
    assert is_ranked(entries), "the run ends in a ranking"
    compare = session.docks["Compare"]
    buttons = compare.findChildren(QAbstractButton)
    clicks.on(next(b for b in buttons if b.text().startswith("Grid") and b.isVisible()))
    clicks.qtbot.waitUntil(lambda: sum(layer.visible for layer in session.viewer.layers) >= 6, timeout=60_000)
    assert session.viewer.canvas.grid.enabled and clicks.count <= MOST


def ranked_again(session, clicks):
    """As from the last picture of the demo, whose six results stand in the order of their runs."""
    session.workbench.sort(lambda e: e.id)
    assert not is_ranked(session.workbench.entries)
    header = session.docks["Compare"].findChild(QTableWidget).horizontalHeader()
    table = session.docks["Compare"].findChild(QTableWidget)
    columns = [i for i in range(table.columnCount()) if not table.isColumnHidden(i)]
    psnr = next(i for i in columns if table.horizontalHeaderItem(i).text().startswith("PSNR"))
    at = QPoint(header.sectionViewportPosition(psnr) + 8, header.height() // 2)
    clicks.on(header.viewport(), at)
    assert is_ranked(session.workbench.entries) and clicks.count <= MOST


def is_ranked(entries):
    figures = [e.result.metrics["psnr"] for e in entries]
    return figures == sorted(figures, reverse=True)
