"""Messages of the engine as the window says them."""

from __future__ import annotations

import re

import napari_mlpatch.io.option_phrases  # noqa: F401 — the phrases of notes that come back from files
from napari_mlpatch.core.phrases import in_window, titled
from napari_mlpatch.core.registry import architectures, methods, noises, operators

METHOD = re.compile(r"\bmethod '([a-z0-9-]+)'")
SHAPE = re.compile(
    r"\b((?:shapes?|data|image|size|axes of|read as|k-space(?: has)?) )[\[(](\d+(?:, \d+)*),?[\])](?![\w/\\'\"”]|\.\w)"
)
ANOTHER = re.compile(r"(?<=\s)\[(\d+(?:, \d+)+)\](?![\w/\\'\"”]|\.\w)")
SENTENCE = re.compile(r"(\.\s|\n|<)")


def said(text: str) -> str:
    """The same text for somebody who has a form, not an interpreter: phrases in the window's words, 2 x 3 for [2, 3].

    How a message gets its phrases is told in ``core.phrases``.
    """
    text = in_window(text)
    if "method '" in text:
        text = METHOD.sub(lambda found: f"method {titled(found[1])}", text)
    return "".join(map(_sized, SENTENCE.split(text))) if SHAPE.search(text) else text


def called(kind: str, name: str) -> str:
    """What a window calls the operator, noise, method, network or parameter of that name: its title, or in words."""
    registry = {"operator": operators, "noise": noises, "method": methods, "network": architectures}.get(kind)
    if kind == "parameter":
        return name.replace("_", " ")
    return name if registry is None or name not in registry.names() else registry.get(name).title


def _sized(sentence: str) -> str:
    """Shapes as people write them: one behind the word for it, and the others of the same sentence."""
    if not SHAPE.search(sentence):
        return sentence
    sentence = SHAPE.sub(lambda found: found[1] + found[2].replace(", ", " x "), sentence)
    return ANOTHER.sub(lambda found: found[1].replace(", ", " x "), sentence)
