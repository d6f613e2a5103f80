"""Tikhonov and total variation beside the quick picture, on every operator in the registry.

    mlpatch bench operators [--size 256] [--only NAME ...] [--json]

Each operator, with the parameters that it suggests, measures a bundled image with noise; methods have their default
parameters. ``ours`` is the PSNR of the method and ``theirs`` that of ``pinv`` in dB, ``ratio`` the mean squared error
of ``pinv`` over that of the method, which must be above 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))  # also when loaded by its path
from _measure import Row, missing

import napari_mlpatch as mp
from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.metrics import compare
from napari_mlpatch.core.registry import methods, noises, operators

SIZE = 256
METHODS = ("tikhonov", "tv")

PHOTOGRAPH = ("camera", {"name": "gaussian", "params": {"relative": 0.1}})
SHARP = ("camera", {"name": "gaussian", "params": {"relative": 0.02}})
SLICE = ("ct-slice", {"name": "gaussian", "params": {"relative": 0.02}})
FOURIER = ("ct-slice", {"name": "gaussian", "params": {"snr_db": 20.0}})
MASS = ("kappa", {"name": "shape-noise"})

SAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "identity": PHOTOGRAPH,
    "inpainting": PHOTOGRAPH,
    "blur": SHARP,
    "super-resolution": SHARP,
    "composed": SHARP,
    "scaled": SHARP,
    "stacked": SHARP,
    "compressed-sensing": SLICE,
    "parallel-beam": SLICE,
    "fan-beam": SLICE,
    "mri-cartesian": FOURIER,
    "mri-noncartesian": FOURIER,
    "radio": FOURIER,
    "kaiser-squires": MASS,
}
"""An image and noise that suit the operator; what is not here gets a photograph."""


def run(options: list[str]) -> list[Row]:
    """All rows. Raises SystemExit on unknown options."""
    parser = argparse.ArgumentParser(prog="mlpatch bench operators", description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=SIZE, help="rows and columns of the image")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these operators")
    given = parser.parse_args(options)
    names = given.only or sorted(cls.name for cls in operators)
    return [row for name in names for row in rows_of(name, given.size)]


def rows_of(name: str, size: int) -> list[Row]:
    """One row for each method on one operator."""
    sample, noise = SAMPLES.get(name, PHOTOGRAPH)
    x = torch.from_numpy(mp.io.samples.image(sample, size=size))
    try:
        A = build(operators, {"name": name, "params": operators.get(name).suggest((size, size))})
        problem = mp.simulate(x, A, build(noises, noise), seed=0)
    except InputError as error:
        return [missing(f"{name}, {method}", "dB", str(error), required=1.0) for method in METHODS]
    assert problem.truth is not None
    truth = A.picture(problem.truth)
    quick = compare(A.picture(A.pinv(problem.y)), truth)["psnr"]
    rows = []
    for method in METHODS:
        psnr = mp.reconstruct(problem, build(methods, {"name": method})).metrics["psnr"]
        ratio = 10 ** ((psnr - quick) / 10)
        row = {"name": f"{name}, {method}", "ours": psnr, "theirs": quick, "ratio": ratio, "unit": "dB"}
        rows.append({**row, "required": 1.0, "passed": ratio > 1.0, "note": f"{sample}, {json.dumps(noise)}"})
    return rows


if __name__ == "__main__":
    for row in run(sys.argv[1:]):
        print(json.dumps(row, ensure_ascii=False))
