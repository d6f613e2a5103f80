"""The OpenGL objects of a removed layer are freed where they belong."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.viewer import Viewer


def free_in_own_context(viewer: Viewer) -> None:
    """Make the canvas's OpenGL context current whenever a layer is about to be removed."""
    # napari (0.9.2, VispyCanvas._clean_and_update_scenegraph) frees a removed layer's textures and shaders at once, in
    # whatever context is current. After a paint that is the one with which Qt composes the window. It shares the objects
    # but not the state: Mesa then unbinds the vertex shader of the canvas behind its own back, and the next draw of a
    # picture that is alone on show reads a null pointer (Mesa 22.3, llvmpipe). Other drivers may show nothing or garbage.
    canvas = viewer.window._qt_viewer.canvas._scene_canvas

    def make_current(event: object = None) -> None:
        with contextlib.suppress(RuntimeError):  # the window is closing: Qt has deleted the canvas
            canvas.set_current()

    viewer.layers.events.removing.connect(make_current)
