"""Buttons that add a whole picture on a finer grid as a layer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_mlpatch.explore.zoom import bicubic, fine_grid, strips
from napari_mlpatch.gui.plumbing.label import Note
from napari_mlpatch.gui.plumbing.notify import show_info
from napari_mlpatch.workbench.stepwise import stepwise, stop
from napari_mlpatch.workbench.words import duration
from napari_mlpatch.workbench.workbench import Workbench

from .zoom_layers import add_over, scaled, value_range

FACTORS = (2, 4, 8)
KEY = "enlarge"


@dataclass(frozen=True, eq=False)
class Choice:
    """What is zoomed into, and with what. ``network`` is called off the GUI thread."""

    layer: Image
    network: Callable[[], Any]
    sigma: float
    bicubic: bool


class EnlargeRow(QWidget):
    """A button for each factor, one that stops, and how far it is."""

    def __init__(self, viewer: Viewer, workbench: Workbench, choice: Callable[[], Choice | None]):
        super().__init__()
        self.viewer, self.workbench, self._choice = viewer, workbench, choice
        self.factors = {factor: QPushButton(f"×{factor}") for factor in FACTORS}
        for factor, button in self.factors.items():
            key = " (Return)" if factor == min(FACTORS) else ""
            button.setToolTip(f"Add the whole picture with {factor} x {factor} times as many pixels as a layer{key}")
            button.clicked.connect(lambda _=False, factor=factor: self.enlarge(factor))
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("Give the enlargement up (Escape)")
        self.stop.clicked.connect(self.end)
        self.progress = Note()
        row = QHBoxLayout()
        for button in (*self.factors.values(), self.stop):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.progress)
        quick = workbench.quick
        self.destroyed.connect(lambda: stop(quick, KEY))
        self._ready()

    def enlarge(self, factor: int) -> None:
        """Add the whole picture at this factor as a layer, computed off the GUI thread."""
        choice = self._choice()
        if choice is None:
            show_info("Add or select a 2-D image first.")
            return
        layer, data, (low, high) = choice.layer, choice.layer.data, value_range(choice.layer)
        start = time.monotonic()

        def steps() -> Iterator[Any]:
            image, parts, rows = scaled(data, low, high), [], 0
            grid = fine_grid(image.shape, factor)
            for part in strips(choice.network(), image, choice.sigma, grid):
                parts.append(part)
                rows += len(part)
                yield rows / grid.rows
            found = {f"bicubic ×{factor}": bicubic(image, grid)} if choice.bicubic else {}
            found[f"MLPatch ×{factor}"] = np.concatenate(parts)
            yield grid, {what: values * (high - low) + low for what, values in found.items()}

        def show(found: Any) -> None:
            if isinstance(found, float):
                left = (time.monotonic() - start) * (1 / found - 1)
                self.progress.setText(f"×{factor}: {100 * found:.0f} %, {duration(left)} left")
            elif layer in self.viewer.layers:
                grid, pictures = found
                title = layer.name.split("\n")[0]
                above: Image | None = None
                for what, values in pictures.items():
                    above = add_over(self.viewer, layer, f"{title}, {what}", values, grid, above)

        def failed(error: Exception) -> None:
            self._ready()
            self.workbench.failed.emit(str(error))

        for button in self.factors.values():
            button.setEnabled(False)
        self.stop.setEnabled(True)
        self.progress.setText(f"×{factor}…")
        self.progress.show()
        stepwise(self.workbench.quick, KEY, steps, show, self._ready, failed)

    def end(self) -> None:
        """Stop what is being computed; no layer comes of it."""
        stop(self.workbench.quick, KEY)
        self._ready()

    def _ready(self) -> None:
        self.progress.hide()
        self.stop.setEnabled(False)
        for button in self.factors.values():
            button.setEnabled(True)
