"""Operators by NUFFT: their error beside the exact Fourier sum, and AᵀA by its Toeplitz form beside Aᵀ(A x).

    mlpatch bench nufft [--sizes 256 512] [--repeats 7] [--json]

Radial MRI: one coil, a full scan (pi / 2 spokes for each row, twofold read-out). Radio: an array of 64 antennas over
8 hours, 240 integrations; and random coverage with half as many samples as pixels. AᵀA costs the same whatever the
number of samples, so the fewer they are the smaller is what it gains. One float32 image; times are taken in pairs
(A B A B), "ratio" is the median of theirs / ours. The error is that of random samples, relative to their norm, for
an image of white noise, which has no smooth parts that would flatter it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))  # also when loaded by its path
from _measure import Row, compared, measured, paired

import napari_mlpatch as mp

SIZES = (256, 512)
ERROR = 1e-4
FASTER = 5.0
SAMPLES = 200


def run(options: list[str]) -> list[Row]:
    """All rows. Raises SystemExit on unknown options."""
    parser = argparse.ArgumentParser(prog="mlpatch bench nufft", description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="rows and columns of the image")
    parser.add_argument("--repeats", type=int, default=7, help="paired repetitions")
    given = parser.parse_args(options)
    rows: list[Row] = []
    for size in given.sizes:
        speed = FASTER if size in SIZES else None
        shape = (size, size)
        radial = mp.operators.MRINonCartesian(
            image_shape=shape, trajectory="radial", spokes=math.ceil(math.pi / 2 * size)
        )
        array = mp.operators.Interferometer(image_shape=shape, antennas=64, snapshots=240)
        random = mp.operators.Interferometer(image_shape=shape, coverage="gaussian")
        rows += rows_of(f"radial MRI, {size}²", radial, given.repeats, speed)
        rows += rows_of(f"radio, array, {size}²", array, given.repeats, speed)
        rows += rows_of(f"radio, random, {size}²", random, given.repeats, None)
    return rows


def rows_of(
    name: str, A: mp.operators.MRINonCartesian | mp.operators.Interferometer, repeats: int, faster: float | None
) -> list[Row]:
    """Errors and times of one operator."""
    x = torch.randn(1, 1, *A.image_shape, generator=torch.Generator().manual_seed(0))
    if A.complex_image:
        x = torch.complex(x, x.flip(-1))
    samples = f"{len(A.omega)} samples"
    return [
        measured(f"error, {name}", error(A, x), "relative", at_most=ERROR, note=samples),
        measured(f"AᵀA beside Aᵀ(A x), {name}", relative(A.normal(x), A.T(A(x))), "relative", at_most=ERROR),
        compared(
            f"AᵀA, {name}, Aᵀ(A x)",
            paired(lambda: A.normal(x), lambda: A.T(A(x)), repeats=repeats),
            required=faster,
            note=samples,
        ),
    ]


def error(A: mp.operators.MRINonCartesian | mp.operators.Interferometer, x: torch.Tensor) -> float:
    """Distance of some of A's samples from the sums written out in double precision."""
    chosen = np.random.default_rng(0).choice(len(A.omega), min(SAMPLES, len(A.omega)), replace=False)
    omega, image = A.omega[chosen], x[0, 0].to(torch.complex128).numpy()
    rows, columns = (
        np.exp(-1j * np.outer(k, np.arange(n) - n // 2)) for k, n in zip(omega.T, image.shape, strict=True)
    )
    exact = ((rows @ image) * columns).sum(1) / math.sqrt(image.size)
    return relative(A(x).flatten()[torch.from_numpy(chosen)], torch.from_numpy(exact))


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(a - b) / torch.linalg.vector_norm(b))


if __name__ == "__main__":
    for row in run(sys.argv[1:]):
        print(json.dumps(row, ensure_ascii=False))
