"""Estimates of time and memory beside what the runs then took, for all methods on all operators.

    mlpatch bench estimate [--sizes 256,1024] [--only NAME ...] [--methods NAME ...] [--iterations 12] [--json]

The operator has what it suggests for an image of that size, the image is a phantom, and tolerances are zero, so that
a run goes on to its last iteration. ``ours`` is the estimate, ``theirs`` what the run took, ``ratio`` theirs / ours. A
row passes where time is within a factor of 2, memory within 1.3. Methods with learned parts take weights that fit, the
smallest that is shipped of denoisers; where there are none, a row says so. Methods share an operator's tables, the
first one finds none. Time depends on what else the machine does: run it alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch

import napari_mlpatch as mp
from napari_mlpatch.core.declare import build, parameters
from napari_mlpatch.core.method import Method
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import methods, operators
from napari_mlpatch.weights import Weights

sys.path.insert(0, str(Path(__file__).parent))
from _measure import Row, listed, missing, positive

LIMITS = {"time": 2.0, "memory": 1.3}
NETWORK = "mlpatch-gray-small"
ITERATIONS = {512: 12, 4096: 4}
"""Of each method that has them, by the size up to which they are as many: large images take long."""


def run(options: list[str]) -> list[Row]:
    """All rows. Raises SystemExit on unknown options."""
    parser = argparse.ArgumentParser(prog="mlpatch bench estimate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=listed(positive), default=[256, 1024], help="rows and columns of the images")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these operators")
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="these methods")
    parser.add_argument("--iterations", type=positive, help="of each method that has them; default 12, 4 above 512")
    parser.add_argument("--denoiser", default="tv", help="of the methods that have one")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args(options)
    rows = []
    for size in given.sizes:
        iterations = given.iterations or next((n for most, n in ITERATIONS.items() if size <= most), 4)
        for name in given.only or [cls.name for cls in operators if cls.in_forms]:
            A = build(operators, {"name": name, "params": operators.get(name).suggest((size, size))})
            for method in given.methods or methods.names():
                rows += rows_of(A, method, size, iterations, given.denoiser, given.device)
    return rows


def rows_of(A: Operator, method_name: str, size: int, iterations: int, denoiser: str, device: str) -> list[Row]:
    """Time and memory of one method on one operator; none where it cannot work on it."""
    wished = {"iterations": iterations, "tolerance": 0.0, "denoiser": denoiser}
    known = {p.name for p in parameters(methods.get(method_name))}
    method = build(methods, {"name": method_name, "params": {k: v for k, v in wished.items() if k in known}})
    title = f"{A.name}, {method_name}, {size}"  # type: ignore[attr-defined]
    if method.unsuitable(A):
        return []
    try:
        network = fitting(method, A) if method.needs_network else None
        x = torch.from_numpy(mp.io.samples.image("shepp-logan", size=size))
        problem = mp.simulate(x, A, mp.noise.Gaussian(relative=0.02), seed=0)
        cost = mp.estimate(problem, method, network, device=device)
        result = mp.reconstruct(problem, method, network, device=device)
    except mp.InputError as error:
        return [missing(title, "", str(error))]
    return [
        _row(f"{title}: time", cost.seconds, result.seconds, "s", LIMITS["time"]),
        _row(f"{title}: memory", cost.bytes / 2**20, result.peak_bytes / 2**20, "MiB", LIMITS["memory"]),
    ]


def fitting(method: Method, A: Operator) -> Weights:
    """Shipped weights that the method takes for this operator. Raises InputError where there are none."""
    cards = sorted(mp.weights.available(), key=lambda card: card.name != NETWORK)
    for card in cards:
        if not method.accepts(card, A).refusal:
            return mp.weights.find(card.name)
    raise mp.InputError(f"No weights of {method.name!r} fit this operator: left out.")


def _row(name: str, ours: float, theirs: float, unit: str, limit: float) -> Row:
    ratio = theirs / ours
    row = {"name": name, "ours": ours, "theirs": theirs, "ratio": ratio, "unit": unit}
    return {**row, "required": limit, "passed": 1 / limit <= ratio <= limit, "note": ""}


if __name__ == "__main__":
    for row in run(sys.argv[1:]):
        print(json.dumps(row, ensure_ascii=False))
