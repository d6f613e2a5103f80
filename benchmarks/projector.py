"""Speed, agreement and memory of the parallel-beam projector, beside ASTRA (CPU) and scikit-image.

    mlpatch bench projector [--size 512] [--angles 180 720] [--repeats 5] [--table] [--json]

Times are for one float32 image, taken in pairs (A B A B); "theirs / ours" is the median of the paired ratios, and
``ratio_of_minima`` stands beside it in the JSON. ASTRA's are its own algorithms on linked arrays, without copies.
Memory is the growth of a fresh process that builds and applies everything. ``required`` is a floor for ratios and a
ceiling for plain figures, at the default size.
``--table`` measures ourselves only, over sizes and numbers of angles, each cell in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import torch

sys.path.insert(0, str(Path(__file__).parent))  # also when loaded by its path
from _measure import Astra, Row, compared, find_astra, measured, missing, paired, seconds, shepp_logan

import napari_mlpatch as mp
from napari_mlpatch.core.meter import Meter

SIZE = 512
FEW = 30  # angles that the normal operator is compared with itself at
SPEED = {180: 25.0, 720: 50.0}  # over ASTRA linear, forward and adjoint, by angles
NORMAL_SPEED = {720: 500.0}  # over ASTRA strip, forward and adjoint together
NORMAL_GROWTH = 1.3
DIFFERENCE_PERCENT = 0.3
MISMATCH = {torch.float32: 1e-5, torch.float64: 1e-10}
MEMORY_GB = {720: 0.5}
TABLE_SIZES = (128, 256, 512, 1024, 2048)
TABLE_ANGLES = (30, 180, 720, 1440)


def run(options: list[str]) -> list[Row]:
    """All rows. Raises SystemExit on unknown options."""
    parser = argparse.ArgumentParser(prog="mlpatch bench projector", description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=SIZE, help="rows and columns of the image")
    parser.add_argument("--angles", type=int, nargs="+", default=[180, 720], help="numbers of angles")
    parser.add_argument("--repeats", type=int, default=5, help="paired repetitions")
    parser.add_argument("--table", action="store_true", help="ourselves over sizes and numbers of angles")
    parser.add_argument("--sizes", type=int, nargs="+", default=TABLE_SIZES, help="sizes of the table")
    parser.add_argument("--cell", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(options)
    if given.cell:
        print(json.dumps(cell(given.size, given.angles[0])))
        return []
    if given.table:
        angles = TABLE_ANGLES if given.angles == [180, 720] else given.angles
        return [row for size in given.sizes for n in angles for row in table_rows(size, n)]
    rows: list[Row] = []
    for n in given.angles:
        rows += speed_rows(given.size, n, given.repeats)
    rows += agreement_rows(given.size, max(given.angles))
    rows += normal_growth_rows(given.size, max(given.angles), given.repeats)
    for n in given.angles:
        rows += memory_rows(given.size, n)
    return rows


def geometry(size: int, n: int) -> tuple[mp.operators.ParallelBeam, np.ndarray]:
    """The operator and its angles: half a turn, and a detector as wide as the diagonal (724 bins at 512)."""
    angles = np.linspace(0.0, 180.0, n, endpoint=False)
    suggested = mp.operators.ParallelBeam.suggest((size, size))
    bins = 724 if size == SIZE else suggested["detector_count"]
    return mp.operators.ParallelBeam(
        image_shape=(size, size), angles_deg=tuple(angles.tolist()), detector_count=bins
    ), angles


def speed_rows(size: int, n: int, repeats: int) -> list[Row]:
    """A, Aᵀ and AᵀA beside scikit-image and ASTRA at one number of angles."""
    from skimage.transform import iradon, radon

    A, angles = geometry(size, n)
    image = shepp_logan(size)
    x = torch.from_numpy(image)[None, None]
    y = A(x)
    sinogram = y[0, 0].numpy()
    A.normal(x)
    where = f"{n} angles"
    rows = [
        compared(
            f"A, {where}, scikit-image radon",
            paired(lambda: A(x), lambda: radon(image, angles, circle=False), repeats=repeats),
        ),
        compared(
            f"Aᵀ, {where}, scikit-image iradon without filter",
            paired(
                lambda: A.T(y),
                lambda: iradon(sinogram.T, angles, filter_name=None, output_size=size, circle=False),
                repeats=repeats,
            ),
            note="iradon is not the adjoint of radon",
        ),
    ]
    if size != SIZE:
        return rows + astra_rows("linear", size, n, repeats) + astra_rows("strip", size, n, repeats)
    floor, normal_floor = SPEED.get(n), NORMAL_SPEED.get(n)
    rows += astra_rows("linear", size, n, repeats, floors=(floor, floor, None))
    return rows + astra_rows("strip", size, n, repeats, floors=(None, None, normal_floor))


def astra_rows(kind: str, size: int, n: int, repeats: int, floors: tuple = (None, None, None)) -> list[Row]:
    """A, Aᵀ and AᵀA beside one of ASTRA's projectors; ASTRA has no AᵀA, so that is its A and its Aᵀ in turn."""
    names = [f"{op}, {n} angles, ASTRA {kind}" for op in ("A", "Aᵀ")] + [f"AᵀA, {n} angles, ASTRA {kind} A and Aᵀ"]
    astra, why = find_astra()
    if astra is None:
        return [missing(name, "ms", why, required=floor) for name, floor in zip(names, floors, strict=True)]
    A, angles = geometry(size, n)
    image = shepp_logan(size)
    x = torch.from_numpy(image)[None, None]
    y = A(x)
    theirs = Astra(astra, kind, size, angles, A.detector_count)
    theirs.image[:] = image
    calls = [
        (lambda: A(x), theirs.forward),
        (lambda: A.T(y), theirs.adjoint),
        (lambda: A.normal(x), lambda: (theirs.forward(), theirs.adjoint())),
    ]
    pairs = [paired(a, b, repeats=repeats) for a, b in calls]
    theirs.close()
    return [compared(name, pair, required=floor) for name, pair, floor in zip(names, pairs, floors, strict=True)]


