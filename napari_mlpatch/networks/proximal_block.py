"""One step of learned proximal gradient descent, the same for the unrolled and the deep-equilibrium network."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .complex_channels import from_channels, to_channels
from .positive import Positive
from .preconditioner import FLOOR, towards_data

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator

Layers = list[tuple[Tensor, Tensor]]
"""Weight and bias of each convolution, the weights bounded."""
SIDE = 40
"""Rows and columns of the images on which the norm of a convolution is measured."""
FIRST, WARM = 10, 5
"""Power iterations of a new layer, and of a trained one before it is used; in training there is one for each step."""


class ProximalStep(nn.Module):
    """``f(x) = R(x - η P (AᴴA x - Aᴴy))``, with the learned step η > 0 and the denoiser ``R = I + N``.

    Gilton, Ongie & Willett, Deep equilibrium architectures for inverse problems in imaging, IEEE Trans. Comput. Imaging
    7, 2021 (DE-Prox). With ‖A‖ = 1 and N of Lipschitz constant ε it contracts where
    ``(1 + ε) max(|1 - η µ|, |1 - η|) < 1``, µ the least eigenvalue of AᴴA (of P AᴴA where there is a
    ``preconditioner``; see ``preconditioner.py``).
    """

    preconditioner: str = "none"
    floor: float = FLOOR

    def __init__(self, channels: int, width: int = 64, depth: int = 5, bound: float = 1.0, step: float = 1.0):
        super().__init__()
        self.denoiser = BoundedDenoiser(channels, width, depth, bound)
        self.step = Positive(step)

    def at(self, A: Operator, b: Tensor) -> Callable[[Tensor], Tensor]:
        """f for one problem with ``b = Aᴴy``, pictures ``[B, C, *A.domain_shape]`` to pictures.

        The convolutions are bounded once, here, so that f is the same function however often it is applied; it is
        differentiable, also with respect to the weights.
        """
        layers, step = self.denoiser.layers(), self.step()
        gradient = towards_data(A, b, self.preconditioner, self.floor)

        def f(x: Tensor) -> Tensor:
            g = x - step * gradient(x)
            return from_channels(self.denoiser(to_channels(g), layers=layers), g)

        return f


class BoundedDenoiser(nn.Module):
    """``x + N(x)`` with N convolutions 3x3 and ReLU between them, each of spectral norm at most ``bound``.

    So N has a Lipschitz constant of at most ``bound ** depth``. No batch normalisation: its statistics would have no
    bound and would mix iterations. Ryu et al., Plug-and-play methods provably converge with properly trained
    denoisers, ICML 2019.
    """

    convolving = ("forward",)

    def __init__(self, channels: int, width: int = 64, depth: int = 5, bound: float = 1.0):
        super().__init__()
        widths = [channels, *[width] * (depth - 1), channels]
        self.convolutions = nn.ModuleList(BoundedConvolution(a, b, bound) for a, b in itertools.pairwise(widths))

    def layers(self) -> Layers:
        """The convolutions as they are used; in training, this takes their power iterations one step on."""
        return [layer() for layer in self.convolutions]

    def forward(self, x: Tensor, sigma: float | Tensor | None = None, *, layers: Layers | None = None) -> Tensor:
        """``x: [B, C, H, W]`` -> the same shape. ``layers`` where they are known; ``sigma`` is not used."""
        z = x
        for k, (weight, bias) in enumerate(self.layers() if layers is None else layers):
            z = F.conv2d(F.relu(z) if k else z, weight, bias, padding=1)
        return x + z


class BoundedConvolution(nn.Module):
    """A convolution 3x3 with zeros around, ``W · min(1, bound / ‖W‖)``; called, it gives weight and bias.

    ‖W‖ is the norm of the convolution itself, not of its matrix of taps: by power iterations on images of ``SIDE``
    pixels, that start where they ended, for which the singular vector is kept with the weights. It is reached from
    below. On larger images it is larger by less than 1 %.
    """

    vector: Tensor

    def __init__(self, inputs: int, outputs: int, bound: float = 1.0):
        super().__init__()
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.weight, self.bias, self.bound = convolution.weight, convolution.bias, bound
        self.register_buffer("vector", torch.randn(1, inputs, SIDE, SIDE))
        if not self.vector.is_meta:
            self.vector = self._iterated(FIRST)

    def norm(self) -> Tensor:
        """‖W‖, differentiable with respect to W."""
        u = self._iterated(1 if self.training else WARM)
        if self.training:
            self.vector.copy_(u)  # in place: a captured step reads it there again
        with torch.autocast(u.device.type, enabled=False):
            return torch.linalg.vector_norm(F.conv2d(u, self.weight, padding=1))

    def forward(self) -> tuple[Tensor, Tensor]:
        assert self.bias is not None
        return self.weight * (self.bound / self.norm()).clamp(max=1.0), self.bias

    @torch.no_grad()
    def _iterated(self, count: int) -> Tensor:
        """The right singular vector, so many power iterations on."""
        u, weight = self.vector.to(self.weight.dtype), self.weight
        with torch.autocast(u.device.type, enabled=False):
            for _ in range(count):
                u = F.conv_transpose2d(F.conv2d(u, weight, padding=1), weight, padding=1)
                u = u / torch.linalg.vector_norm(u).clamp(min=torch.finfo(u.dtype).tiny)
        return u
