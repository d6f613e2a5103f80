"""Shader programs are compiled once for each text, and draw what they would draw if they were compiled anew."""

from __future__ import annotations

import numpy as np
from vispy.gloo.program import Program

from napari_mlpatch.gui.plumbing.programs import compile_once

VERTEX = (
    "attribute vec2 at;  // a place\nuniform vec2 shift[2];\nvoid main() { gl_Position = vec4(at + shift[0], 0., 1.); }"
)
RED, GREY = (
    f"uniform float grey;\nvoid main() {{ gl_FragColor = vec4({c}, 1.); }}" for c in ("1., 0., 0.", "vec3(grey)")
)


def links(program: Program) -> int:
    return sum(command[0] == "LINK" for command in program.glir._shared._commands)


def test_the_same_text_is_not_compiled_again():
    compile_once()
    program = Program(VERTEX, GREY)
    program["grey"] = 0.5
    before = links(program)
    program.set_shaders(VERTEX, GREY)
    assert links(program) == before and program["grey"] == 0.5
    program.set_shaders(VERTEX, RED)
    assert links(program) == before + 1 and [shader.code for shader in program.shaders or ()] == [VERTEX, RED]
    program.set_shaders(VERTEX, GREY)
    assert links(program) == before + 2, "it is another text than the one before"


def test_variables_are_read_as_vispy_reads_them():
    compile_once()
    own = Program._mlpatch_own_parse  # pyright: ignore[reportAttributeAccessIssue]
    for _ in range(2):  # read, and remembered
        program = Program(VERTEX, GREY)
        found = dict(program._code_variables)
        own(program)
        assert found == program._code_variables
        assert {"at", "shift", "shift[1]", "grey"} <= set(found)
    found["grey"] = None
    assert Program(VERTEX, GREY)._code_variables["grey"] is not None, "each program has its own"


def test_pictures_that_change_their_cell_look_as_they_did(make_napari_viewer):
    compile_once()
    viewer, random = make_napari_viewer(show=True), np.random.default_rng(0)
    for name in ("one", "two", "three"):
        layer = viewer.add_image(random.random((8, 8)), name=name)
        layer.name_overlay.visible = True

    def picture() -> np.ndarray:
        return viewer.screenshot(canvas_only=True, flash=False)

    viewer.canvas.grid.enabled = True
    viewer.reset_view()
    picture()  # napari sizes the cells while it paints
    before = picture()
    viewer.layers[1].visible = False
    without = picture()
    viewer.layers.move(0, 3)
    viewer.layers[0].visible = True
    assert not np.array_equal(before, without)
    moved = picture()
    assert not np.array_equal(moved, before) and not np.array_equal(moved, without)
    viewer.layers.move(2, 0)
    assert np.array_equal(picture(), before)
    viewer.layers[1].visible = False
    assert np.array_equal(picture(), without)
