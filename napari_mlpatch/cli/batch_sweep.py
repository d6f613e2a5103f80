"""Vary one or two parameters of one or several methods, and score every picture.

  mlpatch batch sweep m.h5 --method tv --vary weight=0.1:10:log9 --out sweep/
  mlpatch batch sweep m.h5 --method tv --method tikhonov --vary weight=0.1:10:log7 --region 40:80,30:90 --out sweep/
  mlpatch batch sweep sample:body-ct-60 --method pnp-admm --set denoiser=tv --vary sigma=0.01:0.1:log4 \\
      --vary trust=0.5,1,2 --out sweep/ --workers 2

Values are a list (1,2,5), a range in equal steps (first:last:count) or in equal ratios (first:last:logcount); of
METHOD.NAME, the parameter of that method alone varies. The folder gets sweep.csv, sweep.json, sheet.png (the contact
sheet), l-curve.png, and the best combination as best.json (its recipe) and best.tif. Best is the highest PSNR where the
truth is known, else the reduced chi-square nearest to 1, else the corner of the L-curve. With --workers or --scheduler
the combinations are run on a Dask cluster, one at a time on each worker.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack

from napari_mlpatch.core.errors import InputError

from . import cluster, reading, target
from .output import duration, print_json, say, table
from .settings import build_from, seed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="FILE|sample:NAME", help="a measurement, or a bundled one")
    parser.add_argument("--method", action="append", required=True, metavar="NAME", help="again for each method")
    parser.add_argument("--vary", action="append", required=True, metavar="NAME=VALUES", help="once or twice")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="another parameter, or M.KEY=..."
    )
    parser.add_argument("--weights", metavar="NAME", help="trained weights for the methods that need some")
    parser.add_argument("--region", metavar="R0:R1,C0:C1", help="rows and columns that are scored and shown (all)")
    parser.add_argument("--item", type=int, metavar="N", help="of a stack, the slice that is reconstructed (all)")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="folder to write to")
    target.add_force(parser)
    parser.add_argument("--truth", metavar="FILE", help="the true image, where it is known")
    parser.add_argument("--seed", type=seed, default=0, help="seed of the methods (0)")
    parser.add_argument("--device", default="cpu", help="cpu (the default), cuda or cuda:0")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    cluster.add_arguments(parser)
    reading.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from napari_mlpatch import weights
    from napari_mlpatch.batch.folder import Folder
    from napari_mlpatch.batch.sheet import score
    from napari_mlpatch.batch.sweep import Candidate, Ended, Swept, planned, sweep
    from napari_mlpatch.batch.sweep_files import rows, write_sweep
    from napari_mlpatch.batch.values import axis, names_of
    from napari_mlpatch.core.registry import methods
    from napari_mlpatch.core.run import Control

    from .execute import cancelling

    network = None if args.weights is None else weights.find(args.weights)
    settings = {name: [] for name in dict.fromkeys(args.method)}
    for word in args.set:
        key, _, value = word.partition("=")
        method, dot, name = key.rpartition(".")
        owners = [method] if dot else [one for one in settings if name in names_of(one)]
        if not owners or not set(owners) <= settings.keys():
            raise InputError(f"--set {word}: none of the methods {', '.join(settings)} has that parameter.")
        for owner in owners:
            settings[owner].append(f"{name}={value}")
    made = [build_from(methods, name, words) for name, words in settings.items()]
    candidates = [Candidate(method, network if method.needs_network else None) for method in made]
    axes = [axis(text, settings) for text in args.vary]
    count = len(planned(candidates, axes))
    problem = reading.read(args.data, args)
    if args.truth is not None:
        problem = reading.with_truth(problem, args.truth)
    folder = Folder(args.out, "sweep", force=args.force)
    control = Control()
    with ExitStack() as stack:
        pool = cluster.pool(args, stack)
        stack.enter_context(cancelling(control))
        for event in sweep(
            problem,
            candidates,
            axes,
            region=args.region,
            item=args.item,
            seed=args.seed,
            device=args.device,
            control=control,
            pool=pool,
        ):
            if isinstance(event, Ended):
                cell = event.cell
                key = next((k for k in ("psnr", "reduced_chi_square", "relative_residual") if k in cell.metrics), None)
                what = cell.error or f"{score(cell, key)}, {duration(cell.seconds)}"
                say(f"{event.index + 1}/{count}  {cell.title}: {what}")
            elif isinstance(event, Swept):
                done = event
    if done.cancelled:
        say("mlpatch: cancelled; what was done is written")
    write_sweep(folder, done.sweep)
    if args.json:
        print_json({"out": args.out, "best": done.sweep.best, "cells": rows(done.sweep)})
    else:
        print(_summary(args.out, done.sweep))
    if done.cancelled:
        raise KeyboardInterrupt
    return 0 if any(cell.picture is not None for cell in done.sweep.cells) else 2


def _summary(out: str, made) -> str:
    from napari_mlpatch.batch.sheet import score

    lines = [["", "combination", "score", "iterations", "time"]]
    for i, cell in enumerate(made.cells):
        lines.append(
            [
                "*" if i == made.best else "",
                cell.title,
                cell.error or score(cell, made.ranked_by) or "-",
                str(cell.iterations),
                duration(cell.seconds),
            ]
        )
    by = made.ranked_by or ("the corner of the L-curve" if made.corner else "nothing: there is neither truth nor noise")
    return f"{out}: {len(made.cells)} combinations, ranked by {by}\n{table(lines, indent='  ')}"
