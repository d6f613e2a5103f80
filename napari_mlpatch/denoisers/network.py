"""A trained network as a denoiser."""

from __future__ import annotations

import warnings
from typing import Any, cast

from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.phrases import phrase
from napari_mlpatch.core.registry import denoisers
from napari_mlpatch.solvers.items import each
from napari_mlpatch.torch_later import Tensor, torch

from .base import Denoise, Denoiser, Precision
from .precision import SLOW, has_bfloat16, settled

MARGIN, NOISE_MARGIN = 0.5, 4.0


@denoisers.register("network", title="Trained network")
@dataclass(frozen=True, config=CONFIG)
class Network(Denoiser):
    """The chosen weights: a network trained to take noise off images."""

    needs_network = True
    draws = False

    def opened(self, network: Any, device: torch.device | str, precision: Precision) -> Denoise:
        """``network`` are ``Weights``, or a module called with (x, sigma), which is taken as it is
        (and called image by image where their noise levels differ).

        Warns once where its first noise level is above those that ``Weights`` were trained with, and for bfloat16 on
        a device that computes it in software. Raises InputError
        where the network is missing.
        """
        if network is None:
            raise InputError(none_given())
        if callable(network):
            return _one_level_at_a_time(cast(Denoise, network))
        from napari_mlpatch import networks  # needs PyTorch at once

        module = networks.opened(network, device)
        precision = settled(precision, network, device)
        if precision == "float32":
            return _warning(without_outliers(lambda x, sigma: module(x, sigma)), network.card)
        kind = torch.device(device).type
        if not has_bfloat16(kind):
            warnings.warn(SLOW, stacklevel=2)

        def rough(x: Tensor, sigma: float | Tensor) -> Tensor:
            with torch.autocast(kind, torch.bfloat16):
                return module(x, sigma).to(x.dtype)

        return _warning(without_outliers(rough), network.card)


LISTED = phrase(" (`mlpatch weights list` shows them)", "")


def none_given() -> str:
    """What to do without trained weights."""
    others = ", ".join(cls.name for cls in denoisers if not cls.needs_network)
    return f"This method needs trained weights of a denoiser. Choose weights{LISTED}, or another denoiser: {others}."


def without_outliers(denoise: Denoise) -> Denoise:
    """The denoiser, shown no value far outside of [0, 1]: what lies beyond stays in the picture as it is.

    A single hot pixel, or a few, of a hundred times the picture's range is nothing that a network was trained with, and
    spoils what it makes of everything around. Values within half the range of [0, 1], or four times the noise, are
    left alone.
    """

    def called(x: Tensor, sigma: float | Tensor) -> Tensor:
        inside = within(x, sigma)
        return denoise(inside, sigma) + (x - inside)

    return called


def within(x: Tensor, sigma: float | Tensor) -> Tensor:
    """What a network is shown of a picture: values no farther from [0, 1] than half of it, or four times the noise."""
    margin = each(torch.as_tensor(sigma, dtype=torch.float64).mul(NOISE_MARGIN).clamp(min=MARGIN), x)
    return torch.minimum(torch.maximum(x, -margin), 1.0 + margin)


def _warning(denoise: Denoise, card: Any) -> Denoise:
    levels = card.noise_range
    if levels is None:
        return denoise
    first = True

    def warned(x: Tensor, sigma: float | Tensor) -> Tensor:
        nonlocal first
        largest = float(torch.as_tensor(sigma).max())
        if first and largest > 1.01 * levels[1]:
            warnings.warn(
                f"The noise level {largest:.3g} (1 is the picture's range) is above those that the weights "
                f"{card.name!r} were trained with, {levels[0]:g} to {levels[1]:g}: the result may be poor. Lower it, "
                "or use others.",
                stacklevel=2,
            )
        first = False
        return denoise(x, sigma)

    return warned


def _one_level_at_a_time(denoise: Denoise) -> Denoise:
    """For networks of others: they are called with a number, image by image where the levels differ."""

    def called(x: Tensor, sigma: float | Tensor) -> Tensor:
        if not torch.is_tensor(sigma):
            return denoise(x, sigma)
        return torch.cat([denoise(image[None], level) for image, level in zip(x, sigma.tolist(), strict=True)])

    return called
