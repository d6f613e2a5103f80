"""The OpenGL objects of a removed layer are freed where they belong."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.viewer import Viewer


def free_in_own_context(viewer: Viewer) -> None:
    """Make the canvas's OpenGL context current whenever a layer is about to be removed."""
    # napari (0.9.2, VispyCanvas._clean_and_update_scenegraph) frees a removed layer's textures and shaders at once, in
    # whatever context is current: after a paint, the one with which Qt composes the window. That one shares the
    # objects, not the state. Mesa (22.3, llvmpipe) then unbinds the canvas's vertex shader behind its own back, and
    # drawing a picture that is alone on show follows a null pointer. Other drivers may leave such errors unseen.
    canvas = viewer.window._qt_viewer.canvas._scene_canvas

    def make_current(event: object = None) -> None:
        with contextlib.suppress(RuntimeError):  # the window is closing: Qt has deleted the canvas
            canvas.set_current()

    viewer.layers.events.removing.connect(make_current)
