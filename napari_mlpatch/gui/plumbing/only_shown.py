"""napari's canvas takes care of what is on show, and leaves alone what is hidden or has not changed."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari.components.overlays import LayerNameOverlay

from .cells import Cell, lay_out, lay_out_once, reshape, rest, swap, wake
from .one_bar import hand_over

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from .captions import Captions


def only_shown(viewer: Viewer) -> None:
    """Leave hidden pictures and their captions where they were: in a cell of the grid, or in the one view.

    A picture that is to stand in another cell takes its own there.

    napari (0.9.2) moves all layers to the one view when the grid is switched off, takes the captions of hidden layers
    to pieces, builds boxes around captions anew at each change of any layer, makes all cells anew for another shape of
    the grid, keeps the cameras of a hidden grid in step at each paint and each move, and finds out at each paint which
    part of every hidden layer would be in view.
    """
    canvas = viewer.window._qt_viewer.canvas
    own: Any = type(canvas)
    names = (
        "_setup_single_view",
        "_setup_layer_views_in_grid",
        "_init_or_update_grid",
        "_update_grid_spacing",
        "_update_layer_overlays",
        "_create_or_update_vispy_overlay",
    )
    others = ("grid", "grid_cameras", "layer_to_visual", "_pause_scene_graph")
    if not all(hasattr(canvas, name) for name in (*names, *others)):
        return
    grid, captions = viewer.canvas.grid, together(canvas)
    aside: list[Any] = []
    spare: list[Cell] = []

    def setup_single_view() -> None:
        for layer, visual in canvas.layer_to_visual.items():
            if layer.visible or visual.node.parent is None:
                visual.node.parent = canvas.view.scene
        canvas.grid.visible = False
        if canvas.grid_cameras:
            aside[:] = canvas.grid_cameras
            canvas.grid_cameras.clear()
            for camera in aside:
                rest(camera)

    def setup_layer_views_in_grid() -> None:
        views, layers = canvas.grid_views, viewer.layers
        place = {view.scene: i for i, view in enumerate(views)}
        for i, (_, inside) in enumerate(grid.iter_viewboxes(layers)):
            if not inside or len(place) != len(canvas.grid._grid_widgets):
                continue
            j = place.get(canvas.layer_to_visual[layers[inside[0]]].node.parent, -1)
            if j > i:
                swap(canvas, i, j)
                place[views[i].scene], place[views[j].scene] = i, j
        own._setup_layer_views_in_grid(canvas)

    def init_or_update_grid() -> None:
        if aside:
            canvas.grid_cameras[:] = aside
            aside.clear()
            for camera in canvas.grid_cameras:
                wake(camera)
        reshape(canvas, grid.actual_shape(viewer.layers), spare)
        canvas.grid.visible = True
        lay_out_once(canvas.grid)
        for camera in canvas.grid_cameras:
            compare_first(camera)

    def update_grid_spacing() -> None:
        if grid.enabled:
            own._update_grid_spacing(canvas)
            lay_out(viewer)  # before napari brings cameras and overlays up to the cells' size, not while it paints

    def update_layer_overlays(layer: Layer, event: Any = None) -> None:
        is_there = layer in viewer.layers
        if not is_there or (layer.visible and not canvas._pause_scene_graph):
            own._update_layer_overlays(canvas, layer)

    def create_or_update(overlay: Any, vispy_overlay: Any, parent: Any, **more: Any) -> Any:
        if vispy_overlay is not None and vispy_overlay.node.parent is parent:
            return vispy_overlay
        if vispy_overlay is None and captions is not None and isinstance(overlay, LayerNameOverlay):
            return captions.make(overlay, more["layer"], parent)
        if vispy_overlay is None:
            hand_over(canvas, overlay, more.get("layer"))
        return own._create_or_update_vispy_overlay(canvas, overlay, vispy_overlay, parent, **more)

    functions = (
        setup_single_view,
        setup_layer_views_in_grid,
        init_or_update_grid,
        update_grid_spacing,
        update_layer_overlays,
        create_or_update,
    )
    vars(canvas).update(zip(names, functions, strict=True))
    for layer in viewer.layers:
        draw_if_shown(layer)
    viewer.layers.events.inserted.connect(lambda event: draw_if_shown(event.value))


def together(canvas: Any) -> Captions | None:
    """What draws all captions; None where this napari or vispy has not what that takes: napari then draws each."""
    try:
        from .captions import Captions

        return Captions(canvas)
    except (ImportError, AttributeError):
        return None


def compare_first(camera: Any) -> None:
    """Ask a cell's camera at a paint only where it looks elsewhere than the canvas's: napari asks NumPy four times."""
    if not all(hasattr(camera, name) for name in ("_view", "_camera", "_2D_camera", "_last_viewbox_size")):
        return

    def on_draw(event: Any = None) -> None:
        view, model = camera._view, camera._camera
        same = (
            view.camera is camera._2D_camera
            and _close(camera._last_viewbox_size, view.rect.size)
            and _close(camera.center, model.center)
            and _close((camera.zoom, camera.perspective), (model.zoom, model.perspective))
        )
        if not same:
            type(camera).on_draw(camera, event)

    vars(camera)["on_draw"] = on_draw


def _close(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """As near as napari takes for the same."""
    return len(ours) == len(theirs) and all(
        abs(a - b) <= 1e-8 + 1e-5 * abs(b) for a, b in zip(ours, theirs, strict=True)
    )


def draw_if_shown(layer: Layer) -> None:
    """Find out which part of a layer is in view only while it is on show: napari does it anew when it is painted."""
    its = weakref.ref(layer)

    def update_draw(*args: Any, **options: Any) -> None:
        layer = its()
        if layer is not None and layer.visible:
            type(layer)._update_draw(layer, *args, **options)

    if hasattr(layer, "_update_draw"):
        vars(layer)["_update_draw"] = update_draw


class Fresh:
    """Shows layers whose slice is still the one on the canvas without slicing and loading it anew.

    napari slices a layer, uploads its picture and makes its thumbnail whenever it is shown; what ought to be done
    while it was hidden, it forgets. Here that is noted instead.
    """

    def __init__(self) -> None:
        self._stale: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._known: weakref.WeakSet[Layer] = weakref.WeakSet()

    def show(self, layer: Layer, visible: bool) -> None:
        """Show or hide it; nothing happens where it is so already."""
        if layer.visible == visible:  # napari arranges the whole canvas anew even where nothing changes
            return
        if visible and layer in self._known and layer not in self._stale:
            with layer._block_refresh():
                layer.visible = True
            return
        layer.visible = visible
        if visible:
            self._stale.discard(layer)
            self._watch(layer)

    def _watch(self, layer: Layer) -> None:
        if layer in self._known or not hasattr(layer, "_block_refresh"):
            return
        self._known.add(layer)
        its, stale = weakref.ref(layer), self._stale

        def refresh(*args: Any, **options: Any) -> None:
            layer = its()
            if layer is not None:
                if not layer.visible:
                    stale.add(layer)
                type(layer).refresh(layer, *args, **options)

        vars(layer)["refresh"] = refresh
