"""The loss of one batch, one small function for each kind of network.

Each yields the loss in parts, to be differentiated one after the other, so that only one part's activations are held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from .pictures import Pictures
from .recipe import TrainingRecipe

FLOOR = 0.02
"""Added to the noise level by which errors are divided."""


Loss = Callable[[Any, Pictures, TrainingRecipe, torch.Generator], Iterator[Tensor]]


def pixel_loss(network: Any, pictures: Pictures, recipe: TrainingRecipe, random: torch.Generator) -> Iterator[Tensor]:
    """Of patch networks: random pixels, of which only the neighbourhoods are read, so memory does not depend on the
    images' size."""
    radius = int(network.receptive_field())
    clean = pictures.neighbourhoods(recipe.images, recipe.pixels, radius, random)
    if recipe.augment:
        clean = _turned(clean, random)
    sigma = _levels(recipe, random, clean.device).repeat_interleave(recipe.pixels)
    noisy = _noisy(clean, sigma, random)
    truth = clean[:, : network.config.outputs, radius, radius]
    size = recipe.part or len(truth)
    for inputs, outputs, level in zip(noisy.split(size), truth.split(size), sigma.split(size), strict=True):
        found = network.from_neighbourhoods(inputs, level)
        yield _error(found, outputs, level, recipe) * (len(outputs) / len(truth))


def crop_loss(network: Any, pictures: Pictures, recipe: TrainingRecipe, random: torch.Generator) -> Iterator[Tensor]:
    """Of all other networks: random crops."""
    clean = pictures.crops(recipe.images, recipe.crop, random)
    if recipe.augment:
        clean = _turned(clean, random)
    sigma = _levels(recipe, random, clean.device)
    found = network(_noisy(clean, sigma, random), sigma)
    yield _error(found, clean[:, : found.shape[1]], sigma, recipe)


def loss_of(network: Any) -> Loss:
    """The loss function for a network: by pixels where it is local, and can be given neighbourhoods."""
    reads_pixels = hasattr(network, "from_neighbourhoods") and network.receptive_field() < float("inf")
    return pixel_loss if reads_pixels else crop_loss


def _levels(recipe: TrainingRecipe, random: torch.Generator, device: torch.device) -> Tensor:
    low, high = recipe.sigma
    return low + (high - low) * torch.rand(recipe.images, generator=random, device=device)


def _noisy(clean: Tensor, sigma: Tensor, random: torch.Generator) -> Tensor:
    noise = torch.randn(clean.shape, generator=random, device=clean.device)
    return noise.mul_(sigma[:, None, None, None]).add_(clean)


def _turned(x: Tensor, random: torch.Generator) -> Tensor:
    """One of the eight symmetries of the square, the same for the batch."""
    k = int(torch.randint(8, (), generator=random, device=x.device))
    x = x.transpose(-1, -2) if k & 1 else x
    axes = [axis for axis, bit in ((-1, 2), (-2, 4)) if k & bit]
    return (x.flip(axes) if axes else x).contiguous()


def _error(found: Tensor, clean: Tensor, sigma: Tensor, recipe: TrainingRecipe) -> Tensor:
    difference = (found.float() - clean).flatten(1)
    error = (difference.abs() if recipe.loss == "l1" else difference.square()).mean(1)
    if recipe.balance:
        error = error / (sigma + FLOOR)
    return error.mean()
