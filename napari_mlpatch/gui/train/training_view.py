"""How a training goes: the loss, and the images held out at each noise level."""

from __future__ import annotations

import itertools
import math

import pyqtgraph
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_mlpatch.gui.compare.colours import COLOURS
from napari_mlpatch.gui.plumbing.label import Note
from napari_mlpatch.gui.plumbing.plot import Plot
from napari_mlpatch.workbench.training_job import Training

DELAY_MS = 200
"""The curves are drawn at most so often."""
LOSS = "The loss of every step comes here, on a logarithmic axis."
HELD_OUT = "How well the network does on the images held out comes here."


class TrainingView(QWidget):
    """Two plots over the steps, and the last figures as a table."""

    def __init__(self) -> None:
        super().__init__()
        self.loss, self.psnr = _plot("loss"), _plot("PSNR / dB")
        self.loss.setLogMode(y=True)
        self._loss = self.loss.plot_plain()
        self._psnr: dict[str, pyqtgraph.PlotDataItem] = {}
        self.figures = Note("Curves and figures come with the first steps.")
        for plot, words in ((self.loss, LOSS), (self.psnr, HELD_OUT)):
            plot.say(words)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.figures)
        layout.addWidget(self.loss, 2)
        layout.addWidget(self.psnr, 2)
        layout.addStretch(1)
        self._training: Training | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._draw)

    def show_training(self, training: Training) -> None:
        """Draw it after a moment, once for all that ask until then."""
        self._training = training
        if not self._timer.isActive():
            self._timer.start()

    def _draw(self) -> None:
        if self._training is None:
            return
        losses, looks = list(self._training.losses), list(self._training.psnr)
        self._loss.setData([k for k, _ in losses], [loss for _, loss in losses])
        self.loss.say("" if losses else LOSS)
        if losses:
            self.loss.getAxis("left").setTicks([_ticks([loss for _, loss in losses])])
        names = [name for name in (looks[-1][1] if looks else ()) if name.startswith("psnr")]
        if names != list(self._psnr):
            self._new_curves(names)
        for name, item in self._psnr.items():
            points = [(k, values[name]) for k, values in looks if name in values]
            item.setData([k for k, _ in points], [value for _, value in points])
        self.psnr.say("" if names else HELD_OUT)
        if names:
            self.figures.setText(_table(*looks[-1]))
        elif not self._training.active:
            self.figures.setText("There are no figures: no images were held out, or it was not validated yet.")

    def _new_curves(self, names: list[str]) -> None:
        for item in self._psnr.values():
            self.psnr.removeItem(item)
        self._psnr = {}
        for i, name in enumerate(names):
            colour = COLOURS[i % len(COLOURS)]
            pen = pyqtgraph.mkPen(colour, width=2)
            self._psnr[name] = self.psnr.plot(pen=pen, symbol="o", symbolSize=5, symbolBrush=colour, symbolPen=colour)


def level(name: str) -> str:
    """The noise level of a figure: ``psnr_25`` is that of 25/255, ``psnr_0.15`` of 0.15."""
    word = name.removeprefix("psnr_")
    return f"{word}/255" if word.isdigit() else word


def _table(k: int, values: dict[str, float]) -> str:
    if not all(name.startswith("psnr_") for name in values):
        return f"Images held out, step {k}: " + ", ".join(_words(name, value) for name, value in values.items())
    cell = "<td align='right' style='padding-right: 14px'>"
    colours = itertools.cycle(COLOURS)
    levels = "".join(f"{cell}<b style='color: {next(colours)}'>{level(name)}</b></td>" for name in values)
    noisy = "".join(f"{cell}{-20 * math.log10(_sigma(name)):.2f}</td>" for name in values)
    found = "".join(f"{cell}<b>{value:.2f}</b></td>" for value in values.values())
    return (
        f"PSNR in dB of the images held out, step {k}:<table>"
        f"<tr>{cell}noise</td>{levels}</tr><tr>{cell}before</td>{noisy}</tr><tr>{cell}after</td>{found}</tr></table>"
    )


def _words(name: str, value: float) -> str:
    return f"<b>PSNR {value:.2f} dB</b>" if name == "psnr" else f"{name.upper()} {value:.4f}"


def _sigma(name: str) -> float:
    word = name.removeprefix("psnr_")
    return int(word) / 255 if word.isdigit() else float(word)


def _ticks(values: list[float]) -> list[tuple[float, str]]:
    """Where a logarithmic axis is labelled: at 1, 2 and 5 of each decade."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    labels = [f"{digit}e{decade}" for decade in range(low, high + 1) for digit in (1, 2, 5)]
    return [(math.log10(float(label)), f"{float(label):g}") for label in labels]


def _plot(label: str) -> Plot:
    plot = Plot()
    plot.setMinimumWidth(180)
    plot.setMinimumHeight(180)
    plot.setMaximumHeight(320)
    plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
    plot.setLabel("left", label)
    plot.setLabel("bottom", "step")
    plot.getAxis("left").enableAutoSIPrefix(False)
    plot.getAxis("bottom").enableAutoSIPrefix(False)
    return plot
