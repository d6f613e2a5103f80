"""The names of all pictures on the canvas are drawn together."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components._viewer_constants import CanvasPosition
from napari.components.overlays import LayerNameOverlay
from vispy.scene import Widget

from . import shade
from .fitted import fitted, wide
from .lines_of_text import Colour, Line, Lines

if TYPE_CHECKING:
    from napari.layers import Layer

ABOVE = 10**6
"""Order of drawing: above all else on the canvas."""
BESIDE = 0.8
"""Of the padding, that the shade is larger than its letters; and of the canvas's colour in it. As napari has it."""
OPPOSITE = 1.2
"""How much further from grey than the shade the letters are, as napari has it."""
ANCHORS = {
    CanvasPosition.TOP_LEFT: ("left", "bottom"),
    CanvasPosition.TOP_RIGHT: ("right", "bottom"),
    CanvasPosition.TOP_CENTER: ("center", "bottom"),
    CanvasPosition.BOTTOM_RIGHT: ("right", "top"),
    CanvasPosition.BOTTOM_LEFT: ("left", "top"),
    CanvasPosition.BOTTOM_CENTER: ("center", "top"),
}
SHARES = {"left": 0.0, "center": 0.5, "right": 1.0, "bottom": 0.0, "top": 1.0}
"""Where an anchor lies between the left and the right, the upper and the lower end of a caption."""


class Captions:
    """Makes and draws the captions of one canvas of napari's.

    napari (0.9.2) draws each by a program for its letters and one for its shade, each with buffers of its own: of the
    time that painting a grid of twenty pictures takes, that was the greater part.
    """

    def __init__(self, canvas: Any):
        self._made: weakref.WeakKeyDictionary[Caption, None] = weakref.WeakKeyDictionary()
        self._model, self._font = canvas.viewer, canvas.font_info()
        its = weakref.ref(self)

        def lines() -> list[Line]:
            captions = its()
            return [] if captions is None else list(captions.lines())

        self._node = Lines(self._font.font_manager, self._font.face, lines, parent=canvas._scene_canvas.scene)
        self._node.order = ABOVE

    def make(self, overlay: LayerNameOverlay, layer: Layer, parent: Any) -> Caption:
        """What napari is to hold for the visual of a name. It is drawn while it and its layer are visible."""
        made = Caption(overlay, self._model, layer, parent, self._font.face, self._node.update)
        self._made[made] = None
        return made

    def lines(self) -> Iterator[Line]:
        """Those on show, as they stand now."""
        canvas = np.asarray(self._model.canvas.background_color, float)
        for caption in sorted(self._made, key=lambda caption: caption.overlay.order):
            line = caption.line(canvas)
            if line is not None:
                yield line


