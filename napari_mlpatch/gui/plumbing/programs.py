"""Shader programs are compiled once for each text."""

from __future__ import annotations

import functools
import weakref
from typing import Any

from vispy.gloo import glir
from vispy.gloo.program import Program

from .private import module

parsing = module("vispy.visuals.shaders.parsing")
TEXTS = 256
"""Texts of programs whose variables are remembered; a window needs about thirty."""


def compile_once() -> None:
    """Make vispy compile a program anew only where its text is another one, and read each text only once.

    vispy (0.17) writes the text of a program again whenever a picture or a letter gets another parent or another
    transform, and then compiles, links and parses it, though it nearly always is the same text: 40 ms for each of the
    three programs of a picture with a caption, so that a grid of twenty took seconds for each tick.
    """
    if hasattr(Program, "_mlpatch_own_parse") or not hasattr(Program, "_parse_variables_from_code"):
        return
    if not (hasattr(parsing, "find_program_variables") and hasattr(glir, "_convert_desktop_shader")):
        return
    own_set, own_parse = Program.set_shaders, Program._parse_variables_from_code
    texts: weakref.WeakKeyDictionary[Program, tuple[str, str, str | None]] = weakref.WeakKeyDictionary()
    variables: dict[tuple[str, ...], dict[str, Any]] = {}

    def set_shaders(
        self: Program, vert: str, frag: str, geom: str | None = None, update_variables: bool = True
    ) -> None:
        text = (vert, frag, geom)
        if texts.get(self) != text:
            texts.pop(self, None)  # where it fails
            own_set(self, vert, frag, geom, update_variables)
            texts[self] = text
            return
        self._pending_variables.update(self._user_variables)  # they are set anew, as after compiling
        self._user_variables = {}
        if update_variables:
            self._process_pending_variables()

    def parse(self: Program, update_variables: bool = True) -> None:
        key = tuple(shader.code for shader in self._shaders)
        if key not in variables:
            own_parse(self, update_variables=False)
            if len(variables) >= TEXTS:
                variables.clear()
            variables[key] = self._code_variables
        self._code_variables = dict(variables[key])
        if update_variables:
            self._process_pending_variables()

    _ask_once()
    find = functools.lru_cache(TEXTS)(parsing.find_program_variables)
    parsing.find_program_variables = lambda code: dict(find(code))
    Program._mlpatch_own_parse = own_parse  # pyright: ignore[reportAttributeAccessIssue]
    Program.set_shaders, Program._parse_variables_from_code = set_shaders, parse
    glir._convert_desktop_shader = functools.lru_cache(TEXTS)(glir._convert_desktop_shader)


def _ask_once() -> None:
    """Make vispy ask OpenGL only once which variables the programs of one text have: it asks for each by its number."""
    if not hasattr(glir.GlirProgram, "_get_active_attributes_and_uniforms"):
        return
    own_data, own_link = glir.GlirShader.set_data, glir.GlirProgram.link_program
    own_ask = glir.GlirProgram._get_active_attributes_and_uniforms
    known: dict[tuple[str, ...], frozenset[str]] = {}

    def set_data(self: Any, offset: int, code: str) -> None:
        own_data(self, offset, code)
        self._mlpatch_text = code

    def link_program(self: Any) -> None:
        self._mlpatch_texts = tuple(getattr(shader, "_mlpatch_text", "") for shader in self._attached_shaders)
        own_link(self)

    def ask(self: Any) -> set[str]:
        texts = getattr(self, "_mlpatch_texts", ())
        if not all(texts) or not texts:
            return own_ask(self)
        if texts not in known:
            if len(known) >= TEXTS:
                known.clear()
            known[texts] = frozenset(own_ask(self))
        return set(known[texts])

    glir.GlirShader.set_data, glir.GlirProgram.link_program = set_data, link_program
    glir.GlirProgram._get_active_attributes_and_uniforms = ask
