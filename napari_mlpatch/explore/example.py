"""A declared thing at work on a small sample: the picture of its page of help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch import io, weights
from napari_mlpatch.core.registry import methods, noises, operators
from napari_mlpatch.core.run import reconstruct
from napari_mlpatch.core.simulate import simulate
from napari_mlpatch.methods.suitable import ranked
from napari_mlpatch.torch_later import Tensor, torch

if TYPE_CHECKING:
    from napari_mlpatch.core.method import Method
    from napari_mlpatch.core.problem import Problem

SIDE = 128
GAP = 4
SAMPLES = {"CT": "body-slice", "MRI": "shepp-logan", "kaiser-squires": "kappa", "radio": "kappa"}
"""The image for an operator, by its name or modality; ``ELSE`` for all others."""
ELSE = "camera"
USED = {"pnp-pgm": "inpainting"}
"""Operators of methods that are not made for CT."""
NOISE = 0.05
STEEP = 10.0
KEPT = (0.5, 99.5)
"""Percentiles between which a picture goes from black to white."""


@dataclass(frozen=True)
class Example:
    """Pictures side by side, ``[rows, columns]`` float, with a caption for each."""

    captions: tuple[str, ...]
    pictures: tuple[np.ndarray, ...]
    ranges: tuple[tuple[float, float], ...]
    """What is black and what is white."""

    @property
    def caption(self) -> str:
        return f"Left to right: {', '.join(self.captions)}."

    def strip(self) -> np.ndarray:
        """All pictures in a row on white, each as high as the highest: ``[rows, columns]`` uint8."""
        height = max(p.shape[0] for p in self.pictures)
        parts: list[np.ndarray] = []
        for picture, (low, high) in zip(self.pictures, self.ranges, strict=True):
            grey = np.clip((picture - low) / ((high - low) or 1.0), 0.0, 1.0) * 255.0
            share = height / picture.shape[0]
            size = (height, max(1, round(picture.shape[1] * share)))
            rows, columns = (np.arange(n) * old // n for n, old in zip(size, picture.shape, strict=True))
            parts += [grey[rows][:, columns].astype(np.uint8), np.full((height, GAP), 255, np.uint8)]
        return np.hstack(parts[:-1])


def example(kind: str, name: str) -> Example | None:
    """That of the method or operator of that name; None for other kinds, and where no weights come with it."""
    if kind == "methods":
        return of_method(methods.get(name))
    return of_operator(operators.get(name)) if kind == "operators" else None


def of_operator(cls: Any, size: int = SIDE) -> Example:
    """Image, measurement with a little noise, and quick picture."""
    image = io.samples.image(_image_for(cls), size)
    A = cls(**cls.suggest(image.shape))
    problem = simulate(torch.from_numpy(image), A, noises.get("gaussian")(relative=NOISE), seed=0)
    assert problem.truth is not None
    truth, quick = (_plane(A.picture(x)) for x in (problem.truth, A.pinv(problem.y)))
    data = _plane(A.data_picture(problem.y))
    if np.percentile(data, 99.5) > STEEP * np.percentile(data[data != 0], 50):
        data = np.log(np.maximum(data, 1e-3 * data.max()))  # k-space: its middle would be all that is seen
    limits = _range(truth)
    return Example(("image", "measurement", "quick picture"), (truth, data, quick), (limits, _range(data), limits))


def of_method(cls: type[Method], size: int = SIDE) -> Example | None:
    """Truth, quick picture and result of CT with few angles, by the first weights that were trained for such data."""
    method = cls()
    for problem in _problems(cls.name, size):
        network = None
        if method.needs_network:
            fitting = [one for one in ranked(method, problem, weights.available()) if not one.fit.refusal]
            if not fitting or (fitting[0].fit.remark and fitting[0].card.operator is not None):
                continue
            network = weights.find(fitting[0].card.name)
        result = reconstruct(problem, method, network)
        A = problem.A
        assert problem.truth is not None
        pictures = tuple(_plane(A.picture(x)) for x in (problem.truth, A.pinv(problem.y), result.x))
        score = f"result, PSNR {result.metrics['psnr']:.1f} dB"
        limits = _range(pictures[0])
        return Example(("truth", "quick picture", score), pictures, (limits,) * 3)
    return None


def _problems(name: str, size: int) -> list[Problem]:
    """From the quick one to those that weights were trained for."""
    cls = operators.get(USED.get(name, "parallel-beam"))
    image = io.samples.image(_image_for(cls), size)
    A = cls(**{**cls.suggest(image.shape), **({"angles_deg": "0:180:40"} if cls.modality == "CT" else {})})
    small = simulate(torch.from_numpy(image), A, noises.get("gaussian")(relative=0.01), seed=0)
    return [small, *(io.samples.problem(one.name) for one in io.simulations.SIMULATIONS)]


def _image_for(cls: Any) -> str:
    return SAMPLES.get(cls.name, SAMPLES.get(cls.modality, ELSE))


def _plane(x: Tensor) -> np.ndarray:
    """The first item's first channel as ``[rows, columns]``."""
    return x.detach()[0, 0].float().cpu().numpy()


def _range(picture: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(picture, KEPT)
    return float(low), float(high)
