"""How results converge, over iterations or seconds."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QHBoxLayout, QWidget

from napari_mlpatch.gui.compare.curves import Curves, quantities
from napari_mlpatch.gui.compare.parts import plots
from napari_mlpatch.gui.compare.view import Plot
from napari_mlpatch.gui.plumbing.elided import Box


@plots.register("convergence", title="Convergence", key="Shift-C", order=0)
class Convergence(Plot):
    """A quantity of all ticked results: what a person chose to see, else what all of them tell."""

    def make(self) -> QWidget:
        self.curves = Curves(self.draw)
        self.curve, self.axis = Box(), Box()
        self.curve.setToolTip(
            "What is plotted over the iterations of all ticked results: first what all of them tell, then what some do"
        )
        self.axis.addItems(["iteration", "seconds"])
        self.axis.setToolTip("Over what it is plotted")
        self._by_hand = False
        self.curve.currentIndexChanged.connect(lambda _: self.draw())
        self.curve.activated.connect(self._chosen)
        self.axis.currentIndexChanged.connect(lambda _: self.draw())
        self.bar = QWidget()
        row = QHBoxLayout(self.bar)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for box, letters in ((self.curve, 12), (self.axis, 10)):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(letters)
            row.addWidget(box)
        row.addStretch(1)
        return self.curves

    def show(self) -> None:
        self.curves.draw_soon()

    def draw(self) -> None:
        shown = [e for e in self.stage.workbench.present if e.shown]
        known = quantities([e.job.history for e in shown])
        if list(known) != [self.curve.itemData(i) for i in range(self.curve.count())]:
            chosen = self.curve.currentData() if self._by_hand else None
            self.curve.blockSignals(True)
            self.curve.clear()
            for key, words in known.items():
                self.curve.addItem(words, key)
            self.curve.setCurrentIndex(max(0, self.curve.findData(chosen)))
            self.curve.blockSignals(False)
        for box in (self.curve, self.axis):
            box.setVisible(bool(known))  # empty boxes ask for what there is not
        by = "k" if self.axis.currentText() == "iteration" else "seconds"
        self.curves.draw(shown, self.curve.currentData() or "", by)

    def _chosen(self) -> None:
        self._by_hand = True
