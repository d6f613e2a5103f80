"""A figure for a paper: a form on the left, the figure as it will be on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.figures import Panel, draw, styles, write_figure
from napari_mlpatch.figures.write import SUFFIXES
from napari_mlpatch.gui.forms.form import DeclarationForm
from napari_mlpatch.gui.plumbing.dialogs import ask_target_as
from napari_mlpatch.gui.plumbing.label import Remark
from napari_mlpatch.gui.plumbing.notify import show_error, show_info
from napari_mlpatch.gui.plumbing.tab_order import follow_the_eye
from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.figure import panels_of, preview, unit_of, without_lines
from napari_mlpatch.workbench.scene import Scene
from napari_mlpatch.workbench.workbench import Workbench

DEBOUNCE_MS = 250
FILTERS = ";;".join(f"{suffix[1:].upper()} (*{suffix})" for suffix in SUFFIXES)


class FigureDialog(QDialog):
    """Shows the ticked results of the present problem; the preview follows the form."""

    def __init__(self, workbench: Workbench, scene: Scene, entries: Sequence[Entry], parent: QWidget | None = None):
        super().__init__(parent)
        self.workbench, self.scene, self.entries = workbench, scene, list(entries)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Figure for a paper")
        self.panels: tuple[Panel, ...] = ()
        self.form = DeclarationForm(styles, "paper")
        self.figures = QCheckBox("figures of merit below the pictures")
        self.figures.setChecked(True)
        self.figures.setToolTip("PSNR and SSIM below each picture, where the truth is known")
        self.picture = QLabel("Drawing…")
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.trouble = Remark()
        self.trouble.hide()
        self.save = QPushButton("Save…")
        self.save.setToolTip("As PDF, SVG or PNG: the name says which")
        self.save.setDefault(True)
        self.close_button = QPushButton("Close")
        self.close_button.setToolTip("Close without saving (Escape)")
        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(DEBOUNCE_MS)
        self._lay_out()
        self._debounce.timeout.connect(self.draw)
        self.form.changed.connect(self._debounce.start)
        self.figures.toggled.connect(self._debounce.start)
        follow_the_eye(self)
        self.save.clicked.connect(self._choose)
        self.close_button.clicked.connect(self.reject)
        self.destroyed.connect(lambda: workbench.quick.call("figure", lambda: None, lambda _: None, lambda _: None))
        self.draw()

    def _lay_out(self) -> None:
        left, column = QWidget(), QVBoxLayout()
        left.setLayout(column)
        column.addWidget(self.form)
        column.addWidget(self.figures)
        column.addStretch(1)
        scrolling = QScrollArea()
        scrolling.setWidget(left)
        scrolling.setWidgetResizable(True)
        scrolling.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scrolling.setFixedWidth(360)
        around = QScrollArea()
        around.setWidget(self.picture)
        around.setWidgetResizable(True)
        buttons = QHBoxLayout()
        buttons.addWidget(self.trouble, 4)
        buttons.addStretch(1)
        buttons.addWidget(self.save)
        buttons.addWidget(self.close_button)
        right = QVBoxLayout()
        right.addWidget(around, 1)
        right.addLayout(buttons)
        layout = QHBoxLayout(self)
        layout.addWidget(scrolling)
        layout.addLayout(right, 1)
        self.resize(1240, 640)

    def draw(self) -> None:
        """Draw the preview, off the GUI thread."""
        try:
            style = self.form.build()
        except (InputError, ValueError) as error:
            self._complain(str(error))
            return
        scene, entries, figures, known = self.scene, self.entries, self.figures.isChecked(), self.panels

        def make() -> tuple[tuple[Panel, ...], bytes]:
            panels = known or panels_of(scene, entries)
            seen = panels if figures else without_lines(panels)
            return panels, preview(seen, style, scene.frame.scale, unit_of(scene))

        self.workbench.quick.call("figure", make, self._show, lambda e: self._complain(str(e)))

    def _show(self, made: tuple[tuple[Panel, ...], bytes]) -> None:
        self._complain("")
        self.panels, content = made
        pixmap = QPixmap()
        pixmap.loadFromData(content)
        self.picture.setPixmap(pixmap)

    def _complain(self, text: str) -> None:
        self.trouble.setText(text)
        self.trouble.setVisible(bool(text))
        self.save.setEnabled(not text)

    def _choose(self) -> None:
        path, kind = ask_target_as(self, "figures", "Save the figure", "figure.pdf", FILTERS)
        if path:
            if not path.lower().endswith(SUFFIXES):
                path += next((suffix for suffix in SUFFIXES if f"*{suffix}" in kind), SUFFIXES[0])
            self.write(Path(path))

    def write(self, path: Path) -> None:
        """Off the GUI thread. The dialog has asked before it lets a file be replaced."""
        style, panels, scene = self.form.build(), self.panels, self.scene
        seen = panels if self.figures.isChecked() else without_lines(panels)

        def make() -> Any:
            figure = draw(seen, style, scale=scene.frame.scale, unit=unit_of(scene))
            write_figure(path, figure, seen, dpi=style.dpi, force=True)

        self.workbench.quick.call(
            f"save {path}", make, lambda _: show_info(f"Saved {path}."), lambda e: show_error(str(e))
        )
