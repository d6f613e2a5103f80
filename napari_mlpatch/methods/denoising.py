"""What all methods with a denoiser inside have in common: which trained weights serve them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.method import Fit, Method, Question
from napari_mlpatch.core.phrases import naming_methods
from napari_mlpatch.core.registry import denoisers
from napari_mlpatch.core.words import count_of
from napari_mlpatch.denoisers import settled
from napari_mlpatch.denoisers.network import none_given
from napari_mlpatch.torch_later import torch


class Denoising(Method):
    """Base: a method whose parameter ``denoiser`` names one, which may need the weights of a denoising network."""

    @property
    def needs_network(self) -> bool:
        return denoisers.get(self.denoiser).needs_network  # type: ignore[attr-defined]

    @property
    def draws(self) -> bool:
        ours = type(self).__module__.startswith("napari_mlpatch.")  # a method of another package may
        return not ours or denoisers.get(self.denoiser).draws  # type: ignore[attr-defined]

    def settled(self, network: Any, device: torch.device) -> Method:
        if not self.needs_network:
            return self
        return replace(self, precision=settled(self.precision, network, device))  # type: ignore[attr-defined,type-var]

    @property
    def highest_level(self) -> float | None:
        """The highest noise level that is asked for, as a share of the picture's range; None where data decide."""
        return None

    def answer(self, asked: Question) -> Fit:
        card, A, channels = asked.card, asked.A, asked.channels
        if card is None:
            return Fit(none_given()) if self.needs_network else Fit()
        if card.method != "denoiser":
            others = naming_methods("not for {}", self.name)
            return Fit(f"The weights {card.name!r} are for the method {card.method!r}, {others}.")
        if not self.needs_network:
            return Fit(remark=f"The weights {card.name!r} are not used: the denoiser is {self.denoiser!r}.")  # type: ignore[attr-defined]
        from napari_mlpatch import networks  # needs PyTorch at once

        try:
            made = networks.declaration(card.architecture.name, card.architecture.params)
        except InputError as error:  # an architecture that is not here, or impossible parameters
            return Fit(f"The weights {card.name!r} cannot be used: {error}")
        if made.method != "denoiser":
            return Fit(
                f"The card of {card.name!r} says that it is a denoiser, but a network {made.name!r} makes pictures of "
                f"measurements, for the method {made.method!r}."
            )
        if made.channels != channels:
            own = count_of(made.channels, "channel")
            return Fit(
                f"The weights {card.name!r} are for pictures with {own}, these data make pictures with {channels}."
            )
        if len(A.domain_shape) != 2:
            return Fit(
                f"The weights {card.name!r} are for pictures of two axes, these have {len(A.domain_shape)}: choose the "
                "denoiser tv."
            )
        levels, highest = card.noise_range, self.highest_level
        if levels is None or highest is None or asked.is_complex or highest <= 1.01 * levels[1]:
            return Fit()
        low, high = (f"{level:g}" for level in levels)
        known = f"of {low}" if low == high else f"from {low} to {high}"
        return Fit(
            remark=f"The weights {card.name!r} were trained for noise {known} of the "
            f"picture's range, {highest:g} is asked for: lower it, or use others."
        )
