"""Samples that are simulated from a bundled image, so that the truth is known: test problems, ready to run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import noises, operators
from napari_mlpatch.torch_later import torch

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem


@dataclass(frozen=True)
class Simulation:
    """A problem that is simulated from a sample image: operator and noise by their names and parameters.

    With ``size`` the image is made square with so many pixels first.
    """

    name: str
    title: str
    image: str
    operator: dict[str, Any]
    noise: dict[str, Any]
    seed: int = 0
    size: int | None = None

    @property
    def source(self) -> dict[str, Any]:
        """Where the image comes from, as problems keep it."""
        options = {"options": {"size": self.size}} if self.size else {}
        return {"kind": "sample", "name": self.image} | options


_GAUSSIAN = [math.exp(-(i**2) / (2 * 5.0**2)) for i in range(-2, 3)]
KERNEL = [[a * b for b in _GAUSSIAN] for a in _GAUSSIAN]
"""Of 5 x 5 pixels, with a standard deviation of 5."""

SIMULATIONS = (
    Simulation(
        "shepp-logan-30",
        "Shepp-Logan, 30 angles, 5 % noise (the test problem of Adler and Öktem 2017)",
        "shepp-logan-128",
        {
            "name": "parallel-beam",
            "params": {"angles_deg": "3:183:30", "detector_count": 183, "detector_pitch": 2 * 90.51 / 183},
        },
        {"name": "gaussian", "params": {"relative": 0.05}},
    ),
    Simulation(
        "body-ct-60",
        "Body CT, 60 angles, 1 % noise",
        "body-slice",
        {"name": "parallel-beam", "params": {"angles_deg": "0:180:60"}},
        {"name": "gaussian", "params": {"relative": 0.01}},
    ),
    Simulation(
        "deblurring",
        "Photograph, blurred over 5 x 5 pixels (the problem of Gilton, Ongie and Willett 2021)",
        "camera",
        {
            "name": "blur",
            "params": {"kernel": "custom", "kernel_values": KERNEL},
        },
        {"name": "gaussian", "params": {"std": 0.02}},
        size=128,
    ),
)


def names() -> list[str]:
    return [one.name for one in SIMULATIONS]


def find(name: str) -> Simulation:
    """How a simulated sample is made. Raises InputError for an unknown name."""
    for one in SIMULATIONS:
        if isinstance(name, str) and one.name == name:
            return one
    raise InputError(f"There is no simulated sample {name!r}. There are: {', '.join(names())}.")


def problem(made: Simulation, x: np.ndarray) -> Problem:
    """The problem, where ``x`` is its image."""
    from napari_mlpatch.core.simulate import simulate  # needs PyTorch at once

    cls = operators.get(made.operator["name"])
    A = cls(**{**cls.suggest(x.shape), **made.operator["params"]})
    return simulate(torch.from_numpy(x), A, build(noises, made.noise), seed=made.seed, source=made.source)
