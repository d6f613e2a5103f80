"""Learned and classical methods in one table: CT of the body (and of the head, which no network has seen), MRI of the
brain.

Operator and noise are those of the training recipes ``modl-ct-body`` (256 x 256 pixels, 60 angles, 1 % noise) and
``modl-mri-brain`` (256 x 256, every fourth line, one coil); slices are those of the public test sets, on which nothing
was trained or tuned. PSNR (dB) and SSIM have data range 1 and are means over the slices; seconds (the median) and peak
memory (MiB, the largest) are of one slice, on the CPU. The weight of total variation is the best one for four slices of
the training sets, in terms of the automatic weight: for CT 1, 1.41, 2, 2.83 and 4 give 33.26, 33.49, 33.47, 33.20 and
32.73 dB there, for MRI 0.5, 1, 2 and 4 give 35.19, 35.48, 35.59 and 35.17. A method whose weights do not
come with this copy of the program has NaN everywhere.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import napari_mlpatch as mp
from napari_mlpatch import weights
from napari_mlpatch.core.meter import Meter
from napari_mlpatch.core.method import Method
from napari_mlpatch.core.registry import methods
from napari_mlpatch.methods.tv import automatic_weight
from napari_mlpatch.torch_later import Tensor
from napari_mlpatch.training.shipped import find_recipe

from .figure import Figure, Given, Measure
from .images import BODY, HEAD, chosen, middle, photographs, slices

SIZE = 256
CT_TV, MRI_TV = 1.41, 2.0
"""The best weights of total variation on training slices, in terms of the automatic ones."""
GAIN = 1.5
"""So much better than total variation the best learned method is to be, in dB."""


@dataclass(frozen=True)
class Entry:
    """A method of a table, for a problem (None: the quick picture), and the name of its weights."""

    name: str
    method: Callable[[mp.Problem], Method] | None
    weights: str = ""

    @property
    def is_here(self) -> bool:
        return not self.weights or weights.is_shipped(self.weights)


def _plain(name: str) -> Callable[[mp.Problem], Method]:
    return lambda problem: methods.get(name)()


def _tv(factor: float) -> Callable[[mp.Problem], Method]:
    return lambda problem: methods.get("tv")(weight=factor * automatic_weight(problem).item())


CT = (
    Entry("FBP", _plain("fbp")),
    Entry("TV", _tv(CT_TV)),
    Entry("U-Net", _plain("unet"), "unet-ct-body"),
    Entry("LPD", _plain("unrolled"), "lpd-ct-body"),
    Entry("MoDL", _plain("unrolled"), "modl-ct-body"),
    Entry("unrolled", _plain("unrolled"), "unrolled-prox-ct-body"),
    Entry("DE-Prox", _plain("equilibrium"), "deq-prox-ct-body"),
    Entry("DE-ADMM", _plain("equilibrium"), "deq-admm-ct-body"),
    Entry("MLPatch-ADMM", _plain("pnp-admm"), "mlpatch-ct-small"),
)
MRI = (
    Entry("zero filling", None),
    Entry("TV", _tv(MRI_TV)),
    Entry("U-Net", _plain("unet"), "unet-mri-brain"),
    Entry("MoDL", _plain("unrolled"), "modl-mri-brain"),
)
LEARNED = ("U-Net", "LPD", "MoDL", "unrolled", "DE-Prox", "DE-ADMM")
CT_RECIPE, MRI_RECIPE = "modl-ct-body", "modl-mri-brain"


def problems(recipe: str, images: list[Tensor], seed: int) -> Iterator[mp.Problem]:
    """Measurements of images ``[1, 1, 256, 256]`` with operator and noise of a training recipe, one seed for each."""
    task: Any = find_recipe(recipe).task
    for k, x in enumerate(images):
        yield mp.simulate(x, task.operator, noise=task.noise, seed=1000 * seed + k)


def compare(entries: tuple[Entry, ...], problems: list[mp.Problem], given: Given, label: str = "") -> dict[str, float]:
    """``"NAME PSNR"``, ``SSIM``, ``seconds`` and ``MiB`` of each method, ``label`` in front; NaN without weights."""
    found: dict[str, float] = {}
    for entry in entries:
        network = weights.find(entry.weights) if entry.weights and entry.is_here else None
        told = given.each(problems if entry.is_here else [], f"{label}{entry.name}")
        rows = [_one(entry, problem, network) for problem in told] or [(math.nan,) * 4]
        psnr, ssim, seconds, peak = zip(*rows, strict=True)
        found[f"{label}{entry.name} PSNR"] = statistics.fmean(psnr)
        found[f"{label}{entry.name} SSIM"] = statistics.fmean(ssim)
        found[f"{label}{entry.name} seconds"] = statistics.median(seconds)  # the first one prepares tables
        found[f"{label}{entry.name} MiB"] = max(peak) / 2**20
    return found


def _one(entry: Entry, problem: mp.Problem, network: Any) -> tuple[float, float, float, float]:
    """PSNR, SSIM, seconds and bytes."""
    assert problem.truth is not None
    if entry.method is None:
        with Meter(problem.y.device) as meter:
            picture = problem.A.pinv(problem.y)
        seconds, peak = meter.seconds, meter.peak_bytes
    else:
        result = mp.reconstruct(problem, entry.method(problem), network)
        picture, seconds, peak = result.x, result.seconds, result.peak_bytes
    x, truth = problem.A.picture(picture), problem.A.picture(problem.truth)
    return (
        mp.metrics.psnr(x, truth, data_range=1.0),
        mp.metrics.ssim(x, truth, data_range=1.0),
        seconds,
        peak,
    )


def _ct(seed: int, given: Given) -> dict[str, float]:
    assert given.data is not None
    body = chosen(slices(given.data, "ct_body/tcga_test.npz", BODY, shrink=2), given.count)
    head = chosen(slices(given.data, "ct_head/stanford_head_test.npz", HEAD), given.count)
    found = compare(CT, list(problems(CT_RECIPE, [middle(x, SIZE) for x in body], seed)), given)
    found |= compare(CT, list(problems(CT_RECIPE, [middle(x, SIZE) for x in head], seed)), given, "head: ")
    best = max((v for name in LEARNED if (v := found[f"{name} PSNR"]) == v), default=math.nan)
    found["DE-Prox above its unrolled twin"] = found["DE-Prox PSNR"] - found["unrolled PSNR"]
    return {**found, "slices": float(len(body)), "head: slices": float(len(head)), "gain": best - found["TV PSNR"]}


def _mri(seed: int, given: Given) -> dict[str, float]:
    assert given.data is not None
    images = chosen([middle(x, SIZE) for x in photographs(given.data, "mri/brain_test")], given.count)
    found = compare(MRI, list(problems(MRI_RECIPE, images, seed)), given)
    return {**found, "slices": float(len(images)), "gain": found["MoDL PSNR"] - found["TV PSNR"]}


def _figure(
    title: str, measure: Measure, data: str, images: int, seconds: float, needed: tuple[str, ...] = ()
) -> Figure:
    return Figure(
        title=title,
        source=f"target of this program: {GAIN} dB above total variation",
        published=GAIN,
        tolerance=0.0,
        measure=measure,
        metric="gain",
        at_least=True,
        data=data,
        weights=needed,
        seeds=1,
        images=images,
        seconds=seconds,
    )


ROWS: dict[str, Figure] = {
    "ct-table": _figure(
        "gain of the best learned method over TV, CT of the body, 60 angles, 1 % noise; all methods beside it",
        _ct,
        "ct_body/tcga_test.npz, ct_head/stanford_head_test.npz",
        images=19,
        seconds=60.0,
    ),
    "mri-table": _figure(
        "gain of MoDL over TV, MRI of the brain, 4 x, one coil; all methods beside it",
        _mri,
        "mri/brain_test/*.png",
        images=24,
        seconds=6.0,
        needed=("modl-mri-brain",),
    ),
}
