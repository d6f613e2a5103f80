"""A colour bar that goes from one picture to the next looks as one that is made anew."""

from __future__ import annotations

import numpy as np
from napari._vispy.overlays import colorbar

from napari_mlpatch.gui.plumbing import one_bar
from napari_mlpatch.gui.plumbing.only_shown import only_shown
from napari_mlpatch.gui.plumbing.programs import compile_once
from napari_mlpatch.gui.plumbing.scenegraph import at_once


def walk(viewer) -> list[np.ndarray]:
    """Screenshots of bars, of two pictures in turn and side by side."""
    viewer.add_image(np.eye(8), name="one", colormap="magma", contrast_limits=(0, 1))
    viewer.add_image(np.eye(8), name="two", colormap="gray", contrast_limits=(-3, 3), visible=False)
    first, second = viewer.layers
    seen = []

    def look() -> None:
        for _ in range(2):  # napari sizes the cells while it paints
            picture = viewer.screenshot(canvas_only=True, flash=False)
        seen.append(picture)

    viewer.reset_view()
    first.colorbar.visible = True
    look()
    for hidden, shown in ((first, second), (second, first)):
        with at_once(viewer):
            hidden.visible = hidden.colorbar.visible = False
            shown.visible = shown.colorbar.visible = True
        look()
    with at_once(viewer):
        second.visible = second.colorbar.visible = True
        viewer.canvas.grid.enabled = True
    look()
    with at_once(viewer):
        viewer.canvas.grid.enabled = False
        first.visible = False
    second.colorbar.size = (20, 60)
    look()
    return seen


def test_a_bar_looks_the_same_wherever_its_parts_were_before(make_napari_viewer, monkeypatch):
    compile_once()
    monkeypatch.setattr(colorbar, "ColorBar", one_bar._OWN)
    viewer = make_napari_viewer(show=True)
    expected = walk(viewer)
    viewer.canvas.grid.enabled = False
    viewer.layers.clear()
    only_shown(viewer)
    made = []
    own = one_bar._made
    monkeypatch.setattr(one_bar, "_made", lambda font_info: made.append(own(font_info)) or made[-1])
    for i, (ours, theirs) in enumerate(zip(walk(viewer), expected, strict=True)):
        assert np.array_equal(ours, theirs), f"after change {i}"
    assert made[0] is made[1] is made[2] and made[3] is not made[0]
