"""What the pictures in a folder are for: projections, flats or darks, by words in which their names differ."""

from __future__ import annotations

import functools
import operator
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .planes import PLANES

FLAT = {"flat", "flats", "white", "whites", "ff", "ob", "openbeam", "open", "bright", "gain", "flatfield", "ffc"}
DARK = {"dark", "darks", "df", "di", "offset", "bias", "dc", "darkfield", "bg"}
I0 = re.compile(r"(?<![a-z])i0(?!\d)")
MOST = 100_000  # files


@dataclass(frozen=True)
class Roles:
    """Files by what they are for; ``words`` that made them a field; notes on what was not taken for one."""

    projection: list[Path]
    flat: list[Path] = field(default_factory=list)
    dark: list[Path] = field(default_factory=list)
    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return len(self.projection) + len(self.flat) + len(self.dark)

    @property
    def reason(self) -> str:
        """Which other pictures there are, and why they are no projections."""
        kinds = [f"{len(files)} {what}s" for what, files in (("flat", self.flat), ("dark", self.dark)) if files]
        because = " or ".join(repr(word) for word in self.words)
        return f", and {' and '.join(kinds)} because of {because} in their names" if kinds else ""

    def chosen(self, name: str) -> Roles:
        """Those in the folder of that name, or whose names begin so, as projections, whatever they are called."""

        def fits(file: Path) -> bool:
            return file.parent.name == name or file.stem.startswith(name)

        files = [file for file in self.projection if fits(file)]
        files = files or [file for file in (*self.flat, *self.dark) if fits(file)]
        flat, dark = ([file for file in fields if file not in set(files)] for fields in (self.flat, self.dark))
        return replace(self, projection=files, flat=flat, dark=dark, notes=())


@dataclass(frozen=True)
class _Picture:
    file: Path
    names: tuple[str, ...]  # that of its folder first, where it is in one
    role: str = "projection"
    by: str = ""  # the name that says so
    word: str = ""

    def judged(self, common: Counter[str]) -> _Picture:
        for name in self.names:
            for role, words in (("flat", FLAT | {"i0"}), ("dark", DARK)):
                found = sorted(words & (_words(name) - common).keys())
                if found:
                    return replace(self, role=role, by=name, word=found[0])
        return self

    @property
    def other_words(self) -> frozenset[str]:
        """Of the name that makes it a field, those that have nothing to do with fields: "oak" of "white_oak"."""
        return frozenset(_words(self.by).keys() - FLAT - DARK - {"i0"})


def natural(path: Path) -> list[Any]:
    """A key that sorts numbers in names by their value."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name.lower())]


def roles_in(path: Path) -> Roles:
    """The pictures in a folder and in the folders in it.

    A word that all names have tells nothing. Where no projection is left, those are taken whose names have other words
    than those of fields, or all, if they are of one kind.
    """
    entries = [entry for entry in sorted(path.iterdir(), key=natural)[:MOST] if not entry.name.startswith(".")]
    files = [(entry, (entry.stem,)) for entry in entries if entry.suffix.lower() in PLANES and entry.is_file()]
    for folder in (entry for entry in entries if entry.is_dir()):
        inside = [f for f in sorted(folder.iterdir(), key=natural)[:MOST] if f.suffix.lower() in PLANES and f.is_file()]
        files += [(file, (folder.name, file.stem)) for file in inside]
    words = [sum((_words(name) for name in names), Counter[str]()) for _, names in files]
    common = functools.reduce(operator.and_, words) if words else Counter[str]()
    pictures = [_Picture(file, names).judged(common) for file, names in files]
    notes = []
    idle = sorted(common.keys() & (FLAT | DARK | {"i0"}))
    if idle:
        notes.append(f"{' and '.join(repr(word) for word in idle)} in all names is not taken for a flat or dark field")
    if not any(picture.role == "projection" for picture in pictures):
        pictures, note = _with_projections(pictures)
        notes += note
    found = {what: [p for p in pictures if p.role == what] for what in ("projection", "flat", "dark")}
    projections = [p for p in found["projection"] if len(p.names) == 1] or found["projection"]
    fields = sorted({picture.word for picture in (*found["flat"], *found["dark"])})
    return Roles(
        [picture.file for picture in projections],
        *([picture.file for picture in found[what]] for what in ("flat", "dark")),
        words=tuple(fields),
        notes=tuple(notes),
    )


def _with_projections(pictures: list[_Picture]) -> tuple[list[_Picture], list[str]]:
    """The same, with the most likely of the fields as projections, where there is one; and a note."""
    families = Counter((picture.role, picture.other_words) for picture in pictures if picture.other_words)
    if families:
        chosen = families.most_common(1)[0][0]
    elif len({picture.role for picture in pictures}) == 1:
        chosen = (pictures[0].role, frozenset())
    else:
        return pictures, []
    taken = [picture for picture in pictures if (picture.role, picture.other_words) == chosen]
    note = (
        f"{len(taken)} pictures such as {taken[0].file.name} are taken as projections, in spite of {taken[0].word!r} "
        "in their names: no others are here"
    )
    ids = {picture.file for picture in taken}
    return [replace(p, role="projection") if p.file in ids else p for p in pictures], [note]


def _words(name: str) -> Counter[str]:
    """With how often each is in the name: of "dark_matter" and "dark_matter_dark" the second is a dark field."""
    return Counter([*re.findall(r"[a-z]+", name.lower()), *(["i0"] if I0.search(name.lower()) else [])])
