"""Train a network from a recipe. Leaves NAME.safetensors with its card, and a checkpoint to resume from.

  mlpatch train recipe.json --data pictures --out trained
  mlpatch train recipe.json --data pictures --out trained --resume
  mlpatch train recipe.json --out trained --minutes 8
  mlpatch train lpd-adler --from lpd-adler --out trained --device cpu --minutes 5
  mlpatch train --example > recipe.json
  mlpatch train --example lpd > recipe.json
  torchrun --nproc-per-node 4 -m napari_mlpatch.cli train recipe.json --out trained

Ctrl-C stops it; what was done up to the last checkpoint is kept. Without --resume, an older checkpoint in --out moves
to the folder "before" in it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of
from napari_mlpatch.core.words import figure

from .output import duration, number, print_json, say

if TYPE_CHECKING:
    from napari_mlpatch.training import Step


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recipe",
        nargs="?",
        metavar="RECIPE",
        help="the file of a training recipe, or the name of one that is shipped (those of the weights)",
    )
    parser.add_argument("--out", default="trained", metavar="DIR", help="folder for weights and checkpoint (trained)")
    parser.add_argument("--data", default=".", metavar="DIR", help="where relative paths of the recipe start (.)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument(
        "--from",
        dest="start_from",
        metavar="WEIGHTS",
        help="begin with trained weights: their name or file",
    )
    parser.add_argument("--device", help="another device than the recipe's: cpu, cuda, cuda:0")
    parser.add_argument("--minutes", type=float, metavar="M", help="end after so many minutes, weights written")
    parser.add_argument(
        "--example",
        nargs="?",
        const="mlpatch",
        metavar="ARCHITECTURE",
        help="print a recipe that needs no data, for an architecture of `mlpatch list architectures` (mlpatch)",
    )
    parser.add_argument("--json", action="store_true", help="the card as one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    from napari_mlpatch import weights
    from napari_mlpatch.training import Step, Trained, TrainingRecipe, checkpoint, ship, train
    from napari_mlpatch.training.examples import example
    from napari_mlpatch.training.parallel import leave
    from napari_mlpatch.training.shipped import find_recipe

    if args.example is not None:
        print(example(args.example).to_json())
        return 0
    if args.recipe is None:
        raise InputError("Name a training recipe. `mlpatch train --example` prints one to start from.")
    recipe = find_recipe(args.recipe)
    if args.start_from is not None:
        recipe = TrainingRecipe.from_json(recipe.model_dump(mode="json") | {"start_from": args.start_from})
    if args.device is not None:
        recipe = recipe.model_copy(update={"device": args.device})
    if args.minutes is not None:
        recipe = TrainingRecipe.from_json(recipe.model_dump(mode="json") | {"minutes": args.minutes})
    out = path_of(args.out, "--out")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file. Give a folder with --out.")
    weights.check_free(out, recipe.name, [args.recipe, *filter(None, [recipe.start_from])])
    shown_as = Path(args.out)
    wait = 0.2 if sys.stderr.isatty() else 10.0
    shown = -wait
    leads = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun started
    replaces = leads and not args.resume and (out / checkpoint.NAME).is_file()
    for event in train(recipe, out=out, data=args.data, resume=args.resume):
        if replaces:  # only now: a bad recipe leaves all as it was
            before = shown_as / checkpoint.BEFORE
            say(f"Started anew: the older checkpoint is in {before}, from which it can be resumed.")
            replaces = False
        if isinstance(event, Step):
            if leads and (event.psnr or event.seconds - shown > wait):
                say(_line(event))
                shown = event.seconds
        elif isinstance(event, Trained) and leads:
            card = ship(event, recipe, out)
            if args.json:
                print_json(card.model_dump(mode="json", exclude_none=True))
            else:
                about = f"{card.title}, {weights.facts(card)[-1]}, {duration(event.seconds)}"
                print(f"{shown_as / card.name}.safetensors: {about}")
                for name, value in card.metrics.items():
                    print(f"  {figure(name, value)}")
    leave()
    return 0


def _line(step: Step) -> str:
    left = duration(step.seconds / step.share * (1 - step.share) if step.share else 0.0)
    words = [f"{step.k}/{step.total}", f"{left} left", f"loss {number(step.loss)}"]
    return "  ".join(words + [figure(name, value) for name, value in step.psnr.items()])
