"""The recipe of a picture, in words, as code or as a command; of two pictures, what changed between them.

mlpatch recipe x.tif
mlpatch recipe x.tif y.tif
mlpatch recipe x.tif --as python > again.py
mlpatch recipe x.tif --as command
"""

from __future__ import annotations

import argparse
from typing import Any

from napari_mlpatch.core.errors import InputError

from .output import number, print_json, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE.json|PICTURE", help="a recipe, or a picture that carries one")
    parser.add_argument("other", nargs="?", metavar="OTHER", help="another one: what changed between the two")
    parser.add_argument("--as", dest="form", choices=("words", "python", "command", "json"), default="words")
    parser.add_argument("--data", metavar="FILE", help="the measurement, where it was only in memory")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    from napari_mlpatch.batch.replay import read_recipe

    recipe, picture = read_recipe(args.recipe)
    if args.other is not None:
        if args.form != "words" or args.data is not None:
            raise InputError("Of two recipes the differences are told in words: leave out --as and --data.")
        return _compare(args, recipe, picture, *read_recipe(args.other))
    if args.json or args.form == "json":
        print_json(recipe.model_dump(mode="json"))
    elif args.form == "words":
        print(table(_rows(recipe)))
    else:
        from napari_mlpatch.workbench.as_text import as_command, as_python

        print((as_python if args.form == "python" else as_command)(recipe, args.data).rstrip("\n"))
    return 0


def _compare(args: argparse.Namespace, a: Any, picture: Any, b: Any, other: Any) -> int:
    from napari_mlpatch.core.recipe_difference import differences

    found = differences(a, b, _named)
    largest = None
    if picture is not None and other is not None and picture.shape == other.shape:
        largest = float(abs(picture - other).max())
    if args.json:
        rows = [{"what": d.what, "first": d.first, "second": d.second} for d in found]
        print_json({"differences": rows, "largest_difference": largest})
        return 0
    if found:
        print(table([["", args.recipe, args.other], *([d.what, d.first, d.second] for d in found)]))
    else:
        print("Nothing differs between the recipes.")
    if largest is not None:
        print("the pictures are the same" if largest == 0 else f"largest difference of the pictures: {number(largest)}")
    return 0


def _rows(recipe: Any) -> list[list[str]]:
    from napari_mlpatch.core.recipe_difference import described

    return [[what, text] for what, text in described(recipe, _named)]


def _named(sha256: str) -> str:
    """The name of weights that are here."""
    from napari_mlpatch import weights

    return next((card.name for card in weights.available() if card.sha256 == sha256), sha256[:12])
