"""The docks in a small window: nothing cut, nothing that grows, colours and wheel."""

from __future__ import annotations

import numpy as np
import pytest
from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QColor, QWheelEvent
from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QDockWidget, QLabel

from napari_mlpatch.gui.plumbing.label import Name, Remark, breakable
from napari_mlpatch.gui.plumbing.share_place import NEEDED
from napari_mlpatch.gui.session import WIDTH
from napari_mlpatch.gui.session import session as session_of

SCROLL_BAR = 14
RIGHT = ("Problem", "Reconstruct", "All slices", "Patch microscope", "Zoom", "Train")
LONG = "a_very_long_name_of_a_file_that_nobody_wants_to_type_twice/" * 4


@pytest.fixture
def docks(session):
    session.viewer.window.resize(1024, 700)
    session.viewer.window._qt_window.show()  # or nothing has the style of the theme
    for name in RIGHT:
        session.show(name)
        QApplication.processEvents()
    return {name: session.docks[name] for name in RIGHT}


def widths(docks):
    return {name: dock.minimumSizeHint().width() for name, dock in docks.items()}


def forms(docks):
    """The docks once with the form of each declared class."""
    simulated = docks["Problem"].simulated
    for combo in (simulated.operator, simulated.noise, docks["Reconstruct"].method, docks["Train"].form.network):
        for row in range(combo.count()):
            combo.setCurrentIndex(row)
            combo.activated.emit(row)
            yield combo.itemData(row)


def test_every_form_fits_a_dock_of_one_width_and_no_number_is_cut(docks):
    """Six digits and the unit fit between the buttons of every box."""
    for shown in forms(docks):
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # the form before this one
        assert max(widths(docks).values()) <= WIDTH - SCROLL_BAR, (shown, widths(docks))
        for dock in docks.values():
            for box in dock.findChildren(QAbstractSpinBox):
                letters = box.fontMetrics().horizontalAdvance(f"{box.prefix()}0.12345{box.suffix()}")
                assert box.minimumSizeHint().width() >= letters + 40, (shown, box.prefix(), box.suffix())


def test_long_texts_do_not_widen_the_window(docks, session):
    window = session.viewer.window._qt_window
    QApplication.processEvents()
    before, floor = widths(docks), window.minimumSizeHint().width()
    assert floor <= 1024, "the window fits a small screen"
    session.viewer.add_image(_flat(), name=LONG)
    QApplication.processEvents()
    assert window.minimumSizeHint().height() <= 700, "also with the controls of a picture"
    docks["Problem"].measured.found.setText(f"<b>{LONG}</b>: {LONG}")
    docks["Problem"].measured.problem_text.setText(LONG)
    docks["Problem"].measured.problem_text.show()
    docks["Problem"].simulated.trouble.setText(LONG)
    docks["Problem"].simulated.trouble.show()
    docks["Reconstruct"].reason.setText(LONG)
    docks["Reconstruct"].reason.show()
    docks["Reconstruct"].status.setText(LONG)
    docks["Reconstruct"].weights.addItem(LONG)
    docks["Reconstruct"].weights.setCurrentIndex(docks["Reconstruct"].weights.count() - 1)
    docks["Train"].status.setText(LONG)
    docks["Train"].hint.setText(LONG)
    docks["Train"].hint.show()
    docks["Zoom"].weights.addItem(LONG)
    QApplication.processEvents()
    assert widths(docks) == before
    assert window.minimumSizeHint().width() <= floor
    assert docks["Zoom"].image_name.toolTip() == LONG, "what is cut can be read"


def _flat():
    import numpy as np

    return np.zeros((32, 32), np.float32)


def test_names_end_in_dots_and_tags_stay_whole(qtbot):
    name = Name(LONG)
    qtbot.addWidget(name)
    name.resize(60, 20)
    assert name.minimumSizeHint().width() == 0 and name.toolTip() == LONG
    assert breakable("<b>a/b</b> c_d") == "<b>a/\u200bb</b> c_\u200bd"


