"""The table of results as text for a paper, a page or a spreadsheet."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence

from .columns import Column, columns
from .entry import Entry

Rows = list[list[str]]
Best = set[tuple[int, int]]
SPECIAL = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "²": "$^2$",
    "±": r"$\pm$",
    "ᵀ": r"$^\mathsf{T}$",
    "…": r"\ldots{}",
}


def cells(entries: Sequence[Entry], known: Sequence[Column] | None = None) -> tuple[Rows, Best]:
    """Headings and rows of the columns that a result has something in, and which cells hold the best of a column."""
    shown = [c for c in (known or columns()) if c.known is None or any(c.known(e) for e in entries)]
    rows = [[column.heading for column in shown], *([column.text(e) for column in shown] for e in entries)]
    return rows, {(i + 1, j) for j, column in enumerate(shown) if (i := best(column, entries)) is not None}


def best(column: Column, entries: Sequence[Entry]) -> int | None:
    """Which entry has the best value of a column; None where there are not two to compare, or none is better."""
    if column.best is None:
        return None
    values = [column.best(e) if e.result is not None else math.inf for e in entries]
    finite = [i for i, value in enumerate(values) if math.isfinite(value)]
    return min(finite, key=values.__getitem__) if len(finite) > 1 else None


def as_markdown(entries: Sequence[Entry]) -> str:
    """A table in GitHub's Markdown, the best of each column in bold."""
    rows, marked = cells(entries)
    body = [
        [f"**{_escaped(text)}**" if (i, j) in marked else _escaped(text) for j, text in enumerate(row)]
        for i, row in enumerate(rows)
    ]
    lines = [f"| {' | '.join(row)} |" for row in body]
    return "\n".join([lines[0], "|---|" + "---:|" * (len(rows[0]) - 1), *lines[1:]]) + "\n"


def as_csv(entries: Sequence[Entry]) -> str:
    """Comma-separated values (RFC 4180)."""
    text = io.StringIO()
    csv.writer(text).writerows(cells(entries)[0])
    return text.getvalue()


def as_latex(entries: Sequence[Entry]) -> str:
    """A ``tabular`` with booktabs' rules, the best of each column in bold."""
    rows, marked = cells(entries)
    body = [
        [rf"\textbf{{{_tex(text)}}}" if (i, j) in marked else _tex(text) for j, text in enumerate(row)]
        for i, row in enumerate(rows)
    ]
    lines = [" & ".join(row) + r" \\" for row in body]
    return (
        "\n".join(
            [
                rf"\begin{{tabular}}{{l{'r' * (len(rows[0]) - 1)}}}  % \usepackage{{booktabs}}",
                r"\toprule",
                lines[0],
                r"\midrule",
                *lines[1:],
                r"\bottomrule",
                r"\end{tabular}",
            ]
        )
        + "\n"
    )


FORMATS: dict[str, Callable[[Sequence[Entry]], str]] = {
    "Markdown": as_markdown,
    "CSV": as_csv,
    "LaTeX": as_latex,
}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*")


def _tex(text: str) -> str:
    return "".join(SPECIAL.get(letter, letter) for letter in text)
