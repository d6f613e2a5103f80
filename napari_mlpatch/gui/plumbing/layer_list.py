"""napari's list of layers is painted again where something that it shows has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.viewer import Viewer

SHOWN = frozenset({"thumbnail", "visible", "name", "loaded", "locked"})
"""Events of a layer that change its row."""


def paint_what_changed(viewer: Viewer) -> None:
    """Let events that no row shows pass by.

    napari (0.9.2) paints a row, thumbnail, icons and all, at every event of its layer: a new opacity, a picture's new
    values, another magnification of the canvas.
    """
    view = getattr(viewer.window._qt_viewer, "layers", None)
    proxy = view.model() if view is not None else None
    model: Any = proxy.sourceModel() if hasattr(proxy, "sourceModel") else None
    if not hasattr(model, "_process_event"):
        return
    own = type(model)._process_event

    def process_event(event: Any) -> None:
        if getattr(event, "type", None) in SHOWN:
            own(model, event)

    vars(model)["_process_event"] = process_event
