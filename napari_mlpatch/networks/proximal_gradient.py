"""Unrolled proximal gradient descent with a learned denoiser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import architectures

from .architecture import Architecture, Reconstructor
from .preconditioner import FLOOR, Floor, Preconditioner
from .proximal_block import ProximalStep
from .unrolled import has_complex_pictures

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator


@architectures.register("proximal-gradient", title="Unrolled proximal gradient")
@dataclass(frozen=True, config=CONFIG)
class ProximalGradientConfig(Architecture):
    """The same step so many times: the unrolled twin of the deep-equilibrium network of the same block."""

    channels: Annotated[int, Field(ge=1, le=64, description="channels of the picture; two for each complex one")] = 1
    iterations: Annotated[int, Field(ge=1, le=1000, description="steps, all with the same weights")] = 10
    width: Annotated[int, Field(ge=1, le=1024, description="channels between the convolutions")] = 64
    depth: Annotated[int, Field(ge=2, le=64, description="convolutions of the denoiser")] = 5
    bound: Annotated[float, Field(gt=0, le=100, description="largest spectral norm of a convolution")] = 1.0
    step: Annotated[float, Field(gt=0, le=2, description="step of the gradient at first, for ‖A‖ = 1")] = 1.0
    preconditioner: Preconditioner = "none"
    floor: Floor = FLOOR

    method: ClassVar[str] = "unrolled"
    start: ClassVar = {"width": 16, "iterations": 5}
    start_images: ClassVar = 2

    def build(self) -> ProximalGradient:
        return ProximalGradient(self)


class ProximalGradient(Reconstructor):
    """``x ← R(x - η P (AᴴA x - Aᴴy))`` from ``x = Aᴴy``, with ``R = I + N`` and η learned; see ``ProximalStep``.

    ``iterations`` may be set to more than it was trained with: what that does to an unrolled network is the point of
    the comparison in Gilton, Ongie & Willett, IEEE Trans. Comput. Imaging 7, 2021.
    """

    shares_weights = True

    def __init__(self, config: ProximalGradientConfig | None = None):
        super().__init__()
        self.config = config = config or ProximalGradientConfig()
        self.iterations = config.iterations
        self.block = ProximalStep(config.channels, config.width, config.depth, config.bound, config.step)
        self.block.preconditioner, self.block.floor = config.preconditioner, config.floor

    def iterates(self, y: Tensor, A: Operator) -> Iterator[Tensor]:
        """The picture after each step. Raises InputError where pictures have other channels or axes."""
        has_complex_pictures(y, A, self.config)
        x = b = A.T(y)
        f = self.block.at(A, b)
        for _ in range(self.iterations):
            x = f(x)
            yield x