def agreement_rows(size: int, n: int) -> list[Row]:
    """Difference to ASTRA's strip projector, of AᵀA to Aᵀ(A x), and the adjoint's mismatch."""
    A, angles = geometry(size, n)
    image = shepp_logan(size)
    x = torch.from_numpy(image)[None, None]
    rows = []
    astra, why = find_astra()
    name = f"difference to ASTRA strip, Shepp-Logan, {n} angles"
    at_most = DIFFERENCE_PERCENT if size == SIZE else None
    if astra is None:
        rows.append(missing(name, "%", why, required=at_most))
    else:
        theirs = Astra(astra, "strip", size, angles, A.detector_count)
        theirs.image[:] = image
        difference = relative(A(x)[0, 0], torch.from_numpy(theirs.forward()))
        rows.append(measured(name, 100.0 * difference, "%", at_most=at_most))
        theirs.close()
    rows.append(measured(f"AᵀA beside Aᵀ(A x), {n} angles", relative(A.normal(x), A.T(A(x))), "relative"))
    for dtype, limit in MISMATCH.items():
        generator = torch.Generator().manual_seed(0)
        u = torch.rand(1, 1, *A.domain_shape, generator=generator, dtype=dtype)
        v = torch.rand(1, 1, *A.range_shape, generator=generator, dtype=dtype)
        left, right = (A(u).double() * v.double()).sum(), (u.double() * A.T(v).double()).sum()
        mismatch = float((left - right).abs() / left.abs())
        precision = str(dtype).removeprefix("torch.")
        rows.append(measured(f"adjoint mismatch, {precision}, {n} angles", mismatch, "relative", at_most=limit))
    return rows


