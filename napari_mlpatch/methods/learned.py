"""What all methods have in common that run a trained reconstructor."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG, build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.method import Fit, Iterate, Method, Question
from napari_mlpatch.core.phrases import OTHER_WEIGHTS
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import operators
from napari_mlpatch.core.words import count_of
from napari_mlpatch.denoisers import Precision, has_bfloat16, settled
from napari_mlpatch.denoisers.precision import SLOW
from napari_mlpatch.solvers.items import norm, ratio
from napari_mlpatch.torch_later import Tensor, torch

from . import trained_for, trained_noise

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator
    from napari_mlpatch.networks import Reconstructor
    from napari_mlpatch.weights import Card

FAR = 30.0
"""So many times larger or smaller than 1 are values that no network was trained on without normalising them."""


@dataclass(frozen=True, config=CONFIG)
class Learned(Method):
    """Base: opens the network of the weights, gives it A and y without their units, and yields what it yields.

    ``network`` are ``Weights``, or a ``Reconstructor``, which is taken as it is.
    """

    precision: Annotated[Precision, Field(description="of the convolutions inside of the network")] = "auto"

    @property
    def needs_network(self) -> bool:
        return True

    @property
    def draws(self) -> bool:
        return not type(self).__module__.startswith("napari_mlpatch.")  # a method of another package may

    def solve(self, problem: Problem, network: Any = None, state: dict | None = None) -> Iterator[Iterate | None]:
        module = self.prepared(self.opened(network, problem.y.device))
        yield None
        done = state["k"] if state else 0
        normalise = is_normalised(network)
        remark = far_from_training(network, problem)
        for k, x in enumerate(pictures(module, problem, normalise), 1):
            if k <= done:
                yield None  # made again, as networks keep more than a picture from one iteration to the next
                continue
            left = relative_residual(x, problem)
            scalars = {"relative_residual": left}
            told = also(remark, left, k if self.iterative else 1)
            yield Iterate(x, k, module.iterations, scalars, state={"k": k}, converged=not self.iterative, remark=told)

    def settled(self, network: Any, device: torch.device) -> Method:
        return replace(self, precision=settled(self.precision, network, device))

    def prepared(self, module: Reconstructor) -> Reconstructor:
        """The network as this method runs it. Raises InputError where its parameters do not suit it."""
        return module

    def opened(self, network: Any, device: torch.device) -> Reconstructor:
        """The reconstructor, on the device. Raises InputError for what is none, and like ``networks.opened``."""
        from napari_mlpatch import networks  # needs PyTorch at once

        if isinstance(network, networks.Reconstructor):
            return network
        if getattr(network, "card", None) is None:
            raise InputError(self._none_given())
        precision = settled(self.precision, network, device)
        if precision != "float32" and not has_bfloat16(device.type):
            warnings.warn(SLOW, stacklevel=2)
        module = networks.opened(network, device, precision)
        if not isinstance(module, networks.Reconstructor):
            raise InputError(f"The weights {network.card.name!r} are of a network that makes no pictures of data.")
        return module

    def answer(self, asked: Question) -> Fit:
        card = asked.card
        if card is None:
            return Fit(self._none_given())
        try:
            refusal = self._refusal(card, asked.A, asked.channels, bool(asked.is_complex))
        except InputError as error:  # an architecture that is not here, or impossible parameters
            return Fit(f"The weights {card.name!r} cannot be used: {error}")
        if refusal or card.operator is None:
            return Fit(refusal)
        return Fit(remark=" ".join(filter(None, [trained_for.remark(card, asked.A, asked.noise), self._remark(card)])))

    def _remark(self, card: Card) -> str:
        """What else to know about running it as this method is set."""
        return ""

    def _refusal(self, card: Card, A: Operator, channels: int, is_complex: bool | None) -> str:
        from napari_mlpatch import networks

        these = f"The weights {card.name!r}"
        made = networks.declaration(card.architecture.name, card.architecture.params)
        if card.method != self.name or made.method != self.name:
            own = card.method if card.method != self.name else made.method
            what = "are a denoiser" if own == "denoiser" else f"are for the method {own!r}"
            return f"{these} {what}, not for the method {self.name!r}."
        if card.operator is None:
            return f"The card of {card.name!r} does not say for which operator they were trained."
        described = card.operator.model_dump()
        try:
            kind, own = trained_for.kind_of(describe(A)), trained_for.kind_of(described)
            if kind != own:
                return f"{these} were trained for the operator {own!r}, not for {kind!r}."
            build(operators, described)
        except InputError as error:
            return f"The card of {card.name!r} does not describe the operator of its training: {error}"
        needed = 2 * channels if is_complex else channels
        if made.channels != needed:
            parts = f"{needed} (real and imaginary parts)" if is_complex else f"{needed}"
            own = count_of(made.channels, "channel")
            return f"{these} are for pictures with {own}, these data make pictures with {parts}."
        if made.axes not in (None, len(A.domain_shape)):
            return f"{these} are for pictures of {made.axes} axes, these have {len(A.domain_shape)}."
        return made.unsuitable(A)

    def _none_given(self) -> str:
        return (
            f"The method {self.name!r} needs trained weights of its own kind, for the operator of the data. "
            + OTHER_WEIGHTS
        )


def pictures(module: Reconstructor, problem: Problem, normalise: bool = True) -> Iterator[Tensor]:
    """What a reconstructor yields for a problem, in the units and the precision of the problem."""
    from napari_mlpatch.networks.scaling import along, normalised, restoring

    y = problem.y
    y1, A1, scale = normalised(y, problem.A, normalise)
    scale = restoring(scale, y) if normalise else scale
    for x in module.iterates(y1.to(torch.complex64 if y.is_complex() else torch.float32), A1):
        yield along(scale, x) * x.to(y.dtype.to_complex() if x.is_complex() else y.dtype.to_real())


def is_normalised(network: Any) -> bool:
    """Whether it was trained on normalised pictures: as its card says, or for a module its ``normalise``; else yes."""
    return bool(getattr(getattr(network, "card", network), "normalise", True))


def far_from_training(network: Any, problem: Problem) -> str:
    """What to say of data that are far from those of the training, in their values or their noise; empty if not."""
    strange = "" if is_normalised(network) else _far_values(problem)
    return strange or trained_noise.far_from_training(getattr(network, "card", None), problem)


def _far_values(problem: Problem) -> str:
    """What to say where a network that was trained on pictures of values near 1 is to make others; empty if not."""
    from napari_mlpatch.networks.scaling import divided, picture_scale

    unit = divided(problem.A)
    size = picture_scale(problem.y / problem.A.norm, unit)
    strange = size[(size > FAR) | (size < 1 / FAR)]
    if not len(strange):
        return ""
    return (
        f"These data make pictures with values of about {float(strange[0]):.2g}. The network knows values as they were "
        "in its training, about 1, and does not scale with the data: bring the data to that unit, or the picture is "
        "wrong."
    )


def also(remark: str, residual: float, iterations: int) -> str:
    """The remark, and what to say of a picture with this relative residual where zeros explain the data better.

    ``iterations`` are those that it took, 1 of a method that has none.
    """
    if residual <= 1.0:
        return remark
    fewer = ", fewer iterations," if iterations > 1 else ""
    wrong = (
        f"The picture contradicts the data: ‖A x - y‖ is {residual:.2g} ‖y‖, more than for a picture of zeros. The "
        f"network went astray on these data: use weights for data like these{fewer} or another method."
    )
    return " ".join(filter(None, [wrong, remark]))


def relative_residual(x: Tensor, problem: Problem) -> float:
    """``‖A x - y‖ / ‖y‖``, the largest of the items."""
    return float(ratio(norm(problem.A(x) - problem.y), norm(problem.y)).max())
