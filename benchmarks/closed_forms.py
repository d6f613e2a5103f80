"""Data steps in closed form beside conjugate gradients: ``(AᵀA + alpha I) x = Aᵀy + alpha z``.

    mlpatch bench closed-forms [--size 512] [--repeats 5] [--json]

Every operator in the registry that has a closed form, with the parameters that it suggests for the image or those of
``INSTANCES``; z is the image, as a denoiser would give it. The opponent is our own plain conjugate gradients with the
fast AᵀA, without a preconditioner (the circulant one is the closed form itself for some), from zero to a relative
residual of 1e-6. ``alpha`` is 1 % of ‖A‖². Times are for one image in single precision, in pairs. Differences are to
conjugate gradients in double precision to 1e-10, once in double precision and once rounded to single.

Where AᵀA has two eigenvalues only (a mask, of pixels or of k-space), conjugate gradients end after two iterations.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))  # also when loaded by its path
from _measure import Row, compared, measured, paired

import napari_mlpatch as mp
from napari_mlpatch.core.declare import build
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import operators
from napari_mlpatch.solvers.cg import CgStep, cg

SIZE = 512
ALPHA = 0.01  # of ‖A‖²
TOLERANCE = 1e-6
DIFFERENCE = 1e-5
SPEED = {"blur": 20.0, "inpainting": 20.0, "mri-cartesian": 20.0}
MOST_ITERATIONS = 5000

INSTANCES: dict[str, list[dict[str, Any]]] = {
    "blur": [{}, {"kernel": "shake", "width": 8.0}],
    "mri-cartesian": [{"coils": 1}, {"coils": 1, "mask": "poisson-disc"}],
    "super-resolution": [{}, {"factor": 4, "kernel": "bicubic"}],
}
"""What is set beside what an operator suggests; one row for each."""


def run(options: list[str]) -> list[Row]:
    """All rows. Raises SystemExit on unknown options."""
    parser = argparse.ArgumentParser(prog="mlpatch bench closed-forms", description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=SIZE, help="rows and columns of the image")
    parser.add_argument("--repeats", type=int, default=5, help="paired repetitions")
    given = parser.parse_args(options)
    x = torch.from_numpy(mp.io.samples.image("camera", size=given.size))[None, None]
    rows: list[Row] = []
    for name in sorted(cls.name for cls in operators):
        for parameters in INSTANCES.get(name, [{}]):
            suggested = operators.get(name).suggest((given.size, given.size))
            A = build(operators, {"name": name, "params": suggested | parameters})
            if A.closed_form:
                label = ", ".join([name, *(f"{key} {value}" for key, value in parameters.items())])
                required = SPEED.get(name) if given.size == SIZE else None
                rows += rows_of(A, x, label, given.repeats, required)
    return rows


def rows_of(A: Operator, x: Tensor, label: str, repeats: int, required: float | None) -> list[Row]:
    """Ratio of times and difference of one operator."""
    alpha = ALPHA * A.norm**2
    y = mp.simulate(x, A, mp.noise.Gaussian(relative=0.01), seed=0).y
    b = A.T(y) + alpha * x
    wide = b.to(torch.promote_types(b.dtype, torch.float64))
    k = solve(A, b, alpha, TOLERANCE).k
    pair = paired(lambda: A.solve_shifted(b, alpha), lambda: solve(A, b, alpha, TOLERANCE), repeats=repeats)
    exact = solve(A, wide, alpha, 1e-10).x
    double, single = (float((A.solve_shifted(v, alpha) - exact).norm() / exact.norm()) for v in (wide, b))
    return [
        compared(f"{label}, time", pair, required=required, note=f"{k} iterations of conjugate gradients"),
        measured(f"{label}, difference", double, "relative", at_most=DIFFERENCE),
        measured(f"{label}, difference in single precision", single, "relative"),
    ]


def solve(A: Operator, b: Tensor, alpha: float, tolerance: float) -> CgStep:
    """The last step of plain conjugate gradients from zero."""

    def system(v: Tensor) -> Tensor:
        return A.normal(v) + alpha * v

    *_, last = cg(system, b, torch.zeros_like(b), iterations=MOST_ITERATIONS, tolerance=tolerance)
    return last


if __name__ == "__main__":
    for row in run(sys.argv[1:]):
        print(json.dumps(row, ensure_ascii=False))