def normal_growth_rows(size: int, n: int, repeats: int) -> list[Row]:
    """Time of AᵀA at ``n`` angles over its time at a few."""
    x = torch.from_numpy(shepp_logan(size))[None, None]
    many, few = geometry(size, n)[0], geometry(size, FEW)[0]
    pair = paired(lambda: many.normal(x), lambda: few.normal(x), repeats=2 * repeats)
    at_most = NORMAL_GROWTH if size == SIZE else None
    return [measured(f"time of AᵀA, {n} angles over {FEW} angles", 1.0 / pair.ratio, "times", at_most=at_most)]


def memory_rows(size: int, n: int) -> list[Row]:
    """Build time and memory in a fresh process."""
    figures = fresh_cell(size, n)
    if "note" in figures:
        return [missing(f"building, {n} angles", "s", str(figures["note"]))]
    limit = MEMORY_GB.get(n) if size == SIZE else None
    return [
        measured(f"building A and Aᵀ, {n} angles", figures["build_s"], "s"),
        measured(f"building AᵀA, {n} angles", figures["build_normal_s"], "s"),
        measured(f"memory, highest, {n} angles", figures["peak_gb"], "GB", at_most=limit),
        measured(f"memory, kept, {n} angles", figures["kept_gb"], "GB"),
    ]


def table_rows(size: int, n: int) -> list[Row]:
    """One cell of the table: size x angles."""
    where = f"{size}x{size}, {n} angles"
    figures = fresh_cell(size, n)
    if "note" in figures:
        return [missing(where, "ms", str(figures["note"]))]
    units = {"A_ms": "ms", "AT_ms": "ms", "normal_ms": "ms", "build_s": "s", "build_normal_s": "s", "peak_gb": "GB"}
    names = {"A_ms": "A", "AT_ms": "Aᵀ", "normal_ms": "AᵀA", "build_s": "building A and Aᵀ"}
    names |= {"build_normal_s": "building AᵀA", "peak_gb": "memory, highest"}
    return [measured(f"{where}, {names[key]}", figures[key], unit) for key, unit in units.items()]


def fresh_cell(size: int, n: int) -> dict:
    """``cell`` in a new process; ``{"note": why}`` where it did not come back."""
    need = 4 * geometry(size, n)[0].memory_bytes()
    if need > psutil.virtual_memory().available:
        return {"note": f"left out: it may need {need / 1e9:.1f} GB, more than is free"}
    command = [sys.executable, __file__, "--cell", "--size", str(size), "--angles", str(n)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"note": f"the process ended with {done.returncode}: {done.stderr.strip()[-200:]}"}
    return json.loads(done.stdout.splitlines()[-1])


def cell(size: int, n: int) -> dict[str, float]:
    """Build and apply everything once for the memory, then again for the times. Only right in a fresh process."""
    small = geometry(16, 4)[0]  # what libraries load at their first use is not the operator's memory
    small.T(small(small.normal(torch.ones(1, 1, 16, 16))))
    x = torch.from_numpy(shepp_logan(size))[None, None]
    base = psutil.Process().memory_info().rss
    with Meter(torch.device("cpu")) as meter:
        A, _ = geometry(size, n)
        y = A(x)
        A.T(y)
        built = meter.seconds
        A.normal(x)
        built_normal = meter.seconds - built
        peak = meter.peak_bytes
        kept = psutil.Process().memory_info().rss - base
    times = [seconds(f) for f in (lambda: A(x), lambda: A.T(y), lambda: A.normal(x))]
    figures = dict(zip(("A_ms", "AT_ms", "normal_ms"), (1e3 * t for t in times), strict=True))
    return {**figures, "build_s": built, "build_normal_s": built_normal, "peak_gb": peak / 1e9, "kept_gb": kept / 1e9}


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(a.double() - b.double()) / torch.linalg.vector_norm(b.double()))


if __name__ == "__main__":
    for row in run(sys.argv[1:]):
        print(json.dumps(row, ensure_ascii=False))
