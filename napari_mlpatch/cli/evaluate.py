"""Measure how good a picture is: PSNR, SSIM, NRMSE, residual, chi-square, whiteness, as far as they are known.

Against the data and the truth that its recipe names, or those given; also in a region of interest:

  mlpatch evaluate x.tif
  mlpatch evaluate x.tif --measurement m.h5 --no-truth
  mlpatch evaluate x.tif --truth truth.tif --data-range 1 --region 20:60,30:80
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import Tensor, torch

from .output import metrics, print_json, shape

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem
    from napari_mlpatch.core.recipe import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("result", metavar="RESULT", help="a picture: .tif, .npy, .h5 or .png")
    against = parser.add_mutually_exclusive_group()
    against.add_argument("--truth", metavar="FILE", help="compare with this image only")
    against.add_argument("--measurement", metavar="FILE", help="measurement, with its truth where it has one")
    parser.add_argument("--no-truth", action="store_true", help="use no truth, even where it is known")
    parser.add_argument("--data-range", type=float, metavar="R", help="of PSNR and SSIM (the range of the truth)")
    parser.add_argument(
        "--region",
        metavar="R0:R1,C0:C1",
        help="also in these rows and columns, the ends excluded",
    )
    parser.add_argument("--background", metavar="R0:R1,C0:C1", help="of the CNR (all but the region)")
    parser.add_argument("--each", action="store_true", help="also of each slice of a stack")
    parser.add_argument(
        "--rerun",
        action="store_true",
        help="also SURE, GCV and ring correlation: runs the recipe on other data, 3 times",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    if args.data_range is not None and not 0 < args.data_range < math.inf:
        raise InputError(f"--data-range must be a positive number, got {args.data_range}.")
    if args.no_truth and args.truth is not None:
        raise InputError("--truth and --no-truth contradict each other. Leave one of them out.")
    if args.rerun and (args.truth is not None or args.measurement is not None):
        raise InputError("--rerun takes the picture's own recipe and data. Leave --truth and --measurement out.")
    if args.background is not None and args.region is None:
        raise InputError("--background is that of a --region. Give the region, too.")
    picture, found = _beside_image(args) if args.truth is not None else _beside_problem(args)
    if args.json:
        print_json({"result": args.result, **found})
        return 0
    print(f"{args.result}: image {shape(picture)}\n{metrics(found['metrics'])}")
    if args.region is not None:
        print(f"region {args.region}\n{metrics(found['region'])}")
    for i, values in enumerate(found.get("each", ())):
        print(f"slice {i}\n{metrics(values)}")
    if args.rerun:
        print("\n".join([*(f"no {key}: {reason}" for key, reason in found["left_out"].items()), found["words"]]))
    return 0


def _beside_image(args: argparse.Namespace) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Shape and metrics of the picture beside a true image."""
    from napari_mlpatch import io
    from napari_mlpatch.core.metrics import compare, compare_in_region, data_range_of

    x, truth = (torch.from_numpy(io.read_image(path)[0]) for path in (args.result, args.truth))
    if x.shape != truth.shape:
        raise InputError(f"The picture has shape {list(x.shape)}, the truth {list(truth.shape)}. They must be equal.")
    for path, image in ((args.result, x), (args.truth, truth)):
        if not bool(torch.isfinite(image).all()):
            raise InputError(f"{path} holds NaN or infinite values.")
    given, batch = tuple(x.shape), (-1, 1, *x.shape[-2:])
    x, truth = x.reshape(batch), truth.reshape(batch)
    found: dict[str, Any] = {"metrics": compare(x, truth, data_range=args.data_range)}
    if args.region is not None:
        options = {"background": args.background, "data_range": args.data_range}
        found["region"] = compare_in_region(x, truth, args.region, **options) | _span(found)
    if args.each:
        span = args.data_range or data_range_of(truth)
        pairs = zip(x.split(1), truth.split(1), strict=True)
        found["each"] = [compare(a, b, data_range=span) for a, b in pairs]
    return given, found


def _beside_problem(args: argparse.Namespace) -> tuple[tuple[int, ...], dict[str, Any]]:
    """The same with the picture's measurement."""
    from napari_mlpatch import io
    from napari_mlpatch.batch.replay import as_batch, open_problem, read_recipe
    from napari_mlpatch.core.metrics import each, evaluate, in_region

    recipe = None
    if args.measurement is not None:
        picture, problem = io.read_image(args.result)[0], io.read_measurement(args.measurement)
    else:
        recipe, picture = read_recipe(args.result)
        if picture is None:
            raise InputError(f"{args.result} is a recipe without a picture. Give the picture.")
        problem = open_problem(recipe)
    if args.no_truth:
        problem = dataclasses.replace(problem, truth=None)
    x: Tensor = as_batch(picture, problem)
    found: dict[str, Any] = {"metrics": evaluate(x, problem, data_range=args.data_range)}
    if args.region is not None:
        options = {"background": args.background, "data_range": args.data_range}
        found["region"] = in_region(x, problem, args.region, **options) | _span(found)
    if args.each:
        found["each"] = each(x, problem, data_range=args.data_range)
    if args.rerun and recipe is not None:
        _judge(found, x, problem, recipe)
    return picture.shape, found


def _judge(found: dict[str, Any], x: Tensor, problem: Problem, recipe: Recipe) -> None:
    """Add what needs more runs of the recipe, and what it means."""
    from napari_mlpatch.batch.replay import open_weights
    from napari_mlpatch.core.without_truth import WORDS, judge, why_not

    found["metrics"] |= judge(x, recipe, problem, open_weights(recipe))
    found |= {"left_out": why_not(recipe, problem), "words": WORDS}


def _span(found: dict[str, Any]) -> dict[str, float]:
    """The data range, which is the same in a region."""
    return {key: value for key, value in found["metrics"].items() if key == "data_range"}
