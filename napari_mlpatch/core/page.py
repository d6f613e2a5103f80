"""The page of help of a declaration: what window, command line and site say about it.

Its text stands at the declaration, in the docstring: the first sentence, paragraphs, and the sections ``Equation:``,
``When to use it:`` and ``References:``. Its parameters are those of ``declare.parameters``.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import textwrap
import typing
from dataclasses import dataclass
from typing import Any

from .declare import Parameter, format_angles, parameters

SECTIONS = ("Equation", "When to use it", "References")
DOI = re.compile(r"doi:(10\.\S+?)(?=[.,;]?(?:\s|$))")


@dataclass(frozen=True)
class Page:
    """What a person should know about a declared thing; a section that the docstring lacks is empty."""

    name: str
    title: str
    summary: str
    """The first sentence."""
    details: str
    """The paragraphs after it, Markdown."""
    equation: str
    """Lines of Unicode text, to be shown with a fixed pitch."""
    when: str
    references: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    def json(self) -> dict[str, Any]:
        """Plain values, keyed as here, but ``description`` for the summary; ``parameters`` as ``Parameter.json``."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        fields["description"] = fields.pop("summary")
        return fields | {"references": list(self.references), "parameters": [p.json() for p in self.parameters]}

    def text(self, width: int = 100) -> str:
        """For a terminal of so many columns."""
        parts = [f"{self.name}   {self.title}", _filled(self.summary, width), _filled(self.details, width)]
        if self.equation:
            parts.append("Equation\n" + textwrap.indent(self.equation, "    "))
        if self.when:
            parts.append("When to use it\n" + _filled(self.when, width, "    "))
        if self.parameters:
            rows = [_item(f"{p.name}: {p.description} ({bounds_of(p)})", width) for p in self.parameters]
            parts.append("\n".join(["Parameters", *rows]))
        if self.references:
            parts.append("\n".join(["References", *(_item(one, width) for one in self.references)]))
        return "\n\n".join(filter(None, parts))

    def markdown(self, picture: str = "") -> str:
        """As Markdown with a table of the parameters; ``picture`` is a line that is put below the equation."""
        parts = [f"# {self.title}", _ticks(self.summary)]
        if self.equation:
            parts.append(f"```text\n{self.equation}\n```")
        parts += [picture, _ticks(self.details)]
        if self.when:
            parts.append(f"## When to use it\n\n{_ticks(self.when)}")
        if self.parameters:
            rows = [
                f"| `{p.name}` | {_cell(p.description)} | {_cell(values_in_words(p))} | {_cell(default_in_words(p))} |"
                for p in self.parameters
            ]
            heading = "| parameter | what it is | values | default |\n|---|---|---|---|"
            parts.append("\n".join(["## Parameters\n", heading, *rows]))
        if self.references:
            parts.append("## References\n\n" + "\n".join(f"- {_linked(one)}" for one in self.references))
        return "\n\n".join(filter(None, parts)) + "\n"


def page(declaration: type) -> Page:
    """The page of a registered class, from its own docstring."""
    text, sections = _split(inspect.cleandoc(declaration.__doc__ or ""))
    summary, _, details = text.partition("\n\n")
    items = re.split(r"(?m)^- ", sections.get("References", ""))
    return Page(
        name=declaration.name,  # type: ignore[attr-defined]
        title=declaration.title,  # type: ignore[attr-defined]
        summary=_joined(summary),
        details="\n\n".join(map(_joined, filter(None, details.split("\n\n")))),
        equation=sections.get("Equation", ""),
        when="\n\n".join(map(_joined, filter(None, sections.get("When to use it", "").split("\n\n")))),
        references=tuple(_joined(item) for item in items if item.strip()),
        parameters=tuple(parameters(declaration)),
    )


def values_of(p: Parameter) -> str:
    """Choices, or type, bounds and unit: ``ramp|hann``, ``float from 0 to 1``, ``int, int``."""
    if p.choices:
        return "|".join(map(str, p.choices))
    if typing.get_origin(p.type) is tuple and p.kind != "angles":
        return _items(typing.get_args(p.type))
    bounds = [f"{word} {value:g}" for word, value in (("from", p.minimum), ("to", p.maximum)) if value is not None]
    return " ".join([p.kind, *bounds, p.unit]).strip()


def default_of(p: Parameter) -> str:
    """What holds where a parameter is not given."""
    if p.required:
        return "required"
    if p.default is None:
        return p.none_means
    if p.kind == "angles":
        return format_angles(p.default)
    return f"{p.default:.4g}" if isinstance(p.default, float) else str(p.default)


def _items(types: tuple[Any, ...]) -> str:
    """What stands in a pair, or in a list of any length: ``int, int`` or ``list of str``."""
    first, *more = (getattr(typing.get_origin(t) and t, "__origin__", t) for t in types)
    words = [getattr(t, "__name__", str(t)).lower() for t in (first, *more) if t is not Ellipsis]
    return f"list of {words[0]}" if Ellipsis in types else ", ".join(words)


def bounds_of(p: Parameter) -> str:
    """Values and default in one line."""
    default = default_of(p)
    return f"{values_of(p)}; {default if p.required else f'default: {default}'}"


def _split(doc: str) -> tuple[str, dict[str, str]]:
    """What stands before the sections, and each section's text without its indentation."""
    pieces = re.split(rf"(?m)^({'|'.join(SECTIONS)}):\n", doc)
    sections = dict(zip(pieces[1::2], map(_dedented, pieces[2::2]), strict=True))
    return pieces[0].strip(), sections


def _dedented(text: str) -> str:
    return inspect.cleandoc("\n" + text).strip("\n")


def _joined(paragraph: str) -> str:
    return " ".join(paragraph.split())


def _filled(text: str, width: int, indent: str = "") -> str:
    """Paragraphs in lines of at most ``width``."""
    lines = functools.partial(
        textwrap.fill, width=width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
    return "\n\n".join(lines(part.replace("``", "")) for part in text.split("\n\n"))


def _item(text: str, width: int) -> str:
    return "  - " + _filled(text, width, "    ").lstrip()


def _ticks(text: str) -> str:
    return text.replace("``", "`")


def _cell(text: str) -> str:
    return _ticks(text).replace("|", "\\|")


def _linked(reference: str) -> str:
    return DOI.sub(r"[doi:\1](https://doi.org/\1)", reference)


KINDS = {"float": "number", "int": "whole number", "bool": "on or off", "str": "text"}


def values_in_words(p: Parameter) -> str:
    """Choices, or kind, bounds and unit, for people who know no Python: ``whole number from 1 to 200 pixels``."""
    if p.choices:
        *others, last = map(str, p.choices)
        return f"{', '.join(others)} or {last}" if others else last
    first, *rest = values_of(p).split(" ")
    return "rows x columns" if p.kind == "shape" else " ".join([KINDS.get(first, first), *rest])


def default_in_words(p: Parameter) -> str:
    return {"True": "on", "False": "off", "": "empty"}.get(default_of(p), default_of(p))


def in_words(p: Parameter) -> str:
    """Values and default in one line: ``whole number from 1 to 200 pixels; default: 2``."""
    default = default_in_words(p)
    return f"{values_in_words(p)}; {default if p.required else f'default: {default}'}"
