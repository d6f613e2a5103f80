"""The one class that turns the workbench's state into napari layers.

A layer of ours carries ``metadata["mlpatch"] = {"role": ..., "entry": id, "recipe": {...}}`` and is never looked up by
its name. All pictures of one scene share scale, units and contrast.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from napari.experimental import link_layers, unlink_layers
from napari.layers import Image, Layer
from napari.viewer import Viewer
from qtpy.QtCore import QTimer

from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.jobs import contrast_limits, to_image
from napari_mlpatch.workbench.named import elided
from napari_mlpatch.workbench.scene import Frame, Scene
from napari_mlpatch.workbench.workbench import Workbench

LINKED = ("contrast_limits", "gamma", "colormap")
NAMES = {"preview": "quick preview"}
RESIDUALS = {"residual": "A x - y", "backprojected": "Aᵀ(A x - y)", "error": "error"}
"""Pictures below the results. Others, such as the phase, are called by their own name."""
SMALLEST, LARGEST = 6.0, 10.0
"""Sizes of letters in captions."""
LETTER = 0.96
"""Pixels of an average letter's width, for each unit of the size."""


class LayerView:
    """Shows the scene (measurement, truth, quick picture), the entries and their residuals."""

    def __init__(self, viewer: Viewer, workbench: Workbench):
        self.viewer, self.workbench = viewer, workbench
        self._scene_layers: dict[str, Image] = {}
        self._entry_layers: dict[int, Image] = {}
        self._residual_layers: dict[tuple[int, str], Image] = {}
        self._closed_by_user: set[int] = set()
        self._ours = False
        workbench.scene_changed.connect(self._show_scene)
        workbench.entry_progressed.connect(self._show_entry)
        workbench.entries_changed.connect(self._sync_entries)
        workbench.residuals_ready.connect(self._show_residuals)
        viewer.layers.events.removed.connect(self._removed)

    # ---- scene ----------------------------------------------------------------------------------------------

    def _show_scene(self) -> None:
        scene = self.workbench.scene
        assert scene is not None
        wanted = {"measurement": scene.data, "preview": scene.preview}
        if scene.truth is not None:
            wanted["truth"] = scene.truth
        for role in list(self._scene_layers):
            if role not in wanted:
                self._remove(self._scene_layers.pop(role))
        for role, data in wanted.items():
            limits = contrast_limits(data) if role == "measurement" else scene.limits
            layer = self._scene_layers.get(role)
            frame = self._stretched(scene, data.shape) if role == "measurement" else scene.frame
            if layer is None or layer not in self.viewer.layers:
                layer = self._add(data, NAMES.get(role, role), frame, limits, {"role": role})
                self._scene_layers[role] = layer
            else:
                _place(layer, data, frame)
                layer.contrast_limits = _widened(layer, limits)
            layer.metadata["mlpatch"]["title"] = scene.title
        # Whatever was on show belongs to another problem: show what this one looks like.
        self._leave_grid()
        self._only(self._scene_layers["preview"])
        self.viewer.reset_view()

    def _stretched(self, scene: Scene, shape: tuple[int, ...]) -> Frame:
        """A measurement covers the same area as the image, without meaning anything by it."""
        image = scene.problem.A.domain_shape
        scale = tuple(s * n / m for s, n, m in zip(scene.frame.scale, image, shape[-2:], strict=True))
        shift = tuple(
            t + (new - old) / 2.0 for t, new, old in zip(scene.frame.translate, scale, scene.frame.scale, strict=True)
        )
        return Frame(scale, shift, scene.frame.units, scene.frame.axis_labels)  # type: ignore[arg-type]

    # ---- entries --------------------------------------------------------------------------------------------

    def _show_entry(self, entry: Entry) -> None:
        layer, frame = self._entry_layers.get(entry.id), self._frame(entry)
        if frame is None or entry.id in self._closed_by_user:
            return
        if layer is None:
            # A layer takes napari 0.1 s. The click that started the job is answered first.
            _later(lambda: self._add_entry(entry)) if entry.job.active else self._add_entry(entry)
        elif layer.data.shape != frame.shape or layer.data.dtype != frame.dtype:
            _place(layer, frame.copy(), entry.scene.frame)
        elif entry.job.active:  # napari makes much more of new data: thumbnail, list of layers, sliders
            np.copyto(np.asarray(layer.data), frame)
            layer.refresh(thumbnail=False, highlight=False, extent=False)
        else:
            layer.data = frame.copy()

    def _frame(self, entry: Entry) -> np.ndarray | None:
        """What there is to show of an entry."""
        job, result = entry.job, entry.result
        if job.state in ("failed", "cancelled"):
            return None if result is None else to_image(entry.scene.problem.A.picture(result.x))
        return entry.scene.preview if job.frame is None and result is None else job.frame

    def _add_entry(self, entry: Entry) -> None:
        """Make the layer of an entry, then select it, then show it, each in a round of events of its own.

        Each of the three takes napari 50 to 100 ms, and the window answers in between.
        """
        frame = self._frame(entry)
        if frame is None or entry not in self.workbench.entries or entry.id in self._closed_by_user:
            return
        if entry.id in self._entry_layers:
            return
        limits = entry.scene.limits or entry.job.limits
        about = {"role": "result", "entry": entry.id}
        window = self.viewer.window._qt_window
        window.setUpdatesEnabled(False)
        _later(lambda: window.setUpdatesEnabled(True))
        with not_activated(self.viewer):
            self._entry_layers[entry.id] = layer = self._add(
                frame.copy(), entry.caption, entry.scene.frame, limits, about, visible=False
            )
        self._link_results()
        _later(lambda: self._present(layer))

    def _present(self, layer: Image) -> None:
        if layer not in self.viewer.layers:
            return
        self.viewer.layers.selection.active = layer
        _later(lambda: self._reveal(layer))

    def _reveal(self, layer: Image) -> None:
        if layer not in self.viewer.layers:
            return
        if self.viewer.canvas.grid.enabled:
            self.workbench.entries_changed.emit()  # who arranged the grid has one more to place
        else:
            self._only(layer)

    def _sync_entries(self) -> None:
        """Names, recipes and visibility; layers of removed entries go."""
        known = {e.id: e for e in self.workbench.entries}
        for number in [n for n in self._entry_layers if n not in known]:
            self._remove(self._entry_layers.pop(number))
        for key in [k for k in self._residual_layers if k[0] not in known]:
            self._remove(self._residual_layers.pop(key))
        for number, entry in known.items():
            if entry.shown and entry.result is not None and number in self._closed_by_user and not entry.job.active:
                self._closed_by_user.discard(number)
                self._show_entry(entry)
            layer = self._entry_layers.get(number)
            if layer is None and entry.job.active:
                self._show_entry(entry)
            if layer is None:
                continue
            _rename(layer, entry.caption)
            if entry.result is not None:
                layer.metadata["mlpatch"]["recipe"] = json.loads(entry.result.recipe.to_json())
                layer.metadata["mlpatch"]["metrics"] = dict(entry.result.metrics)
            if not entry.shown:
                _show(layer, False)
        self._link_results()

    def _link_results(self) -> None:
        images = [*self._entry_layers.values(), *(self._scene_layers[r] for r in ("truth",) if r in self._scene_layers)]
        if len(images) > 1:
            link_layers(images, LINKED)

    # ---- residuals ------------------------------------------------------------------------------------------

    def _show_residuals(self, entry: Entry, images: dict[str, np.ndarray]) -> None:
        for kind, data in images.items():
            frame = self._stretched(entry.scene, data.shape) if kind == "residual" else entry.scene.frame
            size = math.pi if kind == "phase" else max(abs(v) for v in contrast_limits(data))
            signed = bool(data.min() < 0)  # magnitudes of complex data are not
            key = (entry.id, kind)
            meta = {"role": kind, "entry": entry.id}
            layer = self._residual_layers.get(key)
            name = f"{RESIDUALS.get(kind, kind)}:\n{entry.named.short}\n{elided(entry.named.settings)}".strip()
            if layer is None:
                layer = self._add(data, name, frame, (-size if signed else 0.0, size), meta)
                layer.colormap = "twilight_shifted" if kind == "phase" else "RdBu" if signed else "magma"
                layer.visible = kind == "residual"
                self._residual_layers[key] = layer
            else:
                _place(layer, data, frame)
                _rename(layer, name)
        for kind in images:
            same = [layer for (_, k), layer in self._residual_layers.items() if k == kind]
            limits = [v or 0.0 for layer in same for v in layer.contrast_limits]
            widest = max((abs(v) for v in limits), default=0.0)
            if len(same) > 1:
                link_layers(same, LINKED)
                same[0].contrast_limits = (-widest if min(limits) < 0 else 0.0, widest)
        if self.viewer.canvas.grid.enabled:
            self.viewer.reset_view()

    # ---- views ----------------------------------------------------------------------------------------------

    def layer_of(self, entry: Entry) -> Image | None:
        return self._entry_layers.get(entry.id)

    def entry_of(self, layer: Layer | None) -> Entry | None:
        """The entry that a layer shows."""
        number = layer.metadata.get("mlpatch", {}).get("entry") if layer is not None else None
        return next((e for e in self.workbench.entries if e.id == number), None)

    def show_single(self, entry: Entry) -> None:
        """One result alone."""
        self._leave_grid()
        layer = self._entry_layers.get(entry.id)
        if layer is not None:
            self._only(layer)
            self.viewer.layers.selection.active = layer
        self.viewer.reset_view()

    def show_grid(self, residual: str | None = None) -> None:
        """Truth and all ticked results side by side, each with its name and figure; or above a kind of residual."""
        results = [self._entry_layers[e.id] for e in self.workbench.entries if e.shown and e.id in self._entry_layers]
        truth = [self._scene_layers["truth"]] if "truth" in self._scene_layers else []
        below: list[Image] = []
        if residual:
            shown = [e for e in self.workbench.entries if e.shown and e.id in self._entry_layers]
            below = [
                self._residual_layers[(e.id, residual)] for e in shown if (e.id, residual) in self._residual_layers
            ]
        if below:  # a column for each result; the truth has no residual
            truth = []
        cells = [*truth, *results, *below]
        for layer in self.viewer.layers:
            _show(layer, layer in cells)
            layer.name_overlay.visible = layer in cells
        layers = self.viewer.layers
        for layer in cells:  # napari fills the grid in the order of the list
            layers.move(layers.index(layer), len(layers))
        grid = self.viewer.canvas.grid
        grid.shape = (2, len(results)) if below else self._shape(len(cells))
        grid.stride, grid.spacing = 1, 0.02
        grid.enabled = True
        self._fit_captions(cells)
        self.viewer.reset_view()
        QTimer.singleShot(100, self.viewer.reset_view)  # once the cells have their size

    def _room(self) -> tuple[int, int]:
        """Width and height of the canvas."""
        canvas = self.viewer.window._qt_viewer.canvas.native
        return canvas.width(), canvas.height()

    def _shape(self, count: int) -> tuple[int, int]:
        """Rows and columns of a grid in which that many pictures are as large as they can be."""
        width, height = self._room()
        count = max(count, 1)  # the window may be closing
        shapes = [(rows, math.ceil(count / rows)) for rows in range(1, count + 1)]
        return max(shapes, key=lambda s: (min(width / s[1], height / s[0]), -s[0] * s[1]))

    def _fit_captions(self, cells: list[Image]) -> None:
        """Letters so small that no caption is wider than its cell."""
        if not cells:
            return
        width = self._room()[0] / max(self.viewer.canvas.grid.shape[1], 1)
        longest = max(len(line) for layer in cells for line in layer.name.split("\n"))
        size = max(SMALLEST, min(LARGEST, width / (LETTER * (longest + 2))))
        for layer in cells:
            layer.name_overlay.font_size = size

    def _leave_grid(self) -> None:
        for layer in self.viewer.layers:
            layer.name_overlay.visible = False
        self.viewer.canvas.grid.enabled = False

    def _only(self, layer: Layer) -> None:
        for other in self.viewer.layers:
            _show(other, other is layer)

    # ---- plumbing -------------------------------------------------------------------------------------------

    def _add(
        self,
        data: np.ndarray,
        name: str,
        frame: Frame,
        limits: tuple[float, float] | None,
        about: dict[str, Any],
        visible: bool = True,
    ) -> Image:
        layer = self.viewer.add_image(
            data,
            name=name,
            scale=frame.scale,
            translate=frame.translate,
            units=frame.units,
            axis_labels=frame.axis_labels,
            contrast_limits=limits,
            metadata={"mlpatch": dict(about)},
            visible=visible,
        )
        assert isinstance(layer, Image)
        layer.name_overlay.visible = self.viewer.canvas.grid.enabled
        return layer

    def _remove(self, layer: Layer) -> None:
        if layer in self.viewer.layers:
            unlink_layers([layer])
            self._ours = True
            self.viewer.layers.remove(layer)
            self._ours = False

    def _removed(self, event: Any) -> None:
        """The user deleted a layer: a running job goes on, and the table can bring the result back."""
        if self._ours:
            return
        for number, layer in list(self._entry_layers.items()):
            if layer is event.value:
                del self._entry_layers[number]
                self._closed_by_user.add(number)
                entry = next((e for e in self.workbench.entries if e.id == number), None)
                if entry is not None:
                    self.workbench.set_shown(entry, False)
        self._scene_layers = {k: v for k, v in self._scene_layers.items() if v is not event.value}
        self._residual_layers = {k: v for k, v in self._residual_layers.items() if v is not event.value}


@contextlib.contextmanager
def not_activated(viewer: Viewer) -> Iterator[None]:
    """Layers that are added meanwhile do not become the active one."""
    viewer.layers._activate_on_insert = False
    try:
        yield
    finally:
        viewer.layers._activate_on_insert = True


def _later(act: Callable[[], None]) -> None:
    """In the next round of events. After 0 ms would be in this one, before what it has to paint."""
    QTimer.singleShot(1, act)


def _show(layer: Layer, visible: bool) -> None:
    if layer.visible != visible:  # napari arranges the whole canvas anew even where nothing changes
        layer.visible = visible


def _rename(layer: Image, name: str) -> None:
    if layer.name != name:
        layer.name = name


def _place(layer: Image, data: np.ndarray, frame: Frame) -> None:
    layer.data = data
    layer.scale, layer.translate = frame.scale, frame.translate


def _widened(layer: Image, limits: tuple[float, float] | None) -> tuple[float, float]:
    """Contrast limits, with the slider's range made wide enough to hold them."""
    low, high = limits or (0.0, 1.0)
    lowest, highest = layer.contrast_limits_range
    layer.contrast_limits_range = (min(low, lowest or low), max(high, highest or high))
    return low, high
