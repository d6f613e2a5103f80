"""Reuse and regularise: weights that were trained for another operator, on data of this one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG, build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.method import Fit, Iterate, Question
from napari_mlpatch.core.phrases import OTHER_WEIGHTS, naming_methods
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import methods, operators
from napari_mlpatch.core.words import count_of
from napari_mlpatch.solvers.items import norm, ratio
from napari_mlpatch.solvers.shifted import LIGHT, solve_shifted
from napari_mlpatch.torch_later import Tensor, torch

from . import trained_for
from .learned import Learned, also, far_from_training, is_normalised, pictures, relative_residual
from .starting import begun

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator
    from napari_mlpatch.weights import Card

INNER_TOLERANCE = 1e-6
"""Relative residual of the data step."""
INNER_ITERATIONS = 200


@methods.register("reuse", title="Reuse & regularise (weights of another operator)")
@dataclass(frozen=True, config=CONFIG)
class ReuseAndRegularise(Learned):
    """A reconstruction network of another operator A₀ as regulariser: R&R of Gilton, Ongie & Willett (2021).

    The network turns A₀ x back into x for pictures like those of its training, so that its answer to A₀ x is x without
    what does not belong in such a picture. Nothing is trained.

    Equation:
        z ← f(A₀ x)
        x ← (AᵀA + λ I)⁻¹ (Aᵀy + λ z),      λ = weight · ‖A‖²

    When to use it:
        There are good weights (U-Net, unrolled, deep equilibrium) for these pictures, but of quite another geometry:
        views that are missing, a fan instead of parallel rays, another mask or blur; of the same size of picture. Run
        there as they are, such networks leave artefacts; this way their answer is held to the data at hand. Where
        little has changed (some views fewer), they are better alone, and where there is a truth to compare with, look
        at total variation, too. A larger ``weight`` trusts the network more.

    References:
        - D. Gilton, G. Ongie & R. Willett, Model adaptation for inverse problems in imaging, IEEE Trans. Comput.
          Imaging 7 (2021) 661-674, doi:10.1109/TCI.2021.3094714.
    """

    weight: Annotated[float, Field(gt=0, le=1e6, description="of the network beside the data, in ‖A‖²")] = 0.01
    iterations: Annotated[int, Field(ge=1, le=10_000, description="at most")] = 10
    tolerance: Annotated[float, Field(ge=0, lt=1, description="stop where the picture changes less than this")] = 1e-3

    takes_start = True

    def solve(
        self, problem: Problem, network: Any = None, state: dict | None = None, start: Tensor | None = None
    ) -> Iterator[Iterate | None]:
        A, y = problem.A, problem.y
        module, before = self.opened(network, y.device), _operator_of(network, A)
        normalise, remark = is_normalised(network), far_from_training(network, problem)
        yield None
        alpha = self.weight * A.norm**2
        light = alpha < LIGHT * A.column_norm**2  # then what A hardly sees would amplify rounding
        b = A.T(y.to(torch.promote_types(y.dtype, torch.float64)) if light else y)
        if state:
            x, k, moving = state["x"], state["k"], state["moving"]
        else:
            x, k, moving = begun(start, A.pinv(y)), 0, torch.ones(len(y), dtype=torch.bool, device=y.device)
        yield None
        if state and not bool(moving.any()):
            yield self._iterate(problem, x, k, moving, remark)
            return
        while k < self.iterations and bool(moving.any()):
            z = x
            for picture in pictures(module, Problem(before, before(x)), normalise):
                z = picture
                yield None
            new, near = z, z.to(b.dtype)
            for step in solve_shifted(
                A, b + alpha * near, alpha, near, iterations=INNER_ITERATIONS, tolerance=INNER_TOLERANCE
            ):
                new = step.x.to(x.dtype)
                yield None
            new = torch.where(moving.reshape(-1, *[1] * (x.ndim - 1)), new, x)
            moving = moving & (ratio(norm(new - x), norm(new)).to(moving.device) > self.tolerance)
            x, k = new, k + 1
            yield self._iterate(problem, x, k, moving, remark)

    def _iterate(self, problem: Problem, x: Tensor, k: int, moving: Tensor, remark: str) -> Iterate:
        left = relative_residual(x, problem)
        scalars, remark = {"relative_residual": left}, also(remark, left, k)
        state = {"x": x, "k": k, "moving": moving}
        return Iterate(x, k, self.iterations, scalars, state=state, converged=not bool(moving.any()), remark=remark)

    def answer(self, asked: Question) -> Fit:
        found, card, A = super().answer(asked), asked.card, asked.A
        if found.refusal or card is None or card.operator is None:
            return found
        other = trained_for.differences(card.operator.model_dump(), describe(A))
        if not other:
            own = naming_methods("{} runs them", card.method)
            return Fit(remark=f"The weights {card.name!r} are for this operator: {own} as they are.")
        return Fit(remark=f"The weights {card.name!r} are the regulariser here: they were trained for {other[0]}.")

    def _none_given(self) -> str:
        others = naming_methods("of {}, {} or {}", "unet", "unrolled", "equilibrium")
        return (
            f"The method {self.name!r} needs trained weights {others}, of any operator "
            "on pictures of the same size. " + OTHER_WEIGHTS
        )

    def _refusal(self, card: Card, A: Operator, channels: int, is_complex: bool | None) -> str:
        from napari_mlpatch import networks

        these = f"The weights {card.name!r}"
        made = networks.declaration(card.architecture.name, card.architecture.params)
        if made.method == "denoiser" or card.operator is None:
            return f"{these} are a denoiser: this method takes those of a network that makes pictures of data."
        try:
            before = build(operators, card.operator.model_dump())
        except InputError as error:
            return f"The card of {card.name!r} does not describe the operator of its training: {error}"
        if tuple(before.domain_shape) != tuple(A.domain_shape):
            sizes = [" x ".join(map(str, shape)) for shape in (before.domain_shape, A.domain_shape)]
            return (
                f"{these} are for pictures of {sizes[0]} pixels, these have {sizes[1]}. Take the size of the training."
            )
        if before.complex_image != bool(is_complex):
            kinds = ["complex" if value else "real" for value in (before.complex_image, is_complex)]
            return f"{these} are for {kinds[0]} pictures, these are {kinds[1]}."
        needed = 2 * channels if is_complex else channels
        if made.channels != needed:
            own = count_of(made.channels, "channel")
            return f"{these} are for pictures with {own}, these data make pictures with {needed}."
        return made.unsuitable(before)


def _operator_of(network: Any, A: Operator) -> Operator:
    """The operator that a network was trained for; of a module without a card, that of the problem."""
    card = getattr(network, "card", None)
    if card is None or card.operator is None or card.operator.model_dump() == describe(A):
        return A
    return build(operators, card.operator.model_dump())