class Caption:
    """Stands for napari's visual of a layer's name: has a cell, a place and a size, but draws nothing itself."""

    def __init__(
        self, overlay: LayerNameOverlay, viewer: Any, layer: Layer, parent: Any, face: str, changed: Callable[[], None]
    ):
        self.overlay, self.layer = overlay, layer
        self._text, self._width, self._height = layer.name, 0.0, 0.0
        self._fits = ("", 0.0, 0.0)
        self._viewer, self._face, self._changed = viewer, face, changed
        self.node = Place(parent, changed)
        overlay.events.connect(self._on_change)
        layer.events.name.connect(self._on_change)
        layer.events.visible.connect(self._on_change)
        self._on_change()

    def close(self) -> None:
        """It is not drawn any more."""
        self.overlay.events.disconnect(self._on_change)
        self.layer.events.name.disconnect(self._on_change)
        self.layer.events.visible.disconnect(self._on_change)
        self.node.parent = None
        self._changed()

    def _on_change(self, event: Any = None) -> None:
        self._fit()
        self._viewer.canvas.events._overlay_positions_changed()
        self._changed()

    def _fit(self) -> None:
        """Text and size in the cell as it is now."""
        room = self.node.room()
        free = wide(self._viewer, self.layer, room[2] - room[0]) if room is not None else math.inf
        fits = (self.layer.name, self.overlay.font_size, free)
        if fits != self._fits:
            self._fits = fits
            self._text, self._width, self._height = fitted(*fits[:2], self._face, free)

    @property
    def x_size(self) -> float:
        """Width in pixels: napari asks for it before it places what is on the canvas."""
        self._fit()
        return self._width

    @property
    def y_size(self) -> float:
        """Height in pixels."""
        self._fit()
        return self._height

    def _on_box_change(self) -> None:
        """napari has moved it to another cell."""
        self._changed()

    def line(self, canvas: np.ndarray) -> Line | None:
        """It as it is to be drawn over a canvas of this colour; None where it is not on show."""
        overlay = self.overlay
        if not (overlay.visible and self.layer.visible):
            return None
        room = self.node.room()
        if room is None:
            return None
        self._fit()
        x, y = room[0] + self.node.transform.translate[0], room[1] + self.node.transform.translate[1]
        anchors = ANCHORS.get(overlay.position, ("left", "bottom"))
        across, down = (SHARES[anchor] for anchor in anchors)
        own = overlay.box_color
        letters = overlay.color
        if letters is None:
            letters = _opposite(own if overlay.box and own is not None else canvas)
        behind = own if own is not None else canvas * (1, 1, 1, BESIDE)
        return Line(
            text=self._text,
            at=(x + across * self.x_size, y + down * self.y_size),
            size=overlay.font_size,
            anchors=anchors,
            colour=_colour(letters, overlay.opacity),
            shade=self._shade(x, y) if overlay.box else None,
            shade_colour=_colour(behind, 1.0),
            room=room,
            blending=overlay.blending,
        )

    def _shade(self, x: float, y: float) -> tuple[float, float, float, float]:
        beside, above = (BESIDE * pad for pad in self._viewer.canvas.overlay_tiling.padding)
        width, height = shade.WIDER * (self.x_size + beside), self.y_size + above
        middle = x + self.x_size / 2, y + self.y_size / 2
        return middle[0] - width / 2, middle[1] - height / 2, middle[0] + width / 2, middle[1] + height / 2


class Place:
    """What napari sets of a caption: the view box it lies in, ``parent``, and where in it, ``transform.translate``."""

    def __init__(self, parent: Any, changed: Callable[[], None]):
        self.parent, self.transform = parent, Shift(changed)

    @property
    def parent(self) -> Any:
        return self._parent()

    @parent.setter
    def parent(self, parent: Any) -> None:
        self._parent = weakref.ref(parent) if parent is not None else lambda: None

    def room(self) -> tuple[float, float, float, float] | None:
        """Of its view box, in pixels of the canvas; None where that is not on show."""
        view, x, y = self.parent, 0.0, 0.0
        if view is None:
            return None
        inner = view.inner_rect
        node = view
        while isinstance(node, Widget):
            if not node.visible:
                return None
            left, top = node.pos
            x, y, node = x + left, y + top, node.parent
        if node is None:  # of a grid that is no more
            return None
        return float(x + inner.left), float(y + inner.bottom), float(x + inner.right), float(y + inner.top)


class Shift:
    """What a caption has of vispy's STTransform."""

    def __init__(self, changed: Callable[[], None]):
        self._changed, self._translate = changed, np.zeros(4)

    @property
    def translate(self) -> np.ndarray:
        return self._translate

    @translate.setter
    def translate(self, translate: Any) -> None:
        new = np.asarray(translate, float)
        if not np.array_equal(new, self._translate):
            self._translate = new
            self._changed()


def _opposite(colour: Any) -> np.ndarray:
    """Letters that are read over this colour, of its opacity."""
    opposite = np.clip(0.5 + (0.5 - np.asarray(colour, float)) * OPPOSITE, 0, 1)
    opposite[-1] = colour[-1]
    return opposite


def _colour(rgba: Any, opacity: float) -> Colour:
    red, green, blue, alpha = (float(part) for part in rgba)
    return red, green, blue, alpha * opacity
