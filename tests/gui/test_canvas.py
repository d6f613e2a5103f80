"""Removing layers from a window that has painted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

STEPS = 25


def test_a_removed_layer_is_freed_in_the_context_of_the_canvas(make_napari_viewer, qtbot):
    from qtpy.QtGui import QOpenGLContext

    from napari_mlpatch.gui import session

    viewer = make_napari_viewer(show=True)
    session(viewer)
    canvas = viewer.window._qt_viewer.canvas._scene_canvas
    for name in "ab":
        viewer.add_image(np.eye(64, dtype=np.float32), name=name)
    viewer.layers["a"].visible = False
    own = canvas.native.context
    canvas.native.update()
    qtbot.waitUntil(
        lambda: QOpenGLContext.currentContext() not in (None, own()), timeout=60_000
    )  # Qt has composed the window
    found = []
    finish = canvas.context.finish
    canvas.context.finish = lambda: (found.append(QOpenGLContext.currentContext()), finish())
    del viewer.layers["a"]
    assert found == [own()]


def test_clicks_at_random_neither_raise_nor_crash(tmp_path):
    # In a process of its own: what goes wrong in OpenGL ends the process.
    script = Path(__file__).with_name("monkey.py")
    command = [sys.executable, str(script), "7", str(STEPS), "96"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, f"{done.returncode}: {done.stdout[-2000:]} {done.stderr[-4000:]}"
    assert f"{STEPS} steps, 0 errors" in done.stdout
