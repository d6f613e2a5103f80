"""The row below the table: what its figures are relative to, the region, what tells without a truth, copying."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QHBoxLayout, QMenu, QPushButton, QSizePolicy, QWidget

from napari_mlpatch.core.metrics import METRICS
from napari_mlpatch.core.without_truth import BLIND, WORDS
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.label import Name
from napari_mlpatch.gui.plumbing.notify import show_info
from napari_mlpatch.workbench.table_text import FORMATS

from .region_layer import RegionButton
from .stage import Stage

JUDGE, STOP = "Without a truth", "Stop"


class TableBar(QWidget):
    """Acts on all results of the present problem that are ticked."""

    def __init__(self, stage: Stage):
        super().__init__()
        self.stage, self.workbench = stage, stage.workbench
        self.note = Name()
        self.note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # never widens the window
        self.region = RegionButton(stage)
        self.judge = QPushButton()
        self.judge.setToolTip(
            "SURE, GCV and ring correlation of all ticked results, as far as they apply: each method runs again, "
            f"three times.\n{WORDS}"
        )
        self.copy = QPushButton()
        self.copy.setText("Copy table")
        self.copy.setToolTip("Copy the table of the present problem, the best of each column in bold")
        menu = QMenu(self)
        for name in FORMATS:
            menu.addAction(f"as {name}", lambda name=name: self.copy_as(name))
        self.copy.setMenu(menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.note, 1)
        for button in (self.region, self.judge, self.copy):
            row.addWidget(button)
        self.judge.clicked.connect(self._judge)
        follow(self, self.workbench.entries_changed, self._say)
        follow(self, self.workbench.scene_changed, self._say)
        follow(self, self.workbench.figures.judged, self._say)
        follow(self, self.workbench.figures.changed, self._say)
        self._say()

    def copy_as(self, name: str) -> None:
        entries = [e for e in self.workbench.present if e.result is not None]
        if not entries:
            show_info("There is no finished result of the present problem yet.")
            return
        QApplication.clipboard().setText(FORMATS[name](entries))
        show_info(f"{len(entries)} results copied as {name}.")

    def _judge(self) -> None:
        figures = self.workbench.figures
        if figures.busy:
            figures.end()
            return
        entries = [e for e in self.workbench.present if e.shown and e.result is not None and not e.job.active]
        if not entries:
            show_info("Tick finished results first.")
            return
        figures.judge(entries)

    def _say(self) -> None:
        """The data range that PSNR and SSIM are relative to, without which they mean nothing; or what is going on."""
        found = [e.result.metrics for e in self.workbench.present if e.result is not None]
        ranges = sorted({metrics["data_range"] for metrics in found if "data_range" in metrics})
        words = "data range " + ", ".join(f"{r:.4g}" for r in ranges) if ranges else ""
        if any("sure" in metrics or "gcv" in metrics or "frc" in metrics for metrics in found):
            words = f"{words} · {BLIND}" if words else BLIND
        missing = self.workbench.figures.left_out
        if missing:
            names = ", ".join(METRICS.get(key).heading for key in missing)
            words = f"no {names}: {' '.join(dict.fromkeys(missing.values()))} · {words}"
        busy = self.workbench.figures.busy
        self.note.setText(f"{busy}…" if busy else words)
        relative = "PSNR and SSIM are relative to the data range.\n" if ranges else ""
        self.note.setToolTip(relative + words.replace(BLIND, WORDS))
        self.judge.setText(STOP if busy else JUDGE)
