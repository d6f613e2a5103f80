"""A colour bar goes from the picture that is hidden to the one that is shown, instead of being made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.components.overlays import ColorBarOverlay

from .private import module

if TYPE_CHECKING:
    from napari.layers import Layer

colorbar = module("napari._vispy.overlays.colorbar")
_spare: list[Any] = []
"""Nodes of bars that were taken away, for the one that is being made."""
OTHERS = ("_layer_overlay_to_visual", "_disconnect_canvas_overlay_events", "_overlay_callbacks")
"""What of napari's canvas that takes."""


def hand_over(canvas: Any, overlay: Any, layer: Layer | None) -> None:
    """Before napari makes a bar for a layer: let it find the parts of one that a hidden layer has.

    Axis, letters, image and frame are six programs, which take napari (0.9.2) and vispy as long as a picture does.
    """
    _spare.clear()
    if not isinstance(overlay, ColorBarOverlay) or _OWN is None or not all(hasattr(canvas, name) for name in OTHERS):
        return
    colorbar.ColorBar = _made
    for other, visuals in canvas._layer_overlay_to_visual.items():
        for its, visual in list(visuals.items()):
            if other is not layer and isinstance(its, ColorBarOverlay) and not visual._should_be_visible():
                if visual.node.parent is None:  # its cell is gone, and what it was clipped to
                    continue
                del visuals[its]
                _take(canvas, other, its, visual)
                return


def _take(canvas: Any, layer: Layer, overlay: Any, visual: Any) -> None:
    """Close a bar as napari does, but for its node; it is made anew when it is wanted again."""
    node = visual.node
    transforms = node.transforms
    canvas._disconnect_canvas_overlay_events(overlay)
    visual.close()
    node.transforms = transforms
    for part in node.children:  # napari leaves them clipped to the cell that they were in
        for cell in list(part._clippers):
            part._set_clipper(cell, None)
    callback = canvas._overlay_callbacks.get(layer)
    if callback is not None:
        overlay.events.visible.connect(callback, unique=True)
    _spare.append(node)


_OWN: Any = getattr(colorbar, "ColorBar", None)
"""napari's node of a bar."""


def _made(font_info: Any) -> Any:
    return _spare.pop() if _spare else _OWN(font_info)
