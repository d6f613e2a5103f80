"""Adding, placing and hiding layers of ours, so that the rest of the stage tells them from a user's doings.

A layer of ours carries ``metadata["mlpatch"] = {"role": ..., "entry": id, "recipe": {...}}`` and is never looked up by
its name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from napari.layers import Image, Layer
from napari.viewer import Viewer

from napari_mlpatch.gui.plumbing.garbage import collect_soon
from napari_mlpatch.gui.plumbing.only_shown import Fresh
from napari_mlpatch.gui.plumbing.paint_after import PaintAfter
from napari_mlpatch.gui.plumbing.scenegraph import at_once
from napari_mlpatch.workbench.scene import Frame, Scene


class Canvas:
    """The layers of a viewer. ``ours`` is true while we ourselves change them."""

    def __init__(self, viewer: Viewer):
        self.viewer, self.ours = viewer, False
        self._paint = PaintAfter(viewer)
        self.hold_paint = self._paint.hold

    @contextlib.contextmanager
    def acting(self) -> Iterator[None]:
        """What happens to layers meanwhile is our doing."""
        before, self.ours = self.ours, True
        try:
            yield
        finally:
            self.ours = before

    def add(self, data: np.ndarray, name: str, frame: Frame, about: dict[str, Any], **more: Any) -> Image:
        """A new layer, hidden and not active. ``more`` goes to napari."""
        with self._paint.needless(), self.acting(), not_activated(self.viewer):
            layer = self.viewer.add_image(
                data,
                name=name,
                scale=frame.scale,
                translate=frame.translate,
                units=frame.units,
                axis_labels=frame.axis_labels,
                metadata={"mlpatch": dict(about)},
                visible=False,
                **more,
            )
        assert isinstance(layer, Image)
        draw_thumbnail(layer)
        return layer

    def remove(self, layer: Layer) -> None:
        """Take a layer away. Its memory follows in a moment: napari collects all garbage for each layer."""
        if layer in self.viewer.layers:
            self.hold_paint()
            with self.acting(), at_once(self.viewer):
                self.viewer.layers.remove(layer)
            canvas = self.viewer.window._qt_viewer.canvas._scene_canvas
            collect_soon(canvas.set_current, canvas.context.finish)  # as napari does, a moment later

    def only(self, shown: Iterable[Layer]) -> None:
        """Show these pictures and no other. What a person has drawn on top (shapes, points) stays as it is."""
        wanted = set(shown)
        with self.acting(), at_once(self.viewer):
            for layer in list(self.viewer.layers):
                if layer not in wanted and isinstance(layer, Image):
                    set_visible(layer, False)
            for layer in wanted:
                set_visible(layer, True)

    def activate(self, layer: Layer | None) -> None:
        """Make it napari's active layer, whose controls are on the left. A region that is being drawn stays it."""
        before = self.viewer.layers.selection.active
        if before is not None and before.visible and before.metadata.get("mlpatch", {}).get("role") == "region":
            return
        if self.viewer.layers.selection.active is not layer and (layer is None or layer in self.viewer.layers):
            with self.acting():
                self.viewer.layers.selection.active = layer


@contextlib.contextmanager
def not_activated(viewer: Viewer) -> Iterator[None]:
    """Layers that are added meanwhile do not become the active one."""
    viewer.layers._activate_on_insert = False
    try:
        yield
    finally:
        viewer.layers._activate_on_insert = True


fresh = Fresh()


def set_visible(layer: Layer, visible: bool) -> None:
    fresh.show(layer, visible)


def draw_thumbnail(layer: Image) -> None:
    """What stands in napari's list: of a layer that has never been shown, napari makes a black one."""
    if not layer.visible:
        layer.set_view_slice()
    layer._update_thumbnail()


def rename(layer: Layer, name: str) -> None:
    if layer.name != name:
        layer.name = name


def place(layer: Image, data: np.ndarray, frame: Frame) -> None:
    """Other data, at another place."""
    if layer.data.shape == data.shape and layer.data.dtype == data.dtype:
        # napari makes much more of new data: thumbnail, list of layers, sliders
        np.copyto(np.asarray(layer.data), data)
        layer.refresh(thumbnail=False, highlight=False, extent=False)
    else:
        layer.data = data.copy()
    for name, value in (("scale", frame.scale), ("translate", frame.translate), ("axis_labels", frame.axis_labels)):
        if tuple(getattr(layer, name)) != value:
            setattr(layer, name, value)
    if tuple(str(unit) for unit in layer.units) != frame.units:
        layer.units = frame.units


def stretched(scene: Scene, shape: tuple[int, ...]) -> Frame:
    """Where a measurement lies: it covers the same area as the image, without meaning anything by it."""
    image = scene.problem.A.domain_shape
    scale = tuple(s * n / m for s, n, m in zip(scene.frame.scale, image, shape[-2:], strict=True))
    shift = tuple(
        t + (new - old) / 2.0 for t, new, old in zip(scene.frame.translate, scale, scene.frame.scale, strict=True)
    )
    return Frame(scale, shift, scene.frame.units, scene.frame.axis_labels)  # type: ignore[arg-type]
