"""Films for the patch microscope: the networks of a training on its way, or what a network is given in each iteration.

>>> frames = list(of_training("trained"))
>>> patches = [look(f.network, image, 100, 80, 0.1) for f in frames]
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.events import Failed, Progress
from napari_mlpatch.core.files import path_of
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.run import run
from napari_mlpatch.denoisers import denoiser
from napari_mlpatch.denoisers.network import within
from napari_mlpatch.explore.microscope import MLPatch, open_network
from napari_mlpatch.methods.plug_and_play import PlugAndPlay
from napari_mlpatch.torch_later import Tensor
from napari_mlpatch.weights import Weights


@dataclass(frozen=True, eq=False)
class Frame:
    """A network and what it is about to denoise.

    ``image`` is ``[rows, columns]`` in the network's units (0 black, 1 white) with noise of the standard deviation
    ``sigma``; both are None where any picture will do.
    """

    label: str
    network: MLPatch
    image: np.ndarray | None = None
    sigma: float | None = None


def of_training(folder: str | os.PathLike[str]) -> Iterator[Frame]:
    """The averaged network of a training, at each snapshot in its folder.

    Raises InputError where there are none, and for networks that are no MLPatch of one channel.
    """
    from napari_mlpatch.training import snapshots

    for step, network in snapshots.read(path_of(folder, "The folder of the training")):
        if not isinstance(network, MLPatch) or network.config.channels != 1:
            raise InputError(f"The snapshots in {folder} are not of an MLPatch network of one channel.")
        yield Frame(f"step {step}", network)


def has_iterations(recipe: Recipe, weights: Any) -> bool:
    """Whether a result can be filmed: by a plug-and-play method with an MLPatch denoiser, always in one pose."""
    method = recipe.build_method()
    by_network = isinstance(method, PlugAndPlay) and method.denoiser == "network" and not method.averaging
    return by_network and isinstance(weights, Weights) and weights.card.architecture.name == "mlpatch"


def of_iterations(recipe: Recipe, problem: Problem, weights: Any) -> Iterator[Frame | None]:
    """Run a plug-and-play recipe again and yield, for each iteration, what the denoiser is given; None in between.

    Of complex images it is the real part. Raises InputError where the method has no MLPatch denoiser, where it turns
    its pictures (then a pixel is elsewhere each time), and what the run raises.
    """
    if not has_iterations(recipe, weights):
        raise InputError("Only plug-and-play methods with MLPatch weights, without averaging, can be watched at work.")
    network = open_network(weights)
    method = recipe.build_method()
    assert isinstance(method, PlugAndPlay)
    module = denoiser("network", weights, recipe.device, method.precision)
    given: list[tuple[np.ndarray, float]] = []

    def watched(x: Tensor, sigma: float) -> Tensor:
        given.append((within(x, sigma)[0, 0].detach().cpu().numpy().copy(), float(sigma)))
        return module(x, sigma)

    for event in run(recipe, problem, network=watched):
        if isinstance(event, Failed):
            raise event.error
        if isinstance(event, Progress) and event.iterate is not None and given:
            image, sigma = given.pop()
            yield Frame(f"iteration {event.iterate.k}", network, image, sigma)
        else:
            yield None
