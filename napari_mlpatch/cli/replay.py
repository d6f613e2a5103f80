"""Make a picture again from its recipe: the data that it names, the same method, the same seed.

  mlpatch replay x.tif --out again.tif
  mlpatch replay recipe.json --data moved/m.h5 --device cpu
  mlpatch replay x.tif --weights mine.safetensors
  mlpatch replay - --out again.tif < recipe.json

Says whether the picture is the old one, where there is an old one; exit code 1 where it is not.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import is_file, path_of
from napari_mlpatch.torch_later import Tensor, torch

from . import target
from .output import number, print_json, say

if TYPE_CHECKING:
    from napari_mlpatch.core.recipe import Recipe

EQUAL = 1e-3
"""Largest difference, in terms of the old picture's range, that passes for rounding on another machine."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recipe", metavar="RECIPE.json|PICTURE", help="a recipe (- for standard input), or a picture that carries one"
    )
    parser.add_argument("--out", metavar="FILE", help="picture to write: .tif, .ome.tif, .h5, .fits or .npy")
    target.add_force(parser)
    parser.add_argument("--data", metavar="FILE", help="the measurement (or the image), where it lies elsewhere now")
    parser.add_argument("--weights", metavar="FILE", help="the recipe's own weights, where they are not installed")
    parser.add_argument("--device", help="another device than the recipe's, e.g. cpu")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    out = None if args.out is None else target.checked(args)

    from napari_mlpatch.batch.replay import (
        as_batch,
        open_problem,
        open_start,
        open_weights,
        read_recipe,
        rerun,
        with_start,
    )
    from napari_mlpatch.core.recipe import Recipe

    from . import execute

    if args.recipe == "-":
        recipe, picture = Recipe.from_json(sys.stdin.read()), None
    else:
        _refuse_volume(args.recipe)
        recipe, picture = read_recipe(args.recipe)
    if args.device is None:
        _check_device(recipe.device)
    problem = open_problem(recipe, args.data or _moved(recipe, Path(args.recipe)))
    if problem.fingerprint != recipe.data.sha256:
        say("mlpatch: the simulation is the same, but its last digits differ on this machine")
    if out is not None:
        target.refuse_source(out, problem.source, args.force)
    old = None if picture is None else as_batch(picture, problem)
    trained = open_weights(recipe, args.weights)
    if not recipe.build_method().needs_network:  # older versions let any method have weights that it did not use
        trained = None
    start = open_start(recipe, problem, execute.execute)
    again = with_start(rerun(recipe, problem, device=args.device), start)
    result = execute.execute(again, problem, trained, start)
    comparison = {} if old is None else _compare(result.x, old)
    if out is not None:
        execute.write(out, result, args.force)
    name = args.out or ("the picture" if args.recipe == "-" else args.recipe)
    if args.json:
        print_json(execute.facts(args.out, result) | comparison)
    else:
        print(execute.summary(name, result))
        if comparison:
            verdict = "the same picture" if comparison["same"] else "another picture"
            largest, share = comparison["largest_difference"], comparison["share_of_range"]
            print(f"  {verdict}: largest difference {number(largest)}, {100 * share:.2g} % of its range")
    return 0 if comparison.get("same", True) else 1


def _refuse_volume(name: str) -> None:
    """Raises InputError for the output of a run over a stack: its recipe is one of all slices."""
    from napari_mlpatch.stacks.opened import is_volume, open_volume

    if is_volume(name):
        stack = open_volume(name).source or "STACK"
        raise InputError(
            f"{name} is a volume of many slices, which are made again by mlpatch batch run: "
            f"mlpatch batch run {name} {stack} --out NEW.zarr (one slice of it: --slices K:K+1)."
        )


def _compare(x: Tensor, old: Tensor) -> dict[str, Any]:
    largest = float((x - old).abs().max())
    values = old.abs() if old.is_complex() else old
    spread = float(values.max() - values.min())
    share = largest / spread if spread else largest
    return {"same": share <= EQUAL, "largest_difference": largest, "share_of_range": share}


def _check_device(name: str) -> None:
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"The recipe ran on {name!r}, but this machine has no usable GPU. Add --device cpu.")


def _moved(recipe: Recipe, beside: Path) -> Path | None:
    """A file of the same name beside the recipe, where the one that it names is gone."""
    named = recipe.data.source.get("path")
    if not isinstance(named, str) or not named or is_file(named):
        return None
    path = path_of(named, "The data of the recipe")
    here = path_of(beside).parent / path.name
    if not is_file(here):
        return None
    say(f"mlpatch: {path} is gone, {here} is taken instead")
    return here
