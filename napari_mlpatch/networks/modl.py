"""MoDL: model-based deep learning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import architectures
from napari_mlpatch.solvers.implicit import solve_shifted

from .architecture import Architecture, Reconstructor
from .complex_channels import from_channels, to_channels
from .positive import Positive
from .unrolled import has_complex_pictures

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator

TOLERANCE = 1e-6
"""Relative residual of a data step; its gradient is that of the exact solution."""
DAMPING = 1.0
"""Of the preconditioner: never slower here, and for several coils it takes a third of the residual."""


@architectures.register("modl", title="MoDL")
@dataclass(frozen=True, config=CONFIG)
class MoDLConfig(Architecture):
    """Iterations, and the denoiser that they share; the defaults are the published ones, but for batch normalisation.

    That was used in the paper, although shared weights mix the statistics of all iterations.
    """

    channels: Annotated[int, Field(ge=1, le=64, description="channels of the picture; two for each complex one")] = 2
    iterations: Annotated[int, Field(ge=1, le=1000, description="denoising and data steps, with shared weights")] = 10
    width: Annotated[int, Field(ge=1, le=1024, description="channels between the convolutions")] = 64
    depth: Annotated[int, Field(ge=2, le=64, description="convolutions of the denoiser")] = 5
    batch_norm: Annotated[bool, Field(description="batch normalisation after each convolution")] = False
    weight: Annotated[float, Field(gt=0, le=1e3, description="λ at first, for ‖A‖ = 1")] = 0.05
    solver_iterations: Annotated[
        int, Field(ge=1, le=1000, description="conjugate gradients in a data step without closed form, at most")
    ] = 10

    method: ClassVar[str] = "unrolled"
    start: ClassVar = {"channels": 1, "width": 16, "iterations": 3}
    start_images: ClassVar = 2

    def build(self) -> MoDL:
        return MoDL(self)


class MoDL(Reconstructor):
    """``x ← (AᴴA + λI)⁻¹ (Aᴴy + λ D(x))`` from ``x = Aᴴy``, with ``D = I + N`` and λ > 0 learned.

    Aggarwal, Mani & Jacob, MoDL: model-based deep learning architecture for inverse problems, IEEE Trans. Med. Imaging
    38, 2019. The data step is solved in closed form or by conjugate gradients, and differentiated by one more solve.
    N is 0 before training, so that training begins with iterated Tikhonov regularisation. ``iterations`` may be set
    to other numbers than it was trained with.
    """

    def __init__(self, config: MoDLConfig | None = None):
        super().__init__()
        self.config = config = config or MoDLConfig()
        self.iterations = config.iterations
        self.residual = _convolutions(config)
        self.weight = Positive(config.weight)

    def iterates(self, y: Tensor, A: Operator) -> Iterator[Tensor]:
        """The picture after each data step. Raises InputError where pictures have other channels or axes."""
        has_complex_pictures(y, A, self.config)
        x = b = A.T(y)
        weight = self.weight()
        for _ in range(self.iterations):
            z = self.denoised(x)
            x = solve_shifted(
                A,
                b + weight * z,
                weight,
                z,
                iterations=self.config.solver_iterations,
                tolerance=TOLERANCE,
                damping=DAMPING,
            )
            yield x

    def denoised(self, x: Tensor) -> Tensor:
        """``D(x)`` of pictures, real or complex."""
        z = to_channels(x)
        return from_channels(z + self.residual(z), x)


def _convolutions(config: MoDLConfig) -> nn.Sequential:
    """N: convolutions 3x3, with ReLU between them."""
    layers: list[nn.Module] = []
    for k in range(config.depth):
        inputs = config.width if k else config.channels
        last = k == config.depth - 1
        outputs = config.channels if last else config.width
        affine: Any = nn.Conv2d(inputs, outputs, 3, padding=1)
        layers.append(affine)
        if config.batch_norm:
            affine = nn.BatchNorm2d(outputs)
            layers.append(affine)
        if last:
            nn.init.zeros_(affine.weight)
            nn.init.zeros_(affine.bias)
        else:
            layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)
