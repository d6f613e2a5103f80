"""Many reconstructions at once: a parameter swept, methods compared on simulated measurements, all slices of a stack.

  mlpatch batch sweep m.h5 --method tv --vary weight=0.1:10:log9 --out sweep/
  mlpatch batch compare recipe.json --out compared/
  mlpatch batch run recipe.json scan.h5 --out volume.zarr

`mlpatch batch sweep --help`, `mlpatch batch compare --help` and `mlpatch batch run --help` tell more.
"""

from __future__ import annotations

import argparse
import importlib

ACTIONS = {
    "sweep": "vary one or two parameters of one or several methods, and score every picture",
    "run": "all slices of a stack, as one of them was reconstructed; restartable, also on a cluster",
    "compare": "images x operator x noise seeds x methods: a ranked table and a report",
}
"""Each is a module ``batch_NAME`` beside this one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="|".join(ACTIONS))
    for name, summary in ACTIONS.items():
        module = _module(name)
        one = actions.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(one)


def run(args: argparse.Namespace) -> int:
    return _module(args.action).run(args)


def _module(name: str):
    return importlib.import_module(f".batch_{name}", __package__)
