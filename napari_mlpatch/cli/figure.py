"""A figure for a paper from results: a grid with labels, figures of merit, insets, one scale bar, one colour bar.

  mlpatch figure fbp.tif tv.tif lpd.tif --out figure.pdf
  mlpatch figure fbp.tif tv.tif --label FBP --label TV --metrics psnr,ssim --error-row --out figure.svg
  mlpatch figure x.tif y.tif --inset 40:72,100:132 --width ieee-single --color-label "µ / cm⁻¹" --out figure.png

The format follows the name: .pdf, .svg or .png. The truth comes first where the recipe of the first picture knows it.
"""

from __future__ import annotations

import argparse
from typing import Any

from napari_mlpatch.core.declare import parameters
from napari_mlpatch.core.errors import InputError

from . import target
from .output import print_json, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from napari_mlpatch.figures import Style

    parser.add_argument(
        "pictures", nargs="+", metavar="PICTURE", help="results: .tif, .npy, .h5, .fits; or any picture"
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="the figure to write: .pdf, .svg or .png")
    target.add_force(parser)
    parser.add_argument("--label", action="append", default=[], metavar="TEXT", help="one for each picture, in order")
    parser.add_argument("--metrics", metavar="KEYS", help="below each picture, such as psnr,ssim (none: nothing)")
    parser.add_argument("--no-truth", action="store_true", help="do not show the truth")
    parser.add_argument("--slice", type=int, default=0, metavar="I", help="slice of a stack, counted from 0")
    parser.add_argument("--pixel-size", type=float, metavar="LENGTH", help="side of a pixel (as the files say)")
    parser.add_argument("--unit", metavar="UNIT", help="unit of the pixel size, such as mm or arcsec")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    group = parser.add_argument_group("how it looks")
    for p in parameters(Style):
        how: dict[str, Any] = {"dest": f"style_{p.name}", "default": None, "help": _help(p)}
        if p.kind == "bool":
            how["action"] = argparse.BooleanOptionalAction
        elif p.choices:
            how["choices"] = p.choices
        else:
            how |= {"type": p.type, "metavar": p.kind.upper()}
        group.add_argument(f"--{p.name.replace('_', '-')}", **how)


def run(args: argparse.Namespace) -> int:
    from napari_mlpatch.figures import draw, style, write_figure
    from napari_mlpatch.figures.write import SUFFIXES

    out = target.checked(args, SUFFIXES, "figure")
    given = {name.removeprefix("style_"): value for name, value in vars(args).items() if name.startswith("style_")}
    chosen = style(**{name: value for name, value in given.items() if value is not None})

    from napari_mlpatch.batch.panels import panels_of

    keys = None if args.metrics is None else [] if args.metrics == "none" else args.metrics.split(",")
    found = panels_of(args.pictures, labels=args.label, metrics=keys, truth=not args.no_truth, item=args.slice)
    if args.pixel_size is not None and not args.pixel_size > 0:
        raise InputError(f"--pixel-size must be positive, got {args.pixel_size}.")
    scale = found.scale if args.pixel_size is None else (args.pixel_size, args.pixel_size)
    unit = found.unit if args.unit is None else args.unit
    if chosen.scale_bar and not unit:
        say("mlpatch: no scale bar, because no file says the unit of its pixels: --unit (and --pixel-size)")
    figure = draw(found.panels, chosen, scale=scale, unit=unit)
    write_figure(out, figure, found.panels, dpi=chosen.dpi, force=args.force)
    width, height = (25.4 * float(inches) for inches in figure.get_size_inches())
    if args.json:
        labels = [panel.label for panel in found.panels]
        print_json({"out": args.out, "panels": labels, "width_mm": width, "height_mm": height, "unit": unit})
    else:
        print(f"{args.out}: {len(found.panels)} pictures, {width:.0f} x {height:.0f} mm")
    return 0


def _help(p: Any) -> str:
    words = p.description + (f", in {p.unit}" if p.unit else "")
    default = p.none_means if p.default is None else "" if p.default in ("", False) else p.default
    return f"{words} ({'yes' if default is True else default})" if default not in ("", None) else words
