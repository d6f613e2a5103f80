"""Measure how good a picture is: PSNR, SSIM, NRMSE, relative residual, chi-square, as far as they are known.

Against the data and the truth that its recipe names, or those given:

  mlpatch evaluate x.tif
  mlpatch evaluate x.tif --measurement m.h5
  mlpatch evaluate x.tif --truth truth.tif --data-range 1
"""

from __future__ import annotations

import argparse
import math

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import torch

from .output import metrics, print_json, shape


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("result", metavar="RESULT", help="a picture: .tif, .npy, .h5 or .png")
    against = parser.add_mutually_exclusive_group()
    against.add_argument("--truth", metavar="FILE", help="compare with this image only")
    against.add_argument("--measurement", metavar="FILE", help="measurement, with its truth where it has one")
    parser.add_argument("--data-range", type=float, metavar="R", help="of PSNR and SSIM (the range of the truth)")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    if args.data_range is not None and not 0 < args.data_range < math.inf:
        raise InputError(f"--data-range must be a positive number, got {args.data_range}.")
    picture, found = _beside_image(args) if args.truth is not None else _beside_problem(args)
    if args.json:
        print_json({"result": args.result, "metrics": found})
    else:
        print(f"{args.result}: image {shape(picture)}\n{metrics(found)}")
    return 0


def _beside_image(args: argparse.Namespace) -> tuple[tuple[int, ...], dict[str, float]]:
    """Shape and metrics of the picture beside a true image."""
    from napari_mlpatch import io
    from napari_mlpatch.core.metrics import compare

    x, truth = (torch.from_numpy(io.read_image(path)[0]) for path in (args.result, args.truth))
    if x.shape != truth.shape:
        raise InputError(f"The picture has shape {list(x.shape)}, the truth {list(truth.shape)}. They must be equal.")
    for path, image in ((args.result, x), (args.truth, truth)):
        if not bool(torch.isfinite(image).all()):
            raise InputError(f"{path} holds NaN or infinite values.")
    batch = (-1, 1, *x.shape[-2:])
    return tuple(x.shape), compare(x.reshape(batch), truth.reshape(batch), data_range=args.data_range)


def _beside_problem(args: argparse.Namespace) -> tuple[tuple[int, ...], dict[str, float]]:
    """The same with the picture's measurement."""
    from napari_mlpatch import io
    from napari_mlpatch.batch.replay import as_batch, open_problem, read_recipe
    from napari_mlpatch.core.metrics import evaluate

    if args.measurement is not None:
        picture, problem = io.read_image(args.result)[0], io.read_measurement(args.measurement)
    else:
        recipe, picture = read_recipe(args.result)
        if picture is None:
            raise InputError(f"{args.result} is a recipe without a picture. Give the picture.")
        problem = open_problem(recipe)
    return picture.shape, evaluate(as_batch(picture, problem), problem, data_range=args.data_range)
