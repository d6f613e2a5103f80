"""MLPatch-ADMM beside total variation, on images of 512 x 512 pixels. Its denoiser has seen single pixels with the few
around them that it reads, so the size of an image means nothing to it.

MLPatch-ADMM runs with its default parameters; the weights of total variation are the best ones for images of the
training sets, in terms of the automatic weight. For CT (two slices, 60 angles) 2, 2.83 and 4 give 34.23, 34.45 and
34.37 dB. For inpainting the curve is flat down to no regularisation to speak of: 29.15 dB at 0.35, 29.16 at 0.03, the
least one that was tried.
"""

from __future__ import annotations

import statistics

import napari_mlpatch as mp
from napari_mlpatch import weights
from napari_mlpatch.methods.tv import automatic_weight
from napari_mlpatch.torch_later import Tensor

from .figure import Figure, Given
from .images import BODY, chosen, photographs, slices, spread

SLICES, PHOTOGRAPHS = 4, 4
"""So many images are taken, evenly from the set."""
CT_DENOISER, INPAINTING_DENOISER = "mlpatch-ct-small", "mlpatch-gray-small"
"""The small networks: the full ones take twenty times as long."""
CT_WEIGHT, INPAINTING_WEIGHT = 2.83, 0.03
"""The best weight of total variation on training images, in terms of the automatic one."""


def tomography(x: Tensor, seed: int) -> mp.Problem:
    """60 parallel-beam angles and 1 % noise."""
    rows, columns = x.shape[-2:]
    shape = {"image_shape": (rows, columns)}
    A = mp.operators.ParallelBeam(
        **{**mp.operators.ParallelBeam.suggest((rows, columns)), **shape, "angles_deg": "0:180:60"}
    )
    return mp.simulate(x, A, noise=mp.noise.Gaussian(relative=0.01), seed=seed)


def inpainting(x: Tensor, seed: int) -> mp.Problem:
    """30 % of the pixels, with 1 % noise."""
    rows, columns = x.shape[-2:]
    A = mp.operators.Inpainting(image_shape=(rows, columns), kept=0.3, seed=seed)
    return mp.simulate(x, A, noise=mp.noise.Gaussian(relative=0.01), seed=seed)


def compare(problems: list[mp.Problem], name: str, weight: float, given: Given | None = None) -> dict[str, float]:
    """PSNR of both, the gain, and where the seconds of an iteration go (``monitor`` is the residual)."""
    network = weights.find(name)
    parts = ("data", "denoiser", "monitor")
    found = {"mlpatch": [], "tv": [], **{f"{part} seconds": [] for part in parts}}
    for problem in (given or Given()).each(problems, "MLPatch-ADMM and TV"):
        truth = problem.truth
        assert truth is not None
        ours = mp.reconstruct(problem, mp.methods.PnPADMM(), network)
        tv = mp.reconstruct(problem, mp.methods.TV(weight=weight * automatic_weight(problem).item()))
        found["mlpatch"].append(mp.metrics.psnr(ours.x, truth, data_range=1.0))
        found["tv"].append(mp.metrics.psnr(tv.x, truth, data_range=1.0))
        for part in parts:
            found[f"{part} seconds"].append(statistics.fmean(k[f"{part}_seconds"] for k in ours.history))
    means = {key: statistics.fmean(values) for key, values in found.items()}
    share = means["data seconds"] / sum(means[f"{part} seconds"] for part in parts)
    return {**means, "data share": share, "gain": means["mlpatch"] - means["tv"]}


def _ct(seed: int, given: Given) -> dict[str, float]:
    assert given.data is not None
    images = chosen(spread(slices(given.data, "ct_body/tcga_test.npz", BODY), SLICES), given.count)
    return compare([tomography(x, seed) for x in images], CT_DENOISER, CT_WEIGHT, given)


def _inpainting(seed: int, given: Given) -> dict[str, float]:
    assert given.data is not None
    large = [x for x in photographs(given.data, "natural_gray/set12") if x.shape[-2:] == (512, 512)]
    images = chosen(spread(large, PHOTOGRAPHS), given.count)
    return compare([inpainting(x, seed) for x in images], INPAINTING_DENOISER, INPAINTING_WEIGHT, given)


ROWS: dict[str, Figure] = {
    "mlpatch-admm": Figure(
        title="gain of MLPatch-ADMM over TV, CT of the body, 512 x 512, 60 angles, 1 % noise",
        source="target of this program: at least 1 dB",
        published=1.0,
        tolerance=0.0,
        measure=_ct,
        metric="gain",
        at_least=True,
        data="ct_body/tcga_test.npz",
        seeds=1,
        images=SLICES,
        seconds=60.0,
    ),
    "mlpatch-inpainting": Figure(
        title="gain of MLPatch-ADMM over TV, 30 % of the pixels of 512 x 512 photographs, 1 % noise",
        source="target of this program: at least 1.5 dB",
        published=1.5,
        tolerance=0.0,
        measure=_inpainting,
        metric="gain",
        at_least=True,
        data="natural_gray/set12/*.png",
        seeds=1,
        images=PHOTOGRAPHS,
        seconds=60.0,
    ),
}
