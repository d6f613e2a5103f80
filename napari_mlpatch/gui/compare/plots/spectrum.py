"""How the power of pictures is spread over spatial frequencies."""

from __future__ import annotations

import numpy as np
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_mlpatch.core.spectrum import radial_power
from napari_mlpatch.gui.compare.line_plot import LinesById, line_plot
from napari_mlpatch.gui.compare.parts import plots
from napari_mlpatch.gui.compare.view import Plot
from napari_mlpatch.torch_later import torch
from napari_mlpatch.workbench.selection import Other

TRUTH = "#9a9a9a"
EMPTY = "The power of all ticked results, and of the truth, over the spatial frequency comes here."


@plots.register("spectrum", title="Spectrum", key="Shift-S", order=40)
class Spectrum(Plot):
    """Radial power spectrum of all ticked results and the truth; noise is flat, what was smoothed away falls early."""

    live = False

    def make(self) -> QWidget:
        widget = QWidget()
        self.bar = self.words = QLabel("dashed: the truth")
        self.plot = line_plot("cycles per pixel", "power")
        self.plot.setLogMode(y=True)
        self.lines = LinesById(self.plot)
        self._made: dict[int, tuple[object, np.ndarray, np.ndarray]] = {}
        layout = QVBoxLayout(widget)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(2)
        layout.addWidget(self.plot, 1)
        return widget

    def show(self) -> None:
        scene = self.stage.scene
        found: list[Other] = [*self.stage.shown]
        if scene is not None and scene.truth is not None:
            found.append("truth")
        self.words.setVisible("truth" in found)
        kept = set()
        for of in found:
            picture = self.stage.picture(of, "picture")
            number = 0 if of == "truth" else of.id
            if picture is None:
                continue
            kept.add(number)
            made = self._made.get(number)
            if made is None or made[0] is not picture:
                self._compute(of, number, picture)
            if made is not None:
                self._draw(of, number)
        self.lines.keep(kept)
        self._tell()

    def _compute(self, of: Other, number: int, picture: np.ndarray) -> None:
        def compute() -> tuple[np.ndarray, np.ndarray]:
            frequency, power = radial_power(torch.as_tensor(picture))
            return frequency[1:].numpy(), power[1:].numpy()  # that of zero is the mean's

        def come(curve: tuple[np.ndarray, np.ndarray]) -> None:
            self._made[number] = (picture, *curve)
            self._draw(of, number)

        workbench = self.stage.workbench
        workbench.quick.call(f"spectrum {number}", compute, come, lambda error: workbench.failed.emit(str(error)))

    def _draw(self, of: Other, number: int) -> None:
        _, frequency, power = self._made[number]
        colour = TRUTH if of == "truth" else self.colour(of)
        self.lines.draw(number, frequency, np.maximum(power, 1e-30), colour, dashed=of == "truth")
        self._tell()

    def _tell(self) -> None:
        self.plot.say("" if self.lines.items else EMPTY)
