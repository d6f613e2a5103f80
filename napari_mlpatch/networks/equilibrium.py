"""Deep equilibrium: what networks share whose picture is the fixed point of a learned map.

Gilton, Ongie & Willett, Deep equilibrium architectures for inverse problems in imaging, IEEE Trans. Comput. Imaging 7,
2021. The maps of this package (``de_grad.py``, ``de_prox.py``, ``de_admm.py``) converge for every operator of norm 1,
whatever their weights, because of their denoiser (``spectral_cnn.py``): there is one fixed point, it does not depend on
the start, and plain iteration finds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass as plain_dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.solvers.fixed_point import fixed_point
from napari_mlpatch.solvers.implicit import equilibrium

from .architecture import Architecture, Reconstructor
from .complex_channels import from_channels, to_channels
from .spectral_cnn import Depth, Lipschitz, SpectralCNN, SpectralCNNConfig, Width
from .unrolled import has_complex_pictures

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator

Map = Callable[[Tensor], Tensor]
State = Any


@dataclass(frozen=True, config=CONFIG)
class EquilibriumConfig(Architecture):
    """Base of the declarations. A subclass says what ``step`` is, and may add fields."""

    channels: Annotated[
        int, Field(ge=1, le=64, description="channels of the picture; a complex one has two for each")
    ] = 1
    depth: Depth = 5
    width: Width = 32
    lipschitz: Lipschitz = 0.99
    step: Annotated[float, Field(gt=0, lt=1)] = 0.5
    iterations: Annotated[int, Field(ge=1, le=10_000, description="towards the fixed point in training, at most")] = 30
    tolerance: Annotated[
        float, Field(ge=0, lt=1, description="relative residual at which a fixed point is taken as found in training")
    ] = 1e-3
    backward: Annotated[
        Literal["anderson", "neumann", "jacobian-free"],
        Field(description="how gradients pass the fixed point; jacobian-free: through the last iteration alone"),
    ] = "anderson"

    method: ClassVar = "equilibrium"
    start: ClassVar = {"depth": 4, "width": 16, "iterations": 12}
    start_images: ClassVar = 2

    @property
    def denoiser(self) -> SpectralCNNConfig:
        """The network inside. Its weights may come from a training as a denoiser, see ``Equilibrium``."""
        return SpectralCNNConfig(channels=self.channels, depth=self.depth, width=self.width, lipschitz=self.lipschitz)


@plain_dataclass(frozen=True)
class Equation:
    """``z = f(z)`` for the data of one problem, where to start, and the picture that a state z stands for.

    A state is a picture ``[B, C, *A.domain_shape]``, or a tuple of some. ``first`` makes the state to begin with of
    any picture; without it, there is one start only.
    """

    f: Callable[[State], State]
    start: State
    picture: Callable[[State], Tensor]
    first: Callable[[Tensor], State] | None = None


class Equilibrium(Reconstructor):
    """Base: a denoiser D, and one learned number between 0 and 1, ``step``.

    A subclass says what f is. In training, gradients come from the implicit function theorem: one application of f is
    differentiated, whatever the iterations. ``equation`` is for who solves it in another way, or for longer.

    The tensors ``denoiser.*`` are those of the architecture "spectral-cnn" with ``denoiser.`` before their names: a
    training may start from weights of one that was trained as a denoiser, which are put there (``start_from``).
    """

    shares_weights = True
    parts = ("denoiser.",)

    def __init__(self, config: EquilibriumConfig):
        super().__init__()
        self.config = config
        self.iterations = config.iterations
        self.denoiser = SpectralCNN(config.denoiser)
        self.raw_step = nn.Parameter(torch.tensor(math.log(config.step / (1.0 - config.step))))

    @property
    def step(self) -> Tensor:
        return torch.sigmoid(self.raw_step)

    def update(self, A: Operator, b: Tensor, D: Map) -> Callable[[State], State]:
        """f, for ``b = Aᵀy``."""
        raise NotImplementedError

    def first(self, x: Tensor) -> State:
        """The state to begin with, for the quick picture x."""
        return x

    def shown(self, z: State) -> Tensor:
        """The picture of a state."""
        return z

    def equation(self, y: Tensor, A: Operator) -> Equation:
        """What is to be solved for data ``[B, C, *A.range_shape]``; A has norm 1.

        Raises InputError where pictures have other channels than those of the network.
        """
        has_complex_pictures(y, A, self.config)
        kind, kernels = y.device.type, self.denoiser.kernels()
        is_rough = torch.is_autocast_enabled(kind)  # the solver around it is always precise

        def D(x: Tensor) -> Tensor:
            with torch.autocast(kind, torch.bfloat16, enabled=is_rough):
                return from_channels(self.denoiser.with_kernels(to_channels(x), kernels), x)

        b = A.T(y)
        try:
            x = A.pinv(y).to(b.dtype)
        except NotImplementedError:  # the fixed point does not depend on it
            x = b
        return Equation(self.update(A, b, D), self.first(x), self.shown, self.first)

    def iterates(self, y: Tensor, A: Operator) -> Iterator[Tensor]:
        """Pictures on the way to the fixed point by Anderson's acceleration, until it is found."""
        equation = self.equation(y, A)
        for step in fixed_point(
            equation.f, equation.start, iterations=self.iterations, tolerance=self.config.tolerance
        ):
            yield equation.picture(step.z)

    def forward(self, y: Tensor, A: Operator) -> Tensor:
        """The picture of the fixed point, as far as the iterations go; differentiable, in constant memory."""
        equation, config = self.equation(y, A), self.config
        waits = {"look": config.iterations + 1} if y.is_cuda else {}  # a training never waits for a GPU
        with torch.autocast(y.device.type, enabled=False):
            found = equilibrium(
                equation.f,
                equation.start,
                iterations=self.iterations,
                tolerance=config.tolerance,
                backward=config.backward,
                backward_iterations=config.iterations,
                backward_tolerance=config.tolerance,
                backward_options=waits,
                **waits,
            )
        return equation.picture(found.z)
