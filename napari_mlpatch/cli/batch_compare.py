"""Compare methods on simulated measurements: images x operator x noise seeds x methods -> a ranked table and a report.

  mlpatch batch compare --example > recipe.json
  mlpatch batch compare recipe.json --out compared/
  mlpatch batch compare recipe.json --out compared/ --scheduler tcp://node1:8786

The folder gets report.html (one page with tables, plots and pictures, which needs nothing else), summary.csv, runs.csv,
benchmark.json, and in runs/ the figures of each run and the pictures of the first seed, each with its recipe. What is
there already is not computed again; what failed is tried again. Ctrl-C ends after the present step, and the report is
of what there is. With --workers or --scheduler the runs are tasks of a Dask cluster, one at a time on each worker.
"""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack

from napari_mlpatch.core.errors import InputError

from . import cluster, target
from .output import duration, print_json, say, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="?", metavar="RECIPE.json", help="what is to be compared on what")
    parser.add_argument("--out", metavar="FOLDER", help="folder to write to, or to go on with")
    parser.add_argument("--example", action="store_true", help="print a recipe to begin with")
    target.add_force(parser)
    cluster.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    from napari_mlpatch.batch.benchmark_recipe import EXAMPLE, read_benchmark

    if args.example:
        print(json.dumps(EXAMPLE, indent=2))
        return 0
    if args.recipe is None or args.out is None:
        raise InputError("Give a recipe and --out FOLDER; `mlpatch batch compare --example` prints a recipe.")

    from napari_mlpatch.batch.benchmark import Compared, Ran, benchmark
    from napari_mlpatch.batch.folder import Folder
    from napari_mlpatch.batch.report import image_title, summary_rows, write_report
    from napari_mlpatch.core.run import Control

    from .execute import cancelling

    recipe = read_benchmark(args.recipe)
    folder = Folder(args.out, "benchmark", force=args.force)
    control, done = Control(), None
    with ExitStack() as stack:
        pool = cluster.pool(args, stack)
        stack.enter_context(cancelling(control))
        for event in benchmark(recipe, folder, control, pool):
            if isinstance(event, Ran):
                one = event.run
                where = f"{image_title(recipe.images[one.image])}, seed {one.seed}, {recipe.methods[one.method].title}"
                psnr = f"{one.metrics['psnr']:.2f} dB, " if "psnr" in one.metrics else ""
                what = one.error or f"{psnr}{duration(one.seconds)}{', was there' if event.reused else ''}"
                say(f"{event.index + 1}/{recipe.count}  {where}: {what}")
            elif isinstance(event, Compared):
                done = event
    assert done is not None
    page = write_report(folder, done)
    if args.json:
        print_json({"out": args.out, "report": str(page), "ranking": summary_rows(done)})
    else:
        print(f"{page}\n{_summary(done)}")
    if done.cancelled:
        raise KeyboardInterrupt
    return 0 if any(not one.error for one in done.runs) else 2


def _summary(compared) -> str:
    from napari_mlpatch.batch.summary import keys_of, standings, written
    from napari_mlpatch.core.metrics import METRICS

    keys = keys_of(compared.runs)
    lines = [["", "method", *(METRICS.get(key).heading for key in keys), "time", "failed"]]
    for one in standings(compared.recipe, compared.runs):
        time = duration(one.seconds.mean) if one.seconds.n else "-"
        figures = [written(one.figures[key], key) for key in keys]
        lines.append([str(one.rank), one.title, *figures, time, str(one.failed) if one.failed else ""])
    return table(lines, indent="  ")
