"""Speed, agreement and memory of the fan-beam projector, beside ASTRA (CPU), and its reconstructions of measured data.

    mlpatch bench fan [--size 512] [--views 721] [--bins 560] [--repeats 3] [--data DIR] [--json]

The geometry is that of the Helsinki Tomography Challenge 2022: 721 views over a closed turn, 560 bins of 0.2 mm.
Times are for one float32 image, taken in pairs (A B A B), see ``projector.py``. ``DIR`` holds the challenge's
sinograms in folders such as ``train`` and ``test`` and its reference segmentations, on 512x512 pixels, in ``train_seg``
and ``test_seg``: each sinogram's filtered back-projection, cut in two by Otsu's threshold, is compared with its
reference by Matthews' correlation coefficient.
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

SIZE, VIEWS, BINS = 512, 721, 560
PITCH, SOURCE_TO_AXIS, SOURCE_TO_DETECTOR = 0.2, 410.66, 553.74  # mm
KINDS = ("line_fanflat", "strip_fanflat")
SPEED = 3.0  # over either of ASTRA's, forward and adjoint
DIFFERENCE_PERCENT = 0.5
MISMATCH = {torch.float32: 1e-5, torch.float64: 1e-10}
MEMORY_GB = 1.0
SHORT_OF_ONE = 0.05  # of the mean correlation


def run(options: list[str]) -> list[Row]:
    """All rows. Raises SystemExit on unknown options."""
    parser = argparse.ArgumentParser(prog="mlpatch bench fan", description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=SIZE, help="rows and columns of the image")
    parser.add_argument("--views", type=int, default=VIEWS, help="over a closed turn")
    parser.add_argument("--bins", type=int, default=BINS, help="of the detector, which is always equally wide")
    parser.add_argument("--repeats", type=int, default=3, help="paired repetitions")
    parser.add_argument("--data", type=Path, metavar="DIR", help="sinograms and segmentations of the challenge")
    parser.add_argument("--cell", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(options)
    shape = (given.size, given.views, given.bins)
    if given.cell:
        print(json.dumps(cell(*shape)))
        return []
    rows = [row for kind in KINDS for row in astra_rows(kind, *shape, given.repeats)]
    return rows + adjoint_rows(*shape) + fresh_rows(*shape) + segmentation_rows(given.data)


def geometry(size: int, views: int, bins: int) -> mp.operators.FanBeam:
    """The challenge's scanner; pixels and bins are coarser where there are fewer."""
    return mp.operators.FanBeam(
        image_shape=(size, size),
        angles_deg=tuple(np.linspace(0.0, 360.0, views).tolist()),
        detector_count=bins,
        detector_pitch=PITCH * BINS / bins,
        source_to_axis=SOURCE_TO_AXIS,
        source_to_detector=SOURCE_TO_DETECTOR,
        pixel_size=PITCH * SOURCE_TO_AXIS / SOURCE_TO_DETECTOR * SIZE / size,
    )


def astra_rows(kind: str, size: int, views: int, bins: int, repeats: int) -> list[Row]:
    """A and Aᵀ beside one of ASTRA's projectors: times, and the difference of the sinograms."""
    is_default = (size, views, bins) == (SIZE, VIEWS, BINS)
    floor, at_most = (SPEED, DIFFERENCE_PERCENT) if is_default else (None, None)
    names = [f"{op}, {views} views, ASTRA {kind}" for op in ("A", "Aᵀ")]
    name = f"difference to ASTRA {kind}, Shepp-Logan, {views} views"
    astra, why = find_astra()
    if astra is None:
        rows = [missing(each, "ms", why, required=floor) for each in names]
        return [*rows, missing(name, "%", why, required=at_most)]
    A, image = geometry(size, views, bins), shepp_logan(size)
    x = torch.from_numpy(image)[None, None]
    y = A(x)
    lengths = np.array([A.detector_pitch, A.source_to_axis, A.source_to_detector]) / A.pixel_size
    theirs = Astra(astra, kind, size, np.asarray(A.angles_deg), bins, fan=tuple(lengths.tolist()))
    theirs.image[:] = image
    expected = theirs.forward() * A.pixel_size
    difference = float(np.linalg.norm(y[0, 0].numpy() - expected) / np.linalg.norm(expected))
    pairs = [paired(lambda: A(x), theirs.forward, repeats=repeats)]
    pairs.append(paired(lambda: A.T(y), theirs.adjoint, repeats=repeats))
    theirs.close()
    rows = [compared(each, pair, required=floor) for each, pair in zip(names, pairs, strict=True)]
    return [*rows, measured(name, 100.0 * difference, "%", at_most=at_most)]


