"""The box behind a caption: one small program, whose size and colour are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from vispy.color import Color
from vispy.scene.visuals import create_visual_node
from vispy.visuals.visual import Visual

from .private import module

base = module("napari._vispy.overlays.base")
VERTEX = """
attribute vec2 a_corner;
uniform vec2 u_center;
uniform vec2 u_size;
void main() { gl_Position = $transform(vec4(u_center + u_size * a_corner, 0.0, 1.0)); }
"""
FRAGMENT = "uniform vec4 u_color; void main() { gl_FragColor = u_color; }"
WIDER = 1.04
"""Of what napari measures: letters on the canvas are a little wider than Qt's, by which it does."""
CORNERS = np.array([(-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)], np.float32)


class ShadeVisual(Visual):
    """What napari's overlays use of vispy's Rectangle: ``center``, ``width``, ``height``, ``color``. Without a border.

    vispy's has two programs, and writes and compiles one of them anew at each of these settings.
    """

    def __init__(self, center: tuple[float, float] = (0, 0), border_width: float = 0):
        Visual.__init__(self, VERTEX, FRAGMENT)
        self._center, self._size, self._color = (0.0, 0.0), [1.0, 1.0], Color("black")
        self.shared_program["a_corner"] = CORNERS
        self._draw_mode = "triangle_strip"
        self.set_gl_state("translucent", depth_test=False)
        self.freeze()
        self._set("u_center", center)
        self._set("u_size", self._size)
        self._set("u_color", self._color.rgba)

    def _prepare_transforms(self, view: Any) -> None:
        view.view_program.vert["transform"] = view.transforms.get_transform()

    def _set(self, name: str, value: Any) -> None:
        self.shared_program[name] = np.asarray(value, np.float32)
        self.update()

    @property
    def center(self) -> tuple[float, float]:
        return self._center

    @center.setter
    def center(self, center: tuple[float, float]) -> None:
        if self._center != tuple(center):
            self._center = (center[0], center[1])
            self._set("u_center", self._center)

    @property
    def width(self) -> float:
        return self._size[0]

    @width.setter
    def width(self, width: float) -> None:
        self._resize(0, width)

    @property
    def height(self) -> float:
        return self._size[1]

    @height.setter
    def height(self, height: float) -> None:
        self._resize(1, height)

    def _resize(self, axis: int, length: float) -> None:
        if self._size[axis] != length:
            self._size[axis] = length
            self._set("u_size", (WIDER * self._size[0], self._size[1]))

    @property
    def color(self) -> Color:
        return self._color

    @color.setter
    def color(self, color: Any) -> None:
        wanted = Color(color, clip=True)
        if not np.array_equal(wanted.rgba, self._color.rgba):
            self._color = wanted
            self._set("u_color", wanted.rgba)


Shade: Any = create_visual_node(ShadeVisual)


def light_boxes() -> None:
    """Let napari's overlays have these boxes from now on."""
    if hasattr(base, "Rectangle"):
        base.Rectangle = Shade
