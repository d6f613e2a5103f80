"""Messages of the engine as the window says them: they name the options of Python and of the command line."""

from __future__ import annotations

import re

from napari_mlpatch.core.registry import architectures, methods, noises, operators
from napari_mlpatch.io.options import LoadOptions, ProblemOptions, label, names

LABELS = {name: label(name) for kind in (LoadOptions, ProblemOptions) for name in names(kind) if label(name)}
"""What the fields of the Problem dock are called, by the names of their options."""
VALUES = {"True": "taken", "False": "not taken"}
"""Of the logarithm, the only one of them that is a yes or no."""
NAME = "|".join(LABELS)
LONG = "|".join(name for name in LABELS if "_" in name)
FLAG = r"\(--[a-z][a-z-]*(?: [^\s,();:]+)?\)"
SHAPE = r"\b(shapes?|data|image|size|axes of|read as|k-space(?: has)?) [\[(](\d+(?:, \d+)*),?[\])]"

EXTENSION = r"\.[A-Za-z]\w{0,7}(?!\w|[=/\\]|\.\w)"
TOKEN = r"[^\s'\"`“”(),;]"
ON = (
    r"(?:(?![.:;](?:\s|$)|\s['\"`“]|\s(?:shapes?|data|image|size|axes of|read as|k-space|has) [\[(]\d"
    r"|\s+(?:\S+ (?:= ?\S+ )?)?\(--)[^\n])"
)
"""A letter of a name that may hold spaces: it ends with the clause, and before options told with their flag."""
NAMES = re.compile(
    r"(?<!\w)(?P<mark>['\"`])(?!(?<=')[\w-]*')(?P<quoted>.+?)(?P=mark)(?!\w)"
    r"|“[^”]*”"
    rf"|{TOKEN}*[/\\]{ON}*?{EXTENSION}"
    rf"|(?<![^\s(])(?:[A-Za-z]:[/\\]|~?[/\\]|\.\.?[/\\])(?:(?!,\s){ON})*"
    rf"|{TOKEN}*[/\\]{TOKEN}*"
    rf"|(?<![^\s(]){TOKEN}+=(?:{TOKEN}+\s{ON}*?)?{TOKEN}*{EXTENSION}"
    rf"|{TOKEN}*{EXTENSION}"
    "|[\U000f0000-\U000ffffd]"
)
"""What is told as it is: quoted words (but 'word', which may be a method's name), paths, names of files, also those
with spaces as far as they can be told from the words around them."""


def said(text: str) -> str:
    """The same text for somebody who has a form, not an interpreter: fields by their labels, shapes as 2 x 3.

    An option that no form has stays, as one of the command line; so do names of files and what is quoted.
    """
    if not re.search(r"--|[_='\[(]|flat", text):
        return text
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        mark = found["mark"] or ""
        kept.append(found["quoted"] or found[0])
        return f"{mark}{chr(0xF0000 + len(kept) - 1)}{mark}"

    text = _said(NAMES.sub(keep, text))
    return re.sub("[\U000f0000-\U000ffffd]", lambda found: kept[ord(found[0]) - 0xF0000], text) if kept else text


def _said(text: str) -> str:
    if "--" in text or "_" in text or "=" in text or "flat" in text:
        text = _fields(text)
        text = _flags(text)
    if "'" in text:
        text = re.sub(r"(method|of|for|or|:|,) '([a-z]+(?:-[a-z]+)*)'", _method, text)
    return re.sub(SHAPE, lambda found: f"{found[1]} {found[2].replace(', ', ' x ')}", text)


def titled(text: str) -> str:
    """A line of what differs between recipes, with the titles of what is registered: "Unrolled network (steps 3)"."""
    found = re.match(r"(?:(method|operator|noise|network) )?([a-z][a-z0-9-]*)(?=$|: | \()", text)
    known = () if found is None else (methods, operators, noises, architectures)
    title = next((registry.get(found[2]).title for registry in known if found[2] in registry.names()), "")  # type: ignore
    if found is None or not title:
        return text
    return f"{title}{re.sub(r'(?<=[a-z])_(?=[a-z])', ' ', text[found.end() :])}"


def _method(found: re.Match[str]) -> str:
    known = found[2] in methods.names()
    return f"{found[1]} “{methods.get(found[2]).title}”" if known else found[0]


def _fields(text: str) -> str:
    """Options that are fields by the words beside these."""

    def chosen(found: re.Match[str]) -> str:
        value = found[2].strip("'")
        return f"“{LABELS[found[1]]}” = {VALUES.get(value, value)}"

    def named(found: re.Match[str]) -> str:
        return f"“{LABELS[found[1]]}”"

    text = re.sub(rf"\b({NAME}) ?= ?('[^']*'|[\w.+-]*\w)(?: {FLAG})?", chosen, text)
    text = re.sub(rf"\b({NAME}) {FLAG}", named, text)
    text = re.sub(rf"\b({NAME}), --[a-z-]+(?=\))", named, text)
    text = re.sub(r"(?<=[Gg]ive )(flat)(?! field)\b", named, text)
    return re.sub(rf"(?<![\w'/.-])({LONG})(?![\w'/-])", named, text)


def _flags(text: str) -> str:
    """What is left of the command line and of Python: nothing where the window has another way, else said so."""
    text = text.replace("add --force to begin anew", "tick “begin anew”")
    text = re.sub(r",? or (?:add --force[^(.]*|force it)(?= \(in Python: |[.,])", "", text)
    text = re.sub(r" \(in Python: [^)]*\)", "", text)
    text = re.sub(r"'(\w+)' \(--device \w+\)", r"“\1”", text)
    more = r"((?:, [^)]*)?)\)"
    text = re.sub(rf"\b([a-z]+) \((--\1){more}", r"\2 on the command line\3", text)
    text = re.sub(
        rf"\b[a-z]+_[a-z_]+(?:=(?:'[^']*'|\w+))? \((--[a-z-]+(?: [^\s,();:]+)?){more}",
        r"\1 on the command line\2",
        text,
    )
    text = re.sub(rf" {FLAG}", "", text)
    return re.sub(r"\(--[a-z-]+: ", "(", text)
