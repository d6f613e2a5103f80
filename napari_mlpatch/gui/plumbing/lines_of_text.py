"""Many lines of text on the canvas, over shades, drawn by two programs instead of two for each line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari._vispy.utils.gl import BLENDING_MODES
from vispy.gloo import IndexBuffer, VertexBuffer
from vispy.scene.visuals import create_visual_node
from vispy.visuals import CompoundVisual, TextVisual
from vispy.visuals.text.text import _text_to_vbo
from vispy.visuals.visual import Visual

from .fitted import DPI

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of the canvas."""
Colour = tuple[float, float, float, float]
EACH = np.array([0, 1, 2, 0, 2, 3], np.uint32)
"""Corners of a letter, or of a shade, as two triangles."""
KINDS = 8
"""Of sizes, anchors and blendings, whose programs are kept."""
TEXTS = 256
"""Whose letters are remembered, each where it stands within its line."""
VERTEX = """
attribute vec2 a_corner;
attribute vec4 a_color;
varying vec4 v_color;
void main() { v_color = a_color; gl_Position = $transform(vec4(a_corner, 0.0, 1.0)); }
"""
FRAGMENT = "varying vec4 v_color; void main() { gl_FragColor = v_color; }"


@dataclass(frozen=True)
class Line:
    """A line of text as it stands on the canvas: ``at`` is the place of its ``anchors``, in pixels of the canvas."""

    text: str
    at: tuple[float, float]
    size: float
    """In points, as napari takes them."""
    anchors: tuple[str, str]
    colour: Colour
    shade: Box | None
    shade_colour: Colour
    room: Box
    """Outside of which nothing of it is drawn."""
    blending: str

    @property
    def kind(self) -> tuple[float, tuple[str, str], str]:
        """What lines that are drawn together have in common."""
        return self.size, self.anchors, self.blending


class ShadesVisual(Visual):
    """The shades of lines."""

    def __init__(self, blending: str):
        Visual.__init__(self, VERTEX, FRAGMENT)
        self._draw_mode = "triangles"
        self.set_gl_state(**BLENDING_MODES[blending])
        self.freeze()

    def set_lines(self, lines: Sequence[Line]) -> None:
        boxes = np.array([line.shade for line in lines], np.float32)
        rooms = np.array([line.room for line in lines], np.float32)
        boxes[:, :2], boxes[:, 2:] = np.maximum(boxes[:, :2], rooms[:, :2]), np.minimum(boxes[:, 2:], rooms[:, 2:])
        boxes[:, 2:] = np.maximum(boxes[:, :2], boxes[:, 2:])
        corners = boxes[:, [[0, 1], [2, 1], [0, 3], [2, 1], [0, 3], [2, 3]]]
        colours = np.array([line.shade_colour for line in lines], np.float32)
        self.shared_program["a_corner"] = np.ascontiguousarray(corners.reshape(-1, 2))
        self.shared_program["a_color"] = np.repeat(colours, 6, axis=0)

    def _prepare_transforms(self, view: Any) -> None:
        view.view_program.vert["transform"] = view.transforms.get_transform()


