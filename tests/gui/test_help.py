"""The page of help beside a choice, and a tooltip on every control of every dock."""

import pytest

pytest.importorskip("napari")

from napari_mlpatch.core.page import page
from napari_mlpatch.core.registry import methods, operators
from napari_mlpatch.gui.session import DOCKS, MORE


def controls(dock):
    """What can be clicked, typed into or moved, but for the parts that Qt makes its own controls of."""
    from qtpy.QtWidgets import (
        QAbstractButton,
        QAbstractItemView,
        QAbstractSlider,
        QAbstractSpinBox,
        QComboBox,
        QHeaderView,
        QLineEdit,
        QScrollBar,
        QTabBar,
        QWidget,
    )

    kinds = (QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
    owners = (QAbstractItemView, QAbstractSpinBox, QComboBox, QTabBar)
    for widget in dock.findChildren(QWidget):
        parent = widget.parentWidget()
        part = isinstance(parent, owners) or "Private" in parent.metaObject().className()
        part = part or widget.objectName().startswith("qt_")  # the arrow of a tool bar that is too short
        if isinstance(widget, kinds) and not part and not isinstance(widget, QHeaderView | QScrollBar):
            yield widget


def tooltip(widget, dock):
    """What Qt shows over it: its own, else that of what it stands in."""
    while widget is not None and widget is not dock and not widget.toolTip():
        widget = widget.parentWidget()
    return "" if widget is None or widget is dock else widget.toolTip()


def name_of(widget, dock):
    names = [n for owner in (widget.parentWidget(), dock) for n, value in vars(owner).items() if value is widget]
    return f"{type(widget).__name__} {names or widget.objectName()}"


@pytest.mark.parametrize("name", [*DOCKS, *MORE, "Workbench"])
def test_every_control_has_a_tooltip(session, name):
    from qtpy.QtWidgets import QTabWidget

    if name == "Workbench":
        from napari_mlpatch.gui.home_dock import HomeDock

        dock = HomeDock(session)
    else:
        session.open(name)
        dock = session.docks[name]
    found = list(controls(dock))
    assert found
    assert [name_of(w, dock) for w in found if not tooltip(w, dock)] == []
    for tabs in dock.findChildren(QTabWidget):
        assert all(tabs.tabToolTip(i) for i in range(tabs.count()))


def test_tooltip_of_a_parameter_tells_unit_bounds_and_default(session):
    form = session.docks["Problem"].simulated
    form.operator.setCurrentIndex(form.operator.findData("blur"))
    told = form.operator_form.fields["width"].toolTip()
    assert "to 200 pixels" in told and "default: 2" in told and "standard deviation" in told


def test_help_on_a_method(session, qtbot):
    dock = session.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("fbp"))
    dock.help.click()
    dialog = dock.help.dialog
    assert dialog.isVisible() and dialog.windowTitle() == methods.get("fbp").title
    text = dialog.text.toPlainText()
    about = page(methods.get("fbp"))
    assert all(line.strip() in text for line in about.equation.splitlines()) and "Kak" in text and "cutoff" in text
    qtbot.waitUntil(lambda: "Left to right" in dialog.text.toPlainText(), timeout=60_000)
    assert "\N{OBJECT REPLACEMENT CHARACTER}" in dialog.text.toPlainText() and dialog.text.picture.width() == 660
    assert dialog.text.verticalScrollBar().value() == 0
    dock.method.setCurrentIndex(dock.method.findData("tikhonov"))
    assert dialog.windowTitle() == methods.get("tikhonov").title, "an open page follows the choice"
    dialog.close()
    dock.method.setCurrentIndex(dock.method.findData("tv"))
    assert not dialog.isVisible() and dialog.name == "tikhonov"
    dock.help.click()
    assert dialog.isVisible() and dialog.name == "tv"


def test_help_on_an_operator(session, qtbot):
    form = session.docks["Problem"].simulated
    form.operator.setCurrentIndex(form.operator.findData("super-resolution"))
    form.help.click()
    dialog = form.help.dialog
    assert dialog.windowTitle() == operators.get("super-resolution").title
    qtbot.waitUntil(lambda: "quick picture" in dialog.text.toPlainText(), timeout=60_000)
