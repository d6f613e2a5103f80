"""Unrolled ISTA with learned thresholds (LISTA), on wavelets or a learned dictionary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import architectures

from .architecture import Architecture, Reconstructor
from .complex_channels import from_channels, to_channels
from .dictionary import Dictionary
from .positive import Positive
from .unrolled import has_complex_pictures
from .wavelets import Wavelets

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator

SAFE = 0.98
"""Share of the step 1 / ‖A‖²‖D‖² that is taken at first, where ‖D‖ <= 1: ‖A‖ is known from below, to about 1 %."""


@architectures.register("ista", title="Unrolled ISTA (LISTA)")
@dataclass(frozen=True, config=CONFIG)
class ISTAConfig(Architecture):
    """What pictures are sparse in, and how many iterations, each with its own thresholds and step."""

    channels: Annotated[int, Field(ge=1, le=64, description="channels of the picture; two for each complex one")] = 1
    iterations: Annotated[int, Field(ge=1, le=1000, description="steps, each with thresholds of its own")] = 16
    transform: Annotated[
        Literal["wavelets", "dictionary", "none"],
        Field(description="what is sparse: coefficients of wavelets or of a learned dictionary, or the picture itself"),
    ] = "wavelets"
    moments: Annotated[int, Field(ge=1, le=8, description="vanishing moments of the wavelets (Daubechies)")] = 2
    levels: Annotated[int, Field(ge=1, le=8, description="levels of the wavelets")] = 4
    atoms: Annotated[int, Field(ge=1, le=1024, description="patterns of the dictionary")] = 64
    size: Annotated[Literal[3, 5, 7, 9, 11], Field(description="pixels along a side of a pattern")] = 7
    weight: Annotated[
        float, Field(gt=0, le=1e3, description="weight λ of the sum of magnitudes at first, for ‖A‖ = 1")
    ] = 1e-3

    method: ClassVar[str] = "unrolled"
    start: ClassVar = {"iterations": 10}
    start_images: ClassVar = 4
    computes_in_bfloat16: ClassVar = False  # D is no network, see ``Precise``

    @property
    def axes(self) -> int | None:
        return None if self.transform == "none" else 2

    def build(self) -> ISTA:
        return ISTA(self)


class ISTA(Reconstructor):
    """``z ← S(z - η Dᴴ(AᴴA D z - Aᴴy), η λ)`` from ``z = 0``, ``x = D z``, with soft thresholding S.

    D makes pictures of coefficients; η and λ are learned for each iteration, λ also for each band or pattern, and the
    patterns of a dictionary, which all iterations share. Before training these are the iterates of ISTA (Daubechies,
    Defrise & De Mol, Commun. Pure Appl. Math. 57, 2004) with ``η <= 1/‖A D‖²``. Gregor & LeCun, Learning fast
    approximations of sparse coding, ICML 2010. Real and imaginary parts have magnitudes of their own; the coarsest
    wavelets are not thresholded.
    """

    def __init__(self, config: ISTAConfig | None = None):
        super().__init__()
        self.config = config = config or ISTAConfig()
        self.iterations = config.iterations
        self.synthesis: Any = _synthesis(config)
        self.step = Positive(torch.full((config.iterations,), SAFE))
        self.weight = Positive(torch.full((config.iterations, self.synthesis.bands), config.weight))

    def iterates(self, y: Tensor, A: Operator) -> Iterator[Tensor]:
        """The picture after each step. Raises InputError where pictures have other channels or axes."""
        has_complex_pictures(y, A, self.config)
        b, D = A.T(y), Precise(self.synthesis)
        steps, weights = self.step(), self.weight()
        z = D.adjoint(to_channels(torch.zeros_like(b)))
        x = torch.zeros_like(b)
        for k in range(self.iterations):
            this = min(k, len(steps) - 1)
            ascent = D.adjoint(to_channels(steps[this] * (b - A.normal(x))))
            moved = [code + more for code, more in zip(z, ascent, strict=True)]
            z = self._shrunk(moved, steps[this] * weights[this])
            x = from_channels(D(z, A.domain_shape), b)
            yield x

    def _shrunk(self, codes: list[Tensor], thresholds: Tensor) -> list[Tensor]:
        if self.config.transform == "wavelets":
            return [codes[0], *(soft(c, t) for c, t in zip(codes[1:], thresholds[1:], strict=True))]
        return [soft(codes[0], thresholds.reshape(-1, *[1] * (codes[0].ndim - 2)))]


class Precise:
    """A synthesis in the precision of its pictures, also where convolutions are rounded to bfloat16: D is no network,
    and ``AᴴA D z - Aᴴy`` is a small difference.
    """

    def __init__(self, synthesis: Any):
        self._synthesis = synthesis

    def __call__(self, codes: list[Tensor], shape: tuple[int, ...]) -> Tensor:
        with torch.autocast(codes[0].device.type, enabled=False):
            return self._synthesis(codes, shape)

    def adjoint(self, x: Tensor) -> list[Tensor]:
        with torch.autocast(x.device.type, enabled=False):
            return self._synthesis.adjoint(x)


class Itself(nn.Module):
    """Pictures that are sparse themselves."""

    bands = 1

    def forward(self, codes: list[Tensor], shape: tuple[int, ...]) -> Tensor:
        return codes[0]

    def adjoint(self, x: Tensor) -> list[Tensor]:
        return [x]


def soft(x: Tensor, threshold: Tensor) -> Tensor:
    """Soft thresholding: ``sign(x) max(|x| - threshold, 0)``."""
    return x - torch.minimum(torch.maximum(x, -threshold), threshold)


def _synthesis(config: ISTAConfig) -> nn.Module:
    if config.transform == "wavelets":
        return Wavelets(config.moments, config.levels)
    return Dictionary(config.channels, config.atoms, config.size) if config.transform == "dictionary" else Itself()
