"""The figure of the lecture: PSNR over 100 iterations of deblurring, three learned iterations side by side.

Gilton, Ongie & Willett (IEEE Trans. Comput. Imaging 7, 2021, figure of PSNR over iterations, "Deblur (2)"): the deep
equilibrium network stays where it has come to, the unrolled one was trained for 10 iterations and is spoilt by more,
and plug-and-play with the denoiser that the first began with, which knows no operator, lies between. The blur is
theirs, a Gaussian of 5 x 5 pixels and standard deviation 5. The noise of "Deblur (2)" is not said: here it is
``NOISE``, for images in [0, 1].
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import napari_mlpatch as mp
from napari_mlpatch import weights
from napari_mlpatch.core.array import Array
from napari_mlpatch.core.events import Progress
from napari_mlpatch.core.method import Method
from napari_mlpatch.core.registry import methods
from napari_mlpatch.torch_later import Tensor, torch

from .figure import Figure, Given
from .images import chosen, middle, photographs

NOISE = 0.02
ITERATIONS, TRAINED = 100, 10
SIZE = 256
NETWORKS = {"DE-Prox": "deq-prox-deblur", "unrolled": "unrolled-prox-deblur", "plug-and-play": "spectral-denoiser-gray"}
SAMPLES = ("camera", "astronaut")


def blur(rows: int, columns: int) -> mp.operators.Blur:
    line = np.exp(-0.5 * (np.arange(-2, 3) / 5.0) ** 2)
    return mp.operators.Blur(image_shape=(rows, columns), kernel="custom", kernel_values=Array(np.outer(line, line)))


def deblurring(x: Tensor, seed: int) -> mp.Problem:
    """The measurement of an image ``[1, 1, rows, columns]`` with values in [0, 1]."""
    return mp.simulate(x, blur(*x.shape[-2:]), noise=mp.noise.Gaussian(std=NOISE), seed=seed)


def runs(iterations: int = ITERATIONS) -> dict[str, Method]:
    """The three methods, none of which may stop before its last iteration."""
    return {
        "DE-Prox": methods.get("equilibrium")(iterations=iterations, tolerance=0.0),
        "unrolled": methods.get("unrolled")(iterations=iterations),
        "plug-and-play": methods.get("pnp-pgm")(iterations=iterations, tolerance=0.0),
    }


def curve(problem: mp.Problem, method: Method, network: Any) -> list[float]:
    """PSNR after each iteration, the first of them at 1; the last one goes on where values leave all bounds."""
    recipe = mp.Recipe.of(problem, method)
    found = [
        event.scalars["psnr"]
        for event in mp.run(recipe, problem, network=network)
        if isinstance(event, Progress) and event.iterate is not None
    ]
    return found + found[-1:] * (method.iterations - len(found))  # type: ignore[attr-defined]


def margins(curves: dict[str, list[float]]) -> dict[str, float]:
    """What is asked of the curves, in dB: all are fulfilled where the least is at least zero."""
    at = {name: {k: values[k - 1] for k in (TRAINED, ITERATIONS)} for name, values in curves.items()}
    deq, unrolled, pnp = (at[name] for name in NETWORKS)
    asked = {
        "DE-Prox at 100 less than at 10, at most 0.1": deq[ITERATIONS] - deq[TRAINED] + 0.1,
        "loss of the unrolled network, at least 2": unrolled[TRAINED] - unrolled[ITERATIONS] - 2.0,
        "plug-and-play above the unrolled network": pnp[ITERATIONS] - unrolled[ITERATIONS],
        "plug-and-play below DE-Prox": deq[ITERATIONS] - pnp[ITERATIONS],
    }
    return {**asked, "least margin": min(asked.values())}


def images(data: Path | None) -> list[Tensor]:
    """The set Set12 in the folder of the user; without one, two photographs that come with the program."""
    if data is not None:
        return [middle(x, min(SIZE, *x.shape[-2:])) for x in photographs(data, "natural_gray/set12")]
    return [torch.from_numpy(mp.io.samples.image(name, size=SIZE))[None, None] for name in SAMPLES]


def _measure(seed: int, given: Given) -> dict[str, float]:
    networks = {name: weights.find(known) for name, known in NETWORKS.items()}
    sums = {name: np.zeros(ITERATIONS) for name in NETWORKS}
    problems = [deblurring(x, seed) for x in chosen(images(given.data), given.count)]
    for name, method in runs().items():
        for problem in given.each(problems, name):
            sums[name] += curve(problem, method, networks[name])
    curves = {name: (total / len(problems)).tolist() for name, total in sums.items()}
    shown = {f"{name} {k}": values[k - 1] for name, values in curves.items() for k in (1, 2, 5, 10, 20, 50, 100)}
    return {**margins(curves), **shown, "images": float(len(problems))}


ROWS: dict[str, Figure] = {
    "equilibrium": Figure(
        title="DE-Prox is flat over 100 iterations, the unrolled network collapses, plug-and-play lies between",
        source="Gilton et al. 2021 (the shape of its figure); target of this program: least margin of four, at least 0",
        published=0.0,
        tolerance=0.0,
        measure=_measure,
        metric="least margin",
        at_least=True,
        seeds=1,
        images=12,
        samples=len(SAMPLES),
        seconds=30.0,
    ),
}
