"""Angles in text: lists, tables with a column of them, decimal points or commas, and the unit in words."""

from __future__ import annotations

import csv
import re

import numpy as np

from napari_mlpatch.core.errors import InputError

from .angle_words import ANGLE, stated_in

COMMENT = re.compile(r"[#%!]|//")
DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?|[-+]?\d+(?:[eE][-+]?\d+)?")

LIST = re.compile(r"\[*\s*([^\[\]]*?)\s*\]*[,;]?")
"""A line of a list as Python and MATLAB write it, which may go over several lines."""


def angles_in(text: str, origin: str) -> tuple[list[float], str | None, str]:
    """The numbers, the unit that words beside them say (None: none do, see ``angle_words``), and how they were read.

    Numbers are separated by white space, semicolons, or commas where these are not decimal commas. What follows one of
    ``# % ! //`` is a comment. In a table, the column under a word for angles counts, else the one beside an index or
    the names of files. Raises InputError with the line of what is not a number, and for tables that leave a choice.
    """
    comments, header, rows = _lines(text)
    comma, note = (False, "") if "," in header else _decimal_comma([line for _, line in rows], origin)
    table = [(number, _fields(line, comma)) for number, line in rows]
    width = {len(fields) for _, fields in table}
    words = "\n".join([*comments, header]).lower()
    if len(width) == 1 and len(table) > 1 and max(width) > 1:
        column, why = _column(table, header, comments, origin)
        if column is not None:
            table = [(number, [fields[column]]) for number, fields in table]
            titles = _titles(header, max(width))
            if len(titles) == max(width):  # units of the other columns are not theirs
                words = titles[column].lower() if stated_in(titles[column]) else "\n".join(comments).lower()
            note = "; ".join(part for part in (note, why) if part)
    values = [_number(word, number, comma, origin) for number, fields in table for word in fields]
    return values, stated_in(words), note


def _lines(text: str) -> tuple[list[str], str, list[tuple[int, str]]]:
    """Comments, the line of titles (empty where there is none), and the lines of numbers with their number."""
    comments, header, rows = [], "", []
    for number, line in enumerate(text.splitlines(), start=1):
        mark = COMMENT.search(line)
        body = (line if mark is None else line[: mark.start()]).strip()
        if mark is not None:
            comments.append(line[mark.end() :])
        if body and not rows and not any(character.isdigit() for character in body) and ANGLE.search(body):
            header = f"{header} {body}".strip()
        elif body:
            inside = LIST.fullmatch(body)
            body = body if inside is None else inside[1]
            rows += [(number, body)] if body else []
    return comments, header, rows


EXPONENT = re.compile(r"^([-+]?[\d.]+)[dD]([-+]?\d+)$")
"""Numbers as Fortran writes them, in double precision."""


def _decimal_comma(lines: list[str], origin: str) -> tuple[bool, str]:
    """Whether commas are decimal commas, and a note where they are."""
    words = [word for line in lines for word in re.split(r"[\s;]+", line) if word]
    with_comma = [word for word in words if "," in word]
    if not with_comma or any("." in word for word in words) or not all(DECIMAL_COMMA.fullmatch(w) for w in words):
        return False, ""
    note = "commas taken as decimal commas"
    if len(words) == 1:
        return False, ""
    pairs = [tuple(int(part or 0) for part in word.split(",")) for word in with_comma if _plain(word)]
    if len(words) > len(with_comma) or len(pairs) < len(words):
        return True, note
    first, second = np.array(pairs).T
    is_index = np.array_equal(first - first[0], np.arange(len(first))) and first[0] in (0, 1)
    if not is_index or len(set(second.tolist())) == 1:
        return True, note
    decimals = np.diff([float(word.replace(",", ".")) for word in words])
    if np.allclose(decimals, decimals[0]) and not np.allclose(np.diff(second), np.diff(second)[0]):
        return True, note
    if np.allclose(decimals, decimals[0]):
        raise InputError(
            f"{origin}: {with_comma[0]!r} may be a number with a decimal comma, or an index and an angle. "
            "Write decimal points, or separate the columns by semicolons."
        )
    return False, ""


def _plain(word: str) -> bool:
    return "e" not in word.lower() and "-" not in word


def _titles(line: str, width: int) -> list[str]:
    """Titles of columns, in which there may be blanks where something else separates them."""
    for mark in "\t;,":
        names = _split(line, mark)
        if len(names) == width > 1:
            return names
    return _fields(line, False)


def _split(line: str, mark: str) -> list[str]:
    """By the rules of CSV: what stands in quotes is one field."""
    return [field.strip() for field in next(csv.reader([line], delimiter=mark, skipinitialspace=True), [])]


def _fields(line: str, comma: bool) -> list[str]:
    if '"' in line:
        outside = re.sub(r'"[^"]*"', "", line)
        return _split(line, next((mark for mark in "\t;," if mark in outside), " "))
    if "\t" in line or ";" in line:
        parts = re.split(r"[\t;]" if comma else r"[\t;,]", line)
        if all(len(part.split()) == 1 for part in parts if part.strip()):
            return [part.strip() for part in parts if part.strip()]
    return [word for word in re.split(r"[\s;]+" if comma else r"[\s;,]+", line) if word]


def _column(
    table: list[tuple[int, list[str]]], header: str, comments: list[str], origin: str
) -> tuple[int | None, str]:
    """The column of angles, None where all numbers are angles, and why."""
    width = len(table[0][1])
    for titles in (header, *comments):
        names = _titles(titles, width)
        found = [k for k, name in enumerate(names) if ANGLE.search(name)]
        if len(names) == width and len(found) == 1:
            return found[0], f"column {found[0] + 1}, {names[found[0]][:40]!r}, of {width}"
    columns = [[_float(fields[k]) for _, fields in table] for k in range(width)]
    numeric = [k for k, values in enumerate(columns) if None not in values]
    if len(numeric) == 1:
        return numeric[0], f"column {numeric[0] + 1} of {width}, the only one of numbers"
    if len(numeric) < width:
        bad = next(k for k in range(width) if k not in numeric)
        number, fields = next((n, f) for n, f in table if _float(f[bad]) is None)
        raise InputError(f"{origin}, line {number}: {fields[bad][:40]!r} is not an angle.")
    values = np.array(columns, float)
    count = np.arange(values.shape[1])
    if width == 2 and np.array_equal(values[0] - values[0, 0], count) and values[0, 0] in (0, 1):
        return 1, "column 2, beside an index"
    order = np.diff(values.T.ravel())
    rising = bool(np.all(order > 0) or np.all(order < 0))
    if rising and (width > 2 or np.allclose(order, order[0], rtol=1e-6, atol=0.0)):
        return None, ""  # a list with several numbers on a line
    raise InputError(
        f"{origin} has {width} columns of numbers, and no title says which holds the angles. Keep the column of "
        "angles only, or give the columns titles such as 'index angle'."
    )


def _number(word: str, line: int, comma: bool, origin: str) -> float:
    value = _float(word.replace(",", ".") if comma else word)
    if value is None:
        raise InputError(f"{origin}, line {line}: {word[:40]!r} is not an angle.")
    return value


def _float(word: str) -> float | None:
    if "_" in word:  # which Python leaves out
        return None
    try:
        return float(EXPONENT.sub(r"\1e\2", word.replace(",", ".").rstrip("°").replace("\N{MINUS SIGN}", "-")))
    except ValueError:
        return None
