"""Parameters as they are written on a command line: ``key=value``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from napari_mlpatch.core.declare import Parameter, build, parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import is_file
from napari_mlpatch.core.registry import Registry

OPEN = ("none", "auto", "automatic")
"""What stands for "not given" where a parameter may be left open."""


def build_from(registry: Registry, name: str, words: Iterable[str], **defaults: Any) -> Any:
    """The declared object of that name, with ``key=value`` words over ``defaults``.

    Raises InputError for words of another form, unknown keys and values that the declaration refuses.
    """
    known = {p.name: p for p in parameters(registry.get(name))}
    params = dict(defaults)
    for word in words:
        key, sign, text = word.partition("=")
        if not sign or not key:
            raise InputError(f"Parameters are set as key=value, got {word!r}. There are: {', '.join(known) or 'none'}.")
        params[key] = value_of(known[key], text) if key in known else text
    return build(registry, {"name": name, "params": params})


def build_step(registry: Registry, text: str) -> Any:
    """The declared object that ``name`` or ``name:key=value,key=value`` stands for, such as ``rings:width=31``.

    Raises InputError as ``build_from`` does.
    """
    name, _, rest = text.partition(":")
    return build_from(registry, name.strip(), [word.strip() for word in rest.split(",") if word.strip()])


def value_of(p: Parameter, text: str) -> Any:
    """The value that a text stands for, as far as the declaration does not understand texts itself."""
    text = text.strip()
    if p.optional and text.lower() in OPEN:
        return None
    if p.kind == "shape":
        return shape(text, p.name)
    if p.kind == "choice":
        return next((choice for choice in p.choices if str(choice) == text), text)
    if p.kind == "array":
        from napari_mlpatch import io

        return io.read_array(text)
    if p.kind == "angles" and is_file(text):
        from napari_mlpatch import io

        return io.read_angles(text)
    return text


def seed(text: str) -> int:
    """A seed of random numbers."""
    value = int(text)
    if not 0 <= value < 2**63:
        raise ValueError
    return value


def shape(text: str, name: str = "a shape") -> tuple[int, ...]:
    """Rows and columns from ``512x512``, ``512,512`` or, for a square, ``512``."""
    try:
        sizes = tuple(int(word) for word in text.lower().replace("x", " ").replace(",", " ").split())
    except ValueError:
        sizes = ()
    if not sizes:
        raise InputError(f"{name} is written rows x columns, such as 512x512, got {text!r}.")
    return sizes * 2 if len(sizes) == 1 else sizes
