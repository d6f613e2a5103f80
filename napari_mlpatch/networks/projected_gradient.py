"""Unrolled projected gradient."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import architectures

from .architecture import Architecture, Reconstructor
from .complex_channels import from_channels, to_channels
from .positive import Positive
from .preconditioner import FLOOR, Floor, Preconditioner, towards_data
from .quick_picture import quick_picture
from .unrolled import has_complex_pictures

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator


@architectures.register("projected-gradient", title="Unrolled projected gradient")
@dataclass(frozen=True, config=CONFIG)
class ProjectedGradientConfig(Architecture):
    """Iterations and filters. Without filters each iteration learns two numbers, its step and its weight."""

    channels: Annotated[
        int, Field(ge=1, le=64, description="channels of the picture; a complex one has two for each")
    ] = 1
    iterations: Annotated[int, Field(ge=1, le=1000, description="iterations, each with parameters of its own")] = 10
    filters: Annotated[int, Field(ge=0, le=256, description="filters of the learned penalty; 0: none")] = 24
    taps: Annotated[int, Field(ge=1, le=15, description="rows and columns of a filter")] = 5
    nonnegative: Annotated[bool, Field(description="negative values become zero; for real pictures only")] = False
    step: Annotated[float, Field(gt=0, lt=1e3, description="step at the start, for an operator of norm 1")] = 1.0
    weight: Annotated[float, Field(gt=0, lt=1e3, description="weight of ½‖x‖² at the start")] = 0.01
    preconditioner: Preconditioner = "none"
    floor: Floor = FLOOR

    method: ClassVar = "unrolled"
    start: ClassVar = {"iterations": 6, "filters": 12}
    start_images: ClassVar = 2

    def build(self) -> ProjectedGradient:
        return ProjectedGradient(self)


class ProjectedGradient(Reconstructor):
    """``x ← P(x - λ (Aᵀ(A x - y) + α x + Σ K_iᵀ φ_i(K_i x)))`` from the quick picture: steps, weights, filters learned.

    This is ``P(W x + λ Aᵀy)`` with ``W = (1 - λα) I - λ AᵀA``, one layer of a network, and a learned penalty: filters
    K_i with ``φ_i(t) = t / sqrt(1 + (t / ε_i)²)``, the derivative of a smoothed absolute value (fields of experts, as
    in Chen & Pock, Trainable nonlinear reaction diffusion, IEEE Trans. Pattern Anal. Mach. Intell. 39, 2017). λ, α
    and ε are positive: softplus of what is learned. P leaves out negative values, if asked to. Without filters, with
    fixed parameters and λ < 2 / (1 + α), it converges to Tikhonov's solution with weight α (the non-negative one).
    With a ``preconditioner``, its P stands before Aᵀ (``preconditioner.py``).
    """

    def __init__(self, config: ProjectedGradientConfig | None = None):
        super().__init__()
        self.config = config = config or ProjectedGradientConfig()
        self.iterations = n = config.iterations
        self.step = Positive(torch.full((n,), config.step))
        self.weight = Positive(torch.full((n,), config.weight))
        if config.filters:
            shape = (config.filters, config.channels, config.taps, config.taps)
            self.filters = nn.Parameter(torch.randn(n, *shape) * 0.1 / math.sqrt(math.prod(shape[1:])))
            self.widths = Positive(torch.full((n, config.filters, 1, 1), 0.05))

    starts_from_picture = True
    convolving = ("_penalty",)

    def iterates(self, y: Tensor, A: Operator, start: Tensor | None = None) -> Iterator[Tensor]:
        """The picture after each iteration.

        Raises InputError where pictures have other channels, and for complex ones that are to be non-negative.
        """
        is_complex = has_complex_pictures(y, A, self.config)
        if self.config.nonnegative and is_complex:
            raise InputError("Complex pictures have no sign: set nonnegative = false and train the network anew.")
        x = to_channels(quick_picture(y, A) if start is None else start)
        towards = towards_data(A, A.T(y), self.config.preconditioner, self.config.floor)
        steps, weights = self.step(), self.weight()
        for k in range(self.iterations):
            k = min(k, len(steps) - 1)  # beyond the training, the last one goes on
            gradient = to_channels(towards(from_channels(x, is_complex))) + weights[k] * x
            if self.config.filters:
                gradient = gradient + self._penalty(x, k)
            x = x - steps[k] * gradient
            if self.config.nonnegative:
                x = x.relu()
            yield from_channels(x, is_complex)

    def _penalty(self, x: Tensor, k: int) -> Tensor:
        """Gradient of the learned penalty of iteration k; pictures are zero beyond their edges."""
        kernel, width = self.filters[k], self.widths()[k]
        found = F.conv2d(x, kernel, padding=self.config.taps // 2)
        return F.conv_transpose2d(found / (1 + (found / width) ** 2).sqrt(), kernel, padding=self.config.taps // 2)
