"""Make a picture from a measurement. The picture carries the recipe with which `mlpatch replay` makes it again.

  mlpatch reconstruct m.h5 --method tv --out x.tif
  mlpatch reconstruct m.h5 --method tv --set weight=2 --set nonnegative=true --out x.tif
  mlpatch reconstruct sample:tooth --method fbp --set window=hann --out tooth.tif
  mlpatch reconstruct sample:body-ct-60 --method unrolled --weights lpd-ct-body --out ct.tif
  mlpatch reconstruct sinogram.npy --angles 0:180:360 --center auto --method tikhonov --out x.tif

`mlpatch list methods` shows the methods and their parameters.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from napari_mlpatch.core.errors import InputError

from . import reading, target
from .output import print_json
from .settings import build_from, seed

if TYPE_CHECKING:
    from napari_mlpatch.core.method import Method
    from napari_mlpatch.core.problem import Problem
    from napari_mlpatch.weights import Weights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="FILE|sample:NAME", help="a measurement, or a bundled one")
    parser.add_argument("--method", required=True, metavar="NAME", help="e.g. fbp, tv, unet, unrolled")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="parameter of the method")
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="picture to write: .tif, .ome.tif, .h5, .fits or .npy"
    )
    target.add_force(parser)
    parser.add_argument(
        "--weights", metavar="NAME", help="trained weights: a name of `mlpatch weights list`, or a .safetensors file"
    )
    parser.add_argument("--start", metavar="FILE", help="a picture to begin the iterations with: a warm start")
    parser.add_argument("--truth", metavar="FILE", help="the true image, where it is known")
    parser.add_argument("--seed", type=seed, default=0, help="seed of the method (0)")
    parser.add_argument("--device", default="cpu", help="cpu (the default), cuda or cuda:0")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    reading.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    out = target.checked(args)

    from napari_mlpatch import weights
    from napari_mlpatch.batch.replay import read_start
    from napari_mlpatch.core.fit import fit
    from napari_mlpatch.core.recipe import Recipe
    from napari_mlpatch.core.registry import methods

    from . import execute

    method = build_from(methods, args.method, args.set)
    network = None if args.weights is None else weights.find(args.weights)
    problem = reading.read(args.data, args)
    target.refuse_source(out, problem.source, args.force)
    if args.truth is not None:
        problem = reading.with_truth(problem, args.truth)
    found = fit(method, network, problem)
    if found.refusal:
        raise InputError(found.refusal + _instead(method, network, problem))
    start, begins = (None, None) if args.start is None else read_start(args.start, problem)
    recipe = Recipe.of(
        problem,
        method,
        weights=None if network is None else network.card.sha256,
        seed=args.seed,
        device=args.device,
        start=begins,
    )
    result = execute.execute(recipe, problem, network, start)
    execute.write(out, result, args.force)
    if args.json:
        print_json(execute.facts(args.out, result))
    else:
        print(execute.summary(args.out, result))
    return 0


def _instead(method: Method, network: Weights | None, problem: Problem) -> str:
    """Which weights would fit, where others, or none, were given; those of this very problem first."""
    from napari_mlpatch import weights
    from napari_mlpatch.io.samples import words
    from napari_mlpatch.methods.suitable import ranked

    if method.unsuitable(problem.A) or not method.needs_network:
        return ""
    found = [one for one in ranked(method, problem, weights.available(), words(problem.source)) if not one.fit.refusal]
    exact = [one.card.name for one in found if not one.fit.remark]
    others = [one.card.name for one in found if one.fit.remark]
    if not exact:
        return (
            f" These fit, but were trained for others: {', '.join(others)}."
            if others
            else " None of those that are here fit."
        )
    rest = f" Trained for others: {', '.join(others)}." if others else ""
    return f" These fit: {', '.join(exact)} (add --weights {exact[0]}).{rest}"
