"""What chooses what is on the canvas: a row for view and contrast, one for the kind of picture and the second one."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QAction, QActionGroup
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QToolBar, QToolButton, QWidget

from napari_mlpatch.gui.plumbing.elided import Box
from napari_mlpatch.gui.plumbing.follow import follow, follow_key
from napari_mlpatch.gui.plumbing.tab_order import order_soon
from napari_mlpatch.gui.plumbing.wheel import still

from .key_help import HELP, KeyHelp
from .parts import views
from .stage import Stage

PRESSED = """
QToolBar { spacing: 1px; padding: 0px }
QToolButton { padding: 3px 4px; border-radius: 3px; margin: 0px }
#qt_toolbar_ext_button { padding: 0px; min-width: 14px }
QToolButton:hover { background: rgba(128, 128, 128, 70) }
QToolButton:checked { background: rgba(70, 110, 220, 190); color: white }
"""
"""napari's themes show no difference. These colours can be seen in the dark one and in the light one."""

NARROWEST, WIDEST = {"kind": 64, "other": 60}, {"kind": 230, "other": 320}
"""Pixels of a box where there is little room, and where there is much."""
PANEL = 3
"""Place of a view's own controls in the second line: after the boxes for the pair."""


class ViewBar(QToolBar):
    """Buttons of all views, each with its key. ``second`` is the row of boxes, to be put above the table."""

    def __init__(self, stage: Stage):
        super().__init__()
        self.stage = stage
        self.second = QWidget()
        for row in (self, self.second):
            row.setStyleSheet(PRESSED)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.actions_of: dict[str, QAction] = {}
        self._tips: dict[str, str] = {}
        group = QActionGroup(self)
        for cls in views:
            action = self.addAction(cls.title)
            action.setCheckable(True)
            group.addAction(action)
            about = " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())
            self._tips[cls.name] = f"{about}\nKey: {cls.key}" if cls.key else about
            action.triggered.connect(lambda _=False, name=cls.name: stage.set_view(name))
            self.actions_of[cls.name] = action
            if cls.key:
                follow_key(
                    self, stage.viewer, cls.key, lambda name=cls.name: stage.set_view(name), f"{cls.title}: {about}"
                )
        self.addSeparator()  # a widget here would hang Qt 5 as the window closes
        self.linked, self.bars = self.addAction("Linked"), self.addAction("Bars")
        self.linked.setToolTip("One contrast for all pictures of a kind; else each has the one that suits it alone")
        self.bars.setToolTip("Colour bar, and scale bar where pixels have a length\nKey: Shift-B")
        for action, act in ((self.linked, stage.link_contrast), (self.bars, stage.explain)):
            action.setCheckable(True)
            action.triggered.connect(act)
        rest = self.findChild(QToolButton, "qt_toolbar_ext_button")
        if rest is not None:  # whose own arrow is black, in the dark theme as well
            rest.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            rest.setText("»")
            rest.setToolTip("The other views, and what all of them have: linked contrast, bars")
        self.help = KeyHelp(stage.viewer)
        for key in HELP:
            follow_key(self, stage.viewer, key, self.help.toggle, "This list")
        follow_key(
            self, stage.viewer, "Shift-B", lambda: stage.explain(not stage.bars), "Colour bars and scale bar on or off"
        )
        self.destroyed.connect(self.help.close_for_good)
        self.kind, self.other = Box(), Box()
        for box, name in ((self.kind, "kind"), (self.other, "other")):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(6)
            box.setMinimumWidth(NARROWEST[name])
            box.setMaximumWidth(WIDEST[name])
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.kind.setToolTip("What is shown of every result: the picture, what it leaves unexplained, its error")
        self.other.setToolTip("What the selected result is compared with, in views of two")
        self.versus = QLabel("vs")
        self._panel: QWidget | None = None
        self._row = QHBoxLayout(self.second)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        self._row.addWidget(self.kind, 2)
        self._row.addWidget(self.versus)
        self._row.addWidget(self.other, 3)
        self._row.addStretch(0)  # only what the boxes leave

        self.kind.currentIndexChanged.connect(lambda _: stage.set_kind(self.kind.currentData()))
        self.other.activated.connect(lambda _: stage.workbench.set_other(self.other.currentData()))
        follow(self, stage.changed, self._stage_changed)
        follow(self, stage.workbench.entries_changed, self._offer)
        follow(self, stage.workbench.selection_changed, self._offer)
        follow(self, stage.workbench.scene_changed, self._offer)
        self._view = ""
        self._stage_changed()

    def _stage_changed(self) -> None:
        view = self.stage.view
        self.actions_of[view.name].setChecked(True)
        self.linked.setChecked(self.stage.contrast.linked)
        self.bars.setChecked(self.stage.bars)
        for widget in (self.versus, self.other):
            widget.setVisible(view.pair)
        if view.name != self._view:
            self._view = view.name
            if self._panel is not None:
                self._panel.hide()  # at once: it is deleted only when the event loop comes round
                self._panel.deleteLater()
            self._panel = view.panel()
            if self._panel is not None:
                self._row.insertWidget(PANEL, self._panel)
                still(self._panel)
                order_soon(self.second)
        self._offer()

    def _offer(self) -> None:
        """What there is to choose from."""
        for cls in views:
            why = cls.unusable(self.stage.scene)
            action = self.actions_of[cls.name]
            action.setEnabled(not why)
            action.setToolTip(why or self._tips[cls.name])
        kinds = [(words, kind) for kind, words in self.stage.kinds().items()]
        _fill(self.kind, kinds, self.stage.kind)
        workbench = self.stage.workbench
        has_truth = workbench.scene is not None and workbench.scene.problem.truth is not None
        others: list[tuple[str, Any]] = [("truth", "truth")] if has_truth else []
        others += [(self.stage.name_of(e), e) for e in workbench.present if e is not workbench.selected]
        _fill(self.other, others, workbench.other)


def _fill(box: QComboBox, wanted: list[tuple[str, Any]], chosen: Any) -> None:
    """Fill anew only where something is different."""
    box.blockSignals(True)
    if wanted != [(box.itemText(i), box.itemData(i)) for i in range(box.count())]:
        box.clear()
        for text, data in wanted:
            box.addItem(text, data)
    place = next((i for i, (_, data) in enumerate(wanted) if data is chosen or data == chosen), -1)
    if box.currentIndex() != place:
        box.setCurrentIndex(place)
    box.blockSignals(False)
