"""Two results in turn."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QDoubleSpinBox, QWidget

from napari_mlpatch.gui.compare.pair import PairView
from napari_mlpatch.gui.compare.parts import views

SECONDS = 0.6
WIDTH = 110


@views.register("blink", title="Blink", key="B", order=25)
class Blink(PairView):
    """The selected result and the other in turn, at the same place; chosen again, it stands still."""

    def __init__(self, stage):
        super().__init__(stage)
        self.kept.setdefault("seconds", SECONDS)
        self.layers = []
        self.timer = QTimer(stage.viewer.window._qt_window)
        self.timer.setInterval(round(1000 * self.kept["seconds"]))
        self.timer.timeout.connect(self.flip)
        self.undo(self._stop)

    def show_two(self, a: np.ndarray, b: np.ndarray) -> None:
        stage = self.stage
        base, above = stage.layer(stage.selected, stage.kind), stage.layer(stage.other, stage.kind)
        if base is None or above is None:
            return
        if self.layers != [base, above]:
            self._restore()
            self.layers = [base, above]
            self.raise_above(above, base)
            stage.only([base, above], active=base)
            self._turn(selected=True)
            self.timer.start()
        else:
            shows_selected = self.on_show is base
            stage.only([base, above], active=base)
            self._turn(selected=shows_selected)

    @property
    def on_show(self):
        """The layer that is seen now."""
        base, above = self.layers
        return above if above.opacity > 0 else base

    def flip(self) -> None:
        """Show the other one of the two. The lower one stays where it is, so that no frame is ever empty."""
        if len(self.layers) == 2 and all(layer in self.stage.viewer.layers for layer in self.layers):
            self._turn(selected=self.on_show is self.layers[1])

    def once_more(self) -> None:
        if self.timer.isActive():
            self.timer.stop()
        elif self.layers:
            self.timer.start()

    def panel(self) -> QWidget:
        box = QDoubleSpinBox()
        box.setRange(0.1, 10.0)
        box.setSingleStep(0.1)
        box.setDecimals(1)
        box.setMinimumWidth(WIDTH)
        box.setSuffix(" s")
        box.setValue(self.kept["seconds"])
        box.setToolTip("How long each of the two is on show\nB again: stand still, or go on")
        box.valueChanged.connect(self._set_seconds)
        return box

    def leave(self) -> None:
        self._restore()
        super().leave()

    def _set_seconds(self, seconds: float) -> None:
        self.kept["seconds"] = seconds
        self.timer.setInterval(round(1000 * seconds))

    def _turn(self, selected: bool) -> None:
        base, above = self.layers
        above.opacity = 0.0 if selected else 1.0
        base.name_overlay.visible, above.name_overlay.visible = selected, not selected

    def _restore(self) -> None:
        self.timer.stop()
        for layer in self.layers[1:]:
            layer.opacity = 1.0
        self.layers = []

    def _stop(self) -> None:
        self.timer.stop()
        self.timer.deleteLater()
