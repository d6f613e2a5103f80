"""Enlarge a picture with an MLPatch network, which has values between the pixels, too.

  mlpatch zoom x.tif --weights mlpatch-gray-small --factor 4 --sigma 0.05 --out fine.tif
  mlpatch zoom sample:camera --weights mlpatch-gray-small --factor 8 --window 40,60,80,100 --out part.tif

The same weights serve every factor, whole or not. The fine pixels cover the area of the picture: the centre of number
i lies at (i + 0.5) / factor - 0.5 pixels. With the factor 1 the picture is denoised only.
"""

from __future__ import annotations

import argparse
import math
import sys
import time

from napari_mlpatch.core.errors import InputError

from . import target
from .output import duration, number, print_json, say, shape
from .pictures import noise_level, opened, span


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("image", metavar="IMAGE|sample:NAME", help="a picture: .tif, .npy, .h5, .png..., or a bundled one")
    add("--weights", required=True, metavar="NAME", help="of an MLPatch denoiser: a name, or a .safetensors file")
    add("--factor", type=float, default=2.0, metavar="F", help="from 1 to 64 (2)")
    add("--sigma", type=float, metavar="S", help="noise of the picture as a share of its range (estimated)")
    add("--range", metavar="LOW,HIGH", help="values that are 0 and 1 to the network (0.5th and 99.5th percentile)")
    add("--window", metavar="TOP,LEFT,BOTTOM,RIGHT", help="this part only: edges in pixels, the first centre is 0,0")
    add("--pixel-size", type=float, metavar="LENGTH", help="of IMAGE (from its recipe); --out notes that of its own")
    add("--unit", help="of the pixel size, e.g. mm")
    add("--out", required=True, metavar="FILE", help="picture to write: .tif, .ome.tif, .h5, .fits or .npy")
    target.add_force(parser)
    add("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    from napari_mlpatch import io

    out = target.checked(args)
    if args.pixel_size is not None and not 0 < args.pixel_size < math.inf:
        raise InputError(f"--pixel-size must be a positive number, got {args.pixel_size}.")

    import numpy as np

    from napari_mlpatch import weights
    from napari_mlpatch.explore import microscope
    from napari_mlpatch.explore.zoom import fine_grid, strips

    network = microscope.open_network(weights.find(args.weights))
    image, recipe = opened(args.image)
    grid = fine_grid(image.shape, args.factor, _window(args.window))
    low, high = span(image, args.range)
    sigma = noise_level(image, args.sigma, high - low)
    parts, start, rows = [], time.monotonic(), 0
    shown = start
    for part in strips(network, (image - low) / (high - low), sigma, grid):
        parts.append(part)
        rows += len(part)
        if (now := time.monotonic()) - shown > (1.0 if sys.stderr.isatty() else 10.0):
            shown = now
            say(f"{100 * rows // grid.rows} %  {duration((now - start) / rows * (grid.rows - rows))} left")
    pixel_size = args.pixel_size or _pixel_size(recipe)
    fine_size = None if pixel_size is None else pixel_size / grid.factor
    io.write_image(
        out, np.concatenate(parts) * (high - low) + low, pixel_size=fine_size, unit=args.unit, force=args.force
    )
    seconds = time.monotonic() - start
    if args.json:
        facts = {"out": args.out, "factor": grid.factor, "sigma": sigma, "range": [low, high], "seconds": seconds}
        print_json({**facts, "origin": grid.origin, "shape": [grid.rows, grid.columns], "pixel_size": fine_size})
    else:
        was, now = shape(image.shape), shape((grid.rows, grid.columns))
        size = "" if fine_size is None else f", pixel size {number(fine_size)}{f' {args.unit}' * bool(args.unit)}"
        print(f"{args.out}: image {was}, factor {grid.factor:g}, now {now}{size}, {duration(seconds)}")
    return 0


def _window(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    try:
        top, left, bottom, right = (float(word) for word in text.split(","))
    except ValueError:
        raise InputError(f"--window is TOP,LEFT,BOTTOM,RIGHT in pixels, such as 10,20,50,60, got {text!r}.") from None
    return top, left, bottom, right


def _pixel_size(recipe: dict | None) -> float | None:
    """That of the operator by which the picture was made."""
    found = ((recipe or {}).get("operator") or {}).get("params", {}).get("pixel_size")
    return float(found) if isinstance(found, int | float) and found > 0 else None
