"""Phrases of messages: plain text for Python and the command line, the window's words in a window."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import napari_mlpatch as mp
from napari_mlpatch.core import phrases
from napari_mlpatch.core.phrases import in_window, naming_methods, phrase
from napari_mlpatch.io.option_phrases import in_form, naming, option
from napari_mlpatch.io.options import LoadOptions, ProblemOptions, label, names

ROOT = Path(mp.__file__).parent
OTHERS = {"cli", "gui", "reproduce"}
"""Rooms of the command line and of the window, and figures that are made without one."""
WORDS = "|".join(name for kind in (LoadOptions, ProblemOptions) for name in names(kind) if "_" in name and label(name))
FOR_TERMINALS = re.compile(rf"\(--|in Python: |(?<![\w'/{{.-])(?:{WORDS})(?![\w'/-])")


@pytest.fixture
def own(monkeypatch):
    monkeypatch.setattr(phrases, "_WINDOW", {})


def test_a_phrase_is_exchanged_where_it_stands_exactly_so_and_longer_ones_first(own):
    assert phrase("fewer slices (--slices)", "fewer slices") == "fewer slices (--slices)"
    phrase(" (--slices)", "")
    text = "/a/slices (1).h5: take fewer slices (--slices), or all (--slices) but one, or more slices"
    assert in_window(text) == "/a/slices (1).h5: take fewer slices, or all but one, or more slices"
    assert in_window("a plain message stays, (--sliced) or not") == "a plain message stays, (--sliced) or not"


def test_an_option_is_named_by_its_field_or_as_one_of_the_command_line():
    assert option("angle_unit") == "angle_unit (--angle-unit)" and in_window(option("angle_unit")) == "“unit of angles”"
    assert option("log", False) == "log=False (--no-log)" and in_form("log", False) == "“logarithm” = not taken"
    assert option("angle_axis", "rows") == "angle_axis='rows' (--angle-axis rows)"
    assert in_window(option("angle_axis", "rows")) == "“angles along” = rows"
    assert option("outside_links", True) == "outside_links=True (--outside-links)"
    assert in_window(option("outside_links", True)) == "--outside-links on the command line"
    assert naming("give {flat} (a number") == "give flat (a number"
    assert in_window("give flat (a number") == "give “flat field” (a number"


def test_methods_are_named_by_their_titles_and_others_stay():
    text = naming_methods("for {}, not for {}", "tv", "a-method-of-others")
    assert text == "for 'tv', not for 'a-method-of-others'"
    assert in_window(text) == f"for “{mp.methods.TV.title}”, not for 'a-method-of-others'"


def test_no_words_of_the_window_are_exchanged_again():
    every = dict(phrases._WINDOW)
    assert len(every) > 50
    for words in every.values():
        assert in_window(words) == words


def messages(path: Path) -> list[str]:
    """The sentences that a module writes, without those of phrases, docstrings and descriptions of options."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {"phrase", "naming", "naming_methods", "_option"}
    apart: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) or (isinstance(node, ast.Call) and ast.unparse(node.func) in told):
            apart |= {id(part) for part in ast.walk(node)} if isinstance(node, ast.Call) else {id(node.value)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [text.value for text in texts if id(text) not in apart and " " in text.value]


def test_a_message_that_names_an_option_says_how_a_window_calls_it():
    """One that fails here: write the option by ``io.option_phrases`` or its words by ``core.phrases.phrase``."""
    found, seen = [], 0
    for path in sorted(ROOT.rglob("*.py")):
        if path.relative_to(ROOT).parts[0] not in OTHERS:
            texts = messages(path)
            seen += len(texts)
            found += [f"{path.relative_to(ROOT)}: {text}" for text in texts if FOR_TERMINALS.search(text)]
    assert seen > 2000
    assert not found, "\n".join(found)
