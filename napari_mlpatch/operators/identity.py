"""Denoising."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from napari_mlpatch.core import noise_doubt, noise_level
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import Tensor

from .image_shape import ImageShape


@operators.register("identity", title="Denoising")
@dataclass(frozen=True, config=CONFIG)
class Identity(Operator):
    """The image itself with noise on it, ``y = x + n``. Images are real or complex.

    Equation:
        y = x + n

    When to use it:
        Denoising: a picture with noise on it and nothing else wrong. Also the quickest way to see what a denoiser or a
        penalty does to pictures of a kind.

    References:
        - M. Elad, B. Kawar & G. Vaksman, Image denoising: the deep learning revolution and beyond, SIAM J. Imaging Sci.
          16 (2023) 1594-1654, doi:10.1137/23M1545859.
    """

    image_shape: ImageShape

    closed_form = True

    @property
    def domain_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return self.image_shape

    @property
    def range_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return self.image_shape

    def pinv(self, y: Tensor) -> Tensor:
        """The measurement."""
        return self.T(y)

    def solve_shifted(self, b: Tensor, alpha: float | Tensor) -> Tensor:
        """``b / (1 + alpha)``."""
        return b / (1.0 + alpha)

    def estimate_std(self, y: Tensor) -> float:
        """See ``noise_level.from_image``."""
        return noise_level.from_image(y)

    def noise_remark(self, y: Tensor) -> str:
        return noise_doubt.remark_on_image(y)

    def _apply(self, x: Tensor) -> Tensor:
        return x.clone()

    def _adjoint(self, y: Tensor) -> Tensor:
        return y.clone()

    def _normal(self, x: Tensor) -> Tensor:
        return x.clone()
