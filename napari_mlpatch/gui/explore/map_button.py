"""The button of the Patch microscope that maps all pixels; while it does, it shows how far it is and stops it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtWidgets import QPushButton

from napari_mlpatch.explore import microscope
from napari_mlpatch.gui.plumbing.looking import Looking
from napari_mlpatch.gui.plumbing.notify import show_info
from napari_mlpatch.workbench.stepwise import stepwise, stop
from napari_mlpatch.workbench.words import duration
from napari_mlpatch.workbench.workbench import Workbench

KEY = "maps"
TEXT = "Map all pixels"
MAPS = {
    "radius": "mean radius / pixel",
    "anisotropy": "anisotropy",
    "orientation": "orientation / °",
    "sensitivity": "sensitivity to its own pixel",
    "reach": "reach / pixel",
}


class MapButton(QPushButton):
    """``choice`` gives what is looked at and the name of the network; None where there is nothing."""

    def __init__(self, viewer: Viewer, workbench: Workbench, choice: Callable[[], tuple[Looking, str] | None]):
        super().__init__(TEXT)
        self.viewer, self.workbench, self._choice = viewer, workbench, choice
        self.running = False
        self.setToolTip("Radius, anisotropy, orientation, sensitivity and reach of every pixel's patch, as layers")
        self.clicked.connect(self._clicked)
        quick = workbench.quick
        self.destroyed.connect(lambda: stop(quick, KEY))

    def _clicked(self) -> None:
        if self.running:
            stop(self.workbench.quick, KEY)
            self._ready()
        else:
            self.map_all()

    def map_all(self) -> None:
        """Add the maps as layers, computed off the GUI thread, some rows at a time."""
        choice = self._choice()
        if choice is None:
            show_info("Add or select a 2-D image first.")
            return
        seen, by = choice
        parts: list[dict[str, np.ndarray]] = []
        start = time.monotonic()

        def steps() -> Iterator[dict[str, np.ndarray]]:
            yield from microscope.overview_rows(seen.network(), seen.picture(), seen.sigma)

        def each(part: dict[str, np.ndarray]) -> None:
            parts.append(part)
            share = sum(len(p["reach"]) for p in parts) / seen.layer.data.shape[0]
            left = duration((time.monotonic() - start) * (1 / share - 1))
            self.setText(f"Stop ({100 * share:.0f} %, {left} left)")

        def done() -> None:
            self._ready()
            if seen.layer in self.viewer.layers:  # not removed meanwhile
                maps = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
                self._add(seen.layer, maps, by)

        def failed(error: Exception) -> None:
            self._ready()
            self.workbench.failed.emit(str(error))

        self.running = True
        self.setText("Stop (0 %)")
        stepwise(self.workbench.quick, KEY, steps, each, done, failed)

    def _add(self, layer: Image, maps: dict[str, np.ndarray], by: str) -> None:
        for name, values in maps.items():
            if np.ptp(values) > 1e-6 * max(abs(float(values.max())), 1e-12):  # constant ones say nothing
                made = self.viewer.add_image(
                    values,
                    name=f"{MAPS[name]}, {by}",
                    colormap="twilight_shifted" if name == "orientation" else "viridis",
                    metadata={"mlpatch": {"role": f"map of {name}"}},
                    visible=name == "reach",
                    scale=layer.scale,
                    translate=layer.translate,
                    units=layer.units,
                )
                assert isinstance(made, Image)
                made.colorbar.visible = True
                made.name_overlay.position, made.name_overlay.visible = "bottom_left", True
        self.viewer.layers.selection.active = layer

    def _ready(self) -> None:
        self.running = False
        self.setText(TEXT)
