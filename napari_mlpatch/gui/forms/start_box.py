"""The box that says what iterations begin with: the method's own first picture, or a result."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QSizePolicy

from napari_mlpatch.core.events import Result
from napari_mlpatch.core.method import Method
from napari_mlpatch.core.registry import methods
from napari_mlpatch.core.start import refusal
from napari_mlpatch.gui.plumbing.elided import Box
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.workbench.workbench import Workbench

OWN = "its own first picture"


class StartBox(Box):
    """``chosen()`` is the result to begin with; disabled, with the reason as tooltip, where the method takes none."""

    def __init__(self, workbench: Workbench):
        super().__init__()
        self.workbench, self._name = workbench, ""
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(10)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.activated.connect(lambda _: workbench.begin_with(self.currentData()))
        follow(self, workbench.begins_changed, self._fill)
        follow(self, workbench.entries_changed, self._fill)
        follow(self, workbench.scene_changed, self._fill)
        self._fill()

    def offer(self, name: str) -> None:
        """For another method."""
        self._name = name
        self._fill()

    def chosen(self, method: Method) -> Result | None:
        """The result that this method is to begin with."""
        entry = self.currentData() if method.takes_start else None
        return None if entry is None else entry.result

    def _fill(self) -> None:
        found = [e for e in self.workbench.present if e.result is not None]
        wanted = [(OWN, None), *((e.named.line, e) for e in found)]
        chosen = self.workbench.begins if self.workbench.begins in found else None
        self.blockSignals(True)
        if wanted != [(self.itemText(i), self.itemData(i)) for i in range(self.count())]:
            self.clear()
            for text, entry in wanted:
                self.addItem(text, entry)
        reason = refusal(methods.get(self._name)()) if self._name else ""
        place = next(i for i, (_, entry) in enumerate(wanted) if entry is (None if reason else chosen))
        self.setCurrentIndex(place)
        self.setEnabled(not reason)
        self.setToolTip(reason or "What the iterations begin with: another result of this problem is a warm start")
        self.blockSignals(False)