def test_the_wheel_changes_only_what_has_the_focus(docks, session):
    def turn(box):
        at = QPointF(box.rect().center())
        event = QWheelEvent(
            at, QPointF(box.mapToGlobal(box.rect().center())), QPoint(0, 0), QPoint(0, 120),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(box, event)

    def value(box):
        return box.currentIndex() if isinstance(box, QComboBox) else box.text()

    seen = 0
    for _ in forms(docks):
        for dock in docks.values():
            for box in dock.findChildren((QAbstractSpinBox, QComboBox)):
                if not box.hasFocus():
                    before = value(box)
                    turn(box)
                    assert value(box) == before, (dock, box)
                    seen += 1
    assert seen > 100
    box = docks["Problem"].simulated.seed
    docks["Problem"].pages.setCurrentWidget(docks["Problem"].simulated)
    session.show("Problem")
    box.window().activateWindow()
    box.setFocus()
    if box.hasFocus():  # a window manager may keep it from us
        turn(box)
        assert box.value() == 1


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_remarks_can_be_read_in_both_themes(session, qtbot, theme):
    """A contrast of 4.5 is what WCAG 2.1 asks of text."""
    label = Remark("mind")
    session.docks["Reconstruct"].layout().addWidget(label)
    for name in ("dark", "light", theme):
        session.viewer.theme = name
    QApplication.processEvents()
    colour = QColor(label.styleSheet().split(":")[1].strip())
    back = QColor(*get_theme(theme).background.as_rgb_tuple(alpha=False)[:3])
    assert _contrast(colour, back) >= 4.5


def _contrast(a, b):
    def luminance(colour):
        parts = (colour.redF(), colour.greenF(), colour.blueF())
        r, g, b = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_labels_of_one_page_are_aligned(docks):
    page = docks["Problem"].simulated
    docks["Problem"].pages.setCurrentWidget(page)
    docks["Problem"].parentWidget().show()
    QApplication.processEvents()
    starts = {
        page.mapFromGlobal(box.mapToGlobal(QPoint(0, 0))).x()
        for box in (page.operator, page.noise, page.seed, page.image.native)
    }
    assert len(starts) == 1
    assert all(isinstance(label, QLabel) for label in [page.trouble])


def test_the_same_message_is_not_piled_upon_itself(monkeypatch):
    from napari_mlpatch.gui.plumbing import notify

    seen, now = [], [100.0]
    monkeypatch.setattr(notify, "_shown", {})
    monkeypatch.setattr(notify.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(notify.notifications, "show_error", seen.append)
    for text in ("a", "a", "b", "a"):
        notify.show_error(text)
    now[0] += notify.ON_SHOW_SECONDS
    notify.show_error("a")
    assert seen == ["a", "b", "a"]


@pytest.mark.parametrize("size", [(1280, 800), (1600, 1000)])
def test_controls_that_grow_leave_the_table_its_rows(make_napari_viewer, qtbot, size):
    """Those of a volume in 3-D have more rows: they and the list of layers share a place, if they must."""
    viewer = make_napari_viewer()
    window = viewer.window._qt_window
    window.resize(*size)
    window.show()
    here = session_of(viewer)
    here.open_all()
    compare = viewer.window._wrapped_dock_widgets["Compare (MLPatch)"]
    controls = window.findChild(QDockWidget, "layer controls")
    volume = viewer.add_image(np.random.default_rng(0).random((4, 8, 8)), name="volume")
    viewer.layers.selection.active = volume
    qtbot.waitUntil(lambda: compare.height() >= NEEDED, timeout=60_000)
    assert not window.tabifiedDockWidgets(controls)
    viewer.dims.ndisplay = 3
    volume.rendering = "attenuated_mip"
    shared = size[1] < 1000
    qtbot.waitUntil(lambda: bool(window.tabifiedDockWidgets(controls)) == shared, timeout=60_000)
    qtbot.waitUntil(lambda: compare.height() >= NEEDED, timeout=60_000)
    assert window.height() == size[1]
    here.workbench.close()