class LettersVisual(TextVisual):
    """The letters of lines of one kind. vispy makes each letter anew for a new text; here those of a line are kept."""

    def __init__(self, font_manager: Any, face: str, size: float, anchors: tuple[str, str], blending: str):
        self._points = size
        self._rooms: list[Box] = []
        self._made: dict[str, np.ndarray] = {}
        across, down = anchors
        TextVisual.__init__(self, [], face=face, font_manager=font_manager, anchor_x=across, anchor_y=down)
        self.set_gl_state(**BLENDING_MODES[blending])

    def set_lines(self, lines: Sequence[Line]) -> None:
        self.text = [line.text for line in lines]
        self.pos = np.array([line.at for line in lines], np.float32)
        self.color = np.array([line.colour for line in lines], np.float32)
        self._rooms = [line.room for line in lines]

    def _letters(self, text: str) -> np.ndarray:
        """Four vertices to each letter, as vispy makes them."""
        if text not in self._made:
            if len(self._made) >= TEXTS:
                self._made.clear()
            (across, down), font = self._anchors, self._font
            made = _text_to_vbo(text, font, across, down, font._lowres_size, self._line_height)
            self._made[text] = made
        return self._made[text]

    def _prepare_draw(self, view: Any) -> Any:
        self._font_size = self._points * DPI / self.transforms.dpi
        if self._vertices is None and self.text:
            pixels = self._points * DPI / 72
            lines = zip(self.text, self._pos, self._rooms, strict=True)
            self._vertices_data = np.concatenate(
                [cut(self._letters(text), at, room, pixels) for text, at, room in lines]
            )
            self._vertices = VertexBuffer(self._vertices_data)
            firsts = np.arange(0, len(self._vertices_data), 4, dtype=np.uint32)
            self._index_buffer = IndexBuffer((EACH + firsts[:, np.newaxis]).ravel())
            self.shared_program.bind(self._vertices)
            self._configure_gl_state()  # as vispy does after it has drawn letters into its texture
        return super()._prepare_draw(view)


def cut(letters: np.ndarray, at: np.ndarray, room: Box, pixels: float) -> np.ndarray:
    """What of a line's letters lies in its room. Four vertices to a letter; ``pixels`` to a unit of theirs, y upwards.

    A letter that crosses the edge keeps the part within, of its texture too.
    """
    low = (room[0] - at[0]) / pixels, (at[1] - room[3]) / pixels
    high = (room[2] - at[0]) / pixels, (at[1] - room[1]) / pixels
    place = letters["a_position"]
    if not len(place) or ((place >= low).all() and (place <= high).all()):
        return letters
    letters = letters.copy()
    place, texture = (letters[name].reshape(-1, 4, 2) for name in ("a_position", "a_texcoord"))
    first, last = place[:, :1].copy(), place[:, 2:3].copy()  # corners that lie across from each other
    span = np.where(last == first, 1, last - first)
    place[:] = np.clip(place, low, high)
    texture[:] = texture[:, :1] + (place - first) / span * (texture[:, 2:3] - texture[:, :1])
    return letters


class LinesVisual(CompoundVisual):
    """The lines that ``lines()`` gives at each painting; only what has changed is made anew."""

    def __init__(self, font_manager: Any, face: str, lines: Callable[[], Sequence[Line]]):
        self._font = {"font_manager": font_manager, "face": face}
        self._lines, self._on_show = lines, ()
        self._letters: dict[Any, LettersVisual] = {}
        self._shades: dict[str, ShadesVisual] = {}
        CompoundVisual.__init__(self, [])

    def _prepare_draw(self, view: Any) -> bool:
        lines = tuple(self._lines())
        if lines != self._on_show:
            self._on_show = lines
            self._fill(lines)
        return bool(lines)

    def _fill(self, lines: Sequence[Line]) -> None:
        by_kind, by_blending = defaultdict(list), defaultdict(list)
        for line in lines:
            if line.text:
                by_kind[line.kind].append(line)
            if line.shade is not None:
                by_blending[line.blending].append(line)
        self._drop_unused(by_kind)
        for blending in by_blending.keys() - self._shades.keys():
            shades = self._shades[blending] = ShadesVisual(blending)
            self.add_subvisual(shades)
            self._subvisuals.insert(0, self._subvisuals.pop())  # drawn before all letters
        for kind in by_kind.keys() - self._letters.keys():
            size, anchors, blending = kind
            letters = self._letters[kind] = LettersVisual(size=size, anchors=anchors, blending=blending, **self._font)
            self.add_subvisual(letters)
        for visuals, groups in ((self._shades, by_blending), (self._letters, by_kind)):
            for key, visual in visuals.items():
                visual.visible = key in groups
                if key in groups:
                    visual.set_lines(groups[key])

    def _drop_unused(self, wanted: dict[Any, list[Line]]) -> None:
        for kind in [kind for kind in self._letters if kind not in wanted][: max(0, len(self._letters) - KINDS)]:
            self.remove_subvisual(self._letters.pop(kind))


Lines: Any = create_visual_node(LinesVisual)
