"""Learned reconstruction on the test problem of the learned primal-dual papers, from the weights that are shipped.

The problem is that of ``shepp_logan``, with ``ParallelBeam`` as it stands: networks are trained with it, on random
ellipses alone, by the recipes of the same names (``mlpatch train lpd-adler``). The mean over ten noise seeds counts.

Published are, in dB: U-Net 29.20 and learned primal-dual 38.28 (with SSIM 0.943 and 0.988) in Adler & Öktem 2018;
learned gradient descent 32.02 in Adler & Öktem 2017, and 30.51 and 29.65 there where it is told only the gradient of
the misfit, or none. A printed structural similarity is that for a data range of 2, which the program that the papers
used took where it was told none: ``ssim_range_2``. That of the range of the data, 1, stands beside it.

The U-Net of the papers' program has 9.7 million parameters, most of them on the coarsest level. Ours has doubling
widths, so its figure is one-sided.
"""

from __future__ import annotations

import itertools
import time

import napari_mlpatch as mp
from napari_mlpatch import weights
from napari_mlpatch.core.registry import methods
from napari_mlpatch.operators.parallel_beam import ParallelBeam

from . import shepp_logan
from .figure import Figure, Given

GRADIENTS = {"none": "lgd-adler-none", "data": "lgd-adler-data", "both": "lgd-adler"}
"""Weights of learned gradient descent, by the gradients that it is told."""
ORDER = ("fbp", "tv", "unet", "lgd", "lpd")
_PROBLEM = "Shepp-Logan, 30 angles, 5 % noise"
_2017, _2018 = "Adler & Öktem 2017, table 1", "Adler & Öktem 2018"
NETWORKS = {
    "unet": (f"U-Net on the quick picture, {_PROBLEM}", _2018, 29.20, 0.5, {"ssim_range_2": 0.943}),
    "lgd": ("learned gradient descent, 13,318 parameters, same problem", _2017, 32.02, 1.0, {}),
    "lpd": ("learned primal-dual, 253,220 parameters, same problem", _2018, 38.28, 1.5, {"ssim_range_2": 0.988}),
}
"""Title, source, published PSNR in dB, tolerance, and what else is published."""
WEIGHTS = {"unet": "unet-adler", "lgd": "lgd-adler", "lpd": "lpd-adler"}


def learned(name: str, seed: int) -> dict[str, float]:
    """Metrics of what the weights of that name make of the problem with this noise seed."""
    trained = weights.find(name)
    problem = shepp_logan.problem(seed, ParallelBeam)
    start = time.perf_counter()
    result = mp.reconstruct(problem, methods.get(trained.card.method)(), trained, seed=seed)
    seconds = time.perf_counter() - start
    truth = problem.truth
    assert truth is not None
    return {
        "psnr": mp.metrics.psnr(result.x, truth, data_range=1.0),
        "ssim_range_1": mp.metrics.ssim(result.x, truth, data_range=1.0),
        "ssim_range_2": mp.metrics.ssim(result.x, truth, data_range=2.0),
        "parameters": float(trained.count),
        "seconds": seconds,
    }


def _network(row: str) -> Figure:
    """The PSNR of one network, from its line of the table."""
    name, (title, source, published, tolerance, others) = WEIGHTS[row], NETWORKS[row]

    def measure(seed: int, given: Given) -> dict[str, float]:
        return learned(name, seed) | {f"published_{key}": value for key, value in others.items()}

    return Figure(
        title=title,
        source=source,
        published=published,
        tolerance=tolerance,
        measure=measure,
        at_least=True,
        weights=(name,),
    )


def _ablation(seed: int, given: Given) -> dict[str, float]:
    """Not like with like: the network with both gradients was trained for ten times as many steps as the others."""
    found = {kind: learned(name, seed)["psnr"] for kind, name in GRADIENTS.items()}
    gaps = found["data"] - found["none"], found["both"] - found["data"]
    return {f"psnr_{kind}": value for kind, value in found.items()} | {"gap": min(gaps)}


def _order(seed: int, given: Given) -> dict[str, float]:
    own = {name: shepp_logan.ROWS[name].measure(seed, given)["psnr_own_projector"] for name in ("fbp", "tv")}
    found = own | {row: learned(name, seed)["psnr"] for row, name in WEIGHTS.items()}
    gaps = [found[after] - found[before] for before, after in itertools.pairwise(ORDER)]
    return {f"psnr_{name}": found[name] for name in ORDER} | {"gap": min(gaps)}


ROWS: dict[str, Figure] = {
    "unet": _network("unet"),
    "lgd": _network("lgd"),
    "lgd-ablation": Figure(
        title="least gain of a gradient that learned gradient descent is told: none, that of the misfit, both (with "
        "both it was trained for ten times as many steps)",
        source="Adler & Öktem 2017, section 3.3: 29.65, 30.51, 32.02 dB; the order counts",
        published=0.0,
        tolerance=0.0,
        measure=_ablation,
        metric="gap",
        at_least=True,
        weights=tuple(GRADIENTS.values()),
    ),
    "lpd": _network("lpd"),
    "learned-order": Figure(
        title="least step in FBP, TV, U-Net, learned gradient descent, learned primal-dual, same problem",
        source="Adler & Öktem 2018, which has them in this order",
        published=0.0,
        tolerance=0.0,
        measure=_order,
        metric="gap",
        at_least=True,
        seconds=12.0,
        weights=tuple(WEIGHTS.values()),
    ),
}
