"""Check a published figure by computing it here. Without one, lists them. Exit code 1 where it is missed or skipped."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable

from .output import number, print_json, say, table

WAIT = 10.0
"""Seconds between two lines of progress, at least."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("row", nargs="?", metavar="ROW", help="which figure")
    parser.add_argument("--seeds", type=int, metavar="N", help="mean over so many seeds (10; 1 for a set of images)")
    parser.add_argument("--data", metavar="FOLDER", help="images that the row is computed on, where it needs any")
    parser.add_argument("--slices", type=int, metavar="N", help="of sets of images: at most so many of each (all)")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    from napari_mlpatch import reproduce

    if args.row is None:
        figures = reproduce.FIGURES.items()
        if args.json:
            print_json({name: figure.title for name, figure in figures})
        else:
            print(table([(name, figure.title, _needs(figure.data)) for name, figure in figures]))
        return 0
    with contextlib.redirect_stdout(sys.stderr):
        found = reproduce.run(args.row, seeds=args.seeds, data=args.data, slices=args.slices, tell=_teller())
    if args.json:
        print_json(found)
    elif found["passed"] is None:
        print(f"{found['row']}: skipped, published {number(found['published'])}: {found['skipped']}.")
    else:
        verdict = "reproduced" if found["passed"] else "MISSED"
        figures = (f"{key} {number(found[key])}" for key in ("published", "ours", "tolerance", "seeds"))
        print(f"{found['row']}: {verdict}: {', '.join(figures)}")
        print(table([(key, number(value)) for key, value in found["also"].items()], indent="  "))
    return 0 if found["passed"] else 1


def _teller() -> Callable[[str], None]:
    """Says the first two lines, and of the others what is newest from time to time."""
    told, last = 0, 0.0

    def tell(text: str) -> None:
        nonlocal told, last
        if told < 2 or time.monotonic() - last >= WAIT:
            told, last = told + 1, time.monotonic()
            say(text)

    return tell


def _needs(data: str) -> str:
    return f"(--data FOLDER with {data})" if data else ""