def adjoint_rows(size: int, views: int, bins: int) -> list[Row]:
    """How far A and Aᵀ are from being adjoint."""
    A = geometry(min(size, 128), min(views, 91), min(bins, 140))
    rows = []
    for dtype, limit in MISMATCH.items():
        generator = torch.Generator().manual_seed(0)
        u = torch.rand(1, 1, *A.domain_shape, generator=generator, dtype=dtype)
        v = torch.rand(1, 1, *A.range_shape, generator=generator, dtype=dtype)
        left, right = (A(u).double() * v.double()).sum(), (u.double() * A.T(v).double()).sum()
        mismatch = float((left - right).abs() / left.abs())
        name = f"adjoint mismatch, {str(dtype).removeprefix('torch.')}, {A.range_shape[0]} views"
        rows.append(measured(name, mismatch, "relative", at_most=limit))
    return rows


def fresh_rows(size: int, views: int, bins: int) -> list[Row]:
    """Build time, times and memory in a fresh process."""
    command = [sys.executable, __file__, "--cell", "--size", str(size), "--views", str(views), "--bins", str(bins)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        why = f"the process ended with {done.returncode}: {done.stderr.strip()[-200:]}"
        return [missing(f"building, {views} views", "s", why)]
    figures = json.loads(done.stdout.splitlines()[-1])
    at_most = MEMORY_GB if (size, views, bins) == (SIZE, VIEWS, BINS) else None
    return [
        measured(f"building A and Aᵀ, {views} views", figures["build_s"], "s"),
        measured(f"A, {views} views", figures["A_ms"], "ms"),
        measured(f"Aᵀ, {views} views", figures["AT_ms"], "ms"),
        measured(f"filtered back-projection, {views} views", figures["fbp_ms"], "ms"),
        measured(f"memory, highest, {views} views", figures["peak_gb"], "GB", at_most=at_most),
        measured(f"memory, kept, {views} views", figures["kept_gb"], "GB"),
    ]


def cell(size: int, views: int, bins: int) -> dict[str, float]:
    """Build and apply everything once for the memory, then again for the times. Only right in a fresh process."""
    small = geometry(16, 4, 20)  # what libraries load at their first use is not the operator's memory
    small.fbp(small(torch.ones(1, 1, 16, 16)))
    x = torch.from_numpy(shepp_logan(size))[None, None]
    base = psutil.Process().memory_info().rss
    with Meter(torch.device("cpu")) as meter:
        A = geometry(size, views, bins)
        y = A(x)
        A.T(y)
        built = meter.seconds
        peak = meter.peak_bytes
        kept = psutil.Process().memory_info().rss - base
    times = [1e3 * seconds(f) for f in (lambda: A(x), lambda: A.T(y), lambda: A.fbp(y))]
    figures = dict(zip(("A_ms", "AT_ms", "fbp_ms"), times, strict=True))
    return {**figures, "build_s": built, "peak_gb": peak / 1e9, "kept_gb": kept / 1e9}


def segmentation_rows(folder: Path | None) -> list[Row]:
    """One minus the mean Matthews correlation, for each folder of sinograms that has one of segmentations."""
    if folder is None:
        why = "give --data DIR, the sinograms and segmentations of the Helsinki Tomography Challenge 2022"
        return [missing("1 - Matthews correlation", "1", why, required=SHORT_OF_ONE)]
    rows = []
    for references in sorted(folder.glob("*_seg")):
        data = references.with_name(references.name.removesuffix("_seg"))
        found = [correlation(path, references) for path in sorted(data.glob("*.mat"))]
        name = f"1 - Matthews correlation, mean of {len(found)} measured sinograms, {data.name}"
        note = f"from {min(found):.4f} to {max(found):.4f}"
        rows.append(measured(name, 1.0 - float(np.mean(found)), "1", at_most=SHORT_OF_ONE, note=note))
    return rows or [missing("1 - Matthews correlation", "1", f"{folder} holds no folder *_seg")]


def correlation(path: Path, references: Path) -> float:
    """Matthews' correlation coefficient of one sinogram's segmentation with its reference."""
    from scipy.io import loadmat
    from skimage.filters import threshold_otsu

    problem = mp.io.read_measurement(path, image_shape=(SIZE, SIZE))
    picture = problem.A.pinv(problem.y)[0, 0].numpy()
    (reference,) = references.glob(f"{path.stem.removesuffix('_full')}_*.mat")
    (expected,) = (value for value in loadmat(reference).values() if isinstance(value, np.ndarray) and value.ndim == 2)
    return float(np.corrcoef((picture > threshold_otsu(picture)).ravel(), expected.ravel() > 0)[0, 1])


if __name__ == "__main__":
    for row in run(sys.argv[1:]):
        print(json.dumps(row, ensure_ascii=False))
