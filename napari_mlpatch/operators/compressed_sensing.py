"""Compressed sensing: fewer random measurements than pixels."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.made_once import MadeOnce
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import Tensor, torch

from .image_shape import ImageShape
from .walsh_hadamard import walsh_hadamard

MOST_BYTES = 2 << 30
MOST_FACTOR_BYTES = 256 << 20


@operators.register("compressed-sensing", title="Compressed sensing")
@dataclass(frozen=True, config=CONFIG)
class CompressedSensing(Operator):
    """Inner products of the image with m random images of unit norm, m < n: ``y_i = <a_i, x>``.

    The entries of ``a_i`` for n pixels are ``±1 / sqrt(n)``: rows of a Walsh-Hadamard matrix drawn at random, behind
    random flips of the pixels' signs (nothing is stored); or independent (Bernoulli); or normal with that standard
    deviation (Gaussian). The pixels are padded with zeros to the next power of two for the Hadamard matrix, whose rows
    are orthogonal where none is added. Images are real or complex; a seed gives the same rows on all devices.

    Equation:
        yᵢ = ⟨aᵢ, x⟩,   i = 1 ... m,   m = ratio · n < n,   ‖aᵢ‖ = 1

    When to use it:
        Single-pixel cameras, and as a test of methods on measurements that spread each pixel over all data. Take
        ``hadamard`` for real sizes: nothing is stored. Least squares alone gives noise: regularised and plug-and-play
        methods are needed.

    References:
        - E. J. Candès & M. B. Wakin, An introduction to compressive sampling, IEEE Signal Process. Mag. 25(2) (2008)
          21-30, doi:10.1109/MSP.2007.914731.
        - T. T. Do, L. Gan, N. H. Nguyen & T. D. Tran, Fast and efficient compressive sensing using structurally random
          matrices, IEEE Trans. Signal Process. 60 (2012) 139-154, doi:10.1109/TSP.2011.2170977.
    """

    image_shape: ImageShape
    matrix: Annotated[
        Literal["hadamard", "gaussian", "bernoulli"],
        Field(description="random rows: of a Hadamard matrix (fast, any size), or independent normal or ±1 entries"),
    ] = "hadamard"
    ratio: Annotated[float, Field(gt=0, le=1, description="measurements for each pixel")] = 0.25
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="which rows")] = 0

    @model_validator(mode="after")
    def _fits_into_memory(self) -> CompressedSensing:
        size = self.memory_bytes()
        if self.matrix != "hadamard" and size > MOST_BYTES:
            raise ValueError(
                f"a {self.matrix} matrix of {self.range_shape[0]} x {self._pixels} and its factors take {size} bytes "
                f"({size / 2**30:.1f} GiB), more than {MOST_BYTES >> 30} GiB: take matrix hadamard, which is not "
                "stored, a smaller image, or a smaller ratio"
            )
        return self

    @property
    def domain_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return self.image_shape

    @property
    def range_shape(self) -> tuple[int]:  # type: ignore[override]
        return (max(1, round(self.ratio * self._pixels)),)

    @property
    def closed_form(self) -> bool:  # type: ignore[override]
        return self.matrix != "hadamard" or self._length == self._pixels

    @property
    def _pixels(self) -> int:
        return math.prod(self.image_shape)

    @property
    def _length(self) -> int:
        """The power of two that the pixels are padded to."""
        return 1 << (self._pixels - 1).bit_length()

    # ---- tables ---------------------------------------------------------------------------------------------

    def _drawn(self, like: Tensor) -> Any:
        """What is drawn, for a tensor's device and precision: on the CPU, so that it is the same everywhere."""
        dtype = like.dtype.to_real()
        return self._table("drawn", like.device, dtype, lambda: self._draw(like.device, dtype))

    def _draw(self, device: torch.device, dtype: torch.dtype) -> Any:
        """Signs of the pixels and numbers of the rows of the Hadamard matrix, or the matrix ``[m, n]``."""
        random, n, m = torch.Generator().manual_seed(self.seed), self._pixels, self.range_shape[0]
        scale = math.sqrt(n)
        if self.matrix == "gaussian":
            return torch.randn(m, n, generator=random).to(device, dtype).div_(scale)
        if self.matrix == "bernoulli":
            return _signs(m, n, generator=random).to(device, dtype).div_(scale)
        signs = _signs(n, generator=random).to(device, dtype).div_(scale)
        return signs, torch.randperm(self._length, generator=random)[:m].to(device)

    def _gram(self, like: Tensor) -> Tensor:
        """``AAᵀ``, which takes longer than its factors, for a tensor in double precision."""
        return self._table("gram", like.device, like.dtype, lambda: (rows := self._drawn(like)) @ rows.mT)

    def _factor(self, like: Tensor, alpha: float) -> Tensor:
        """Cholesky factor of ``AAᵀ + alpha I``, for a tensor in double precision; those of a few alphas are kept."""

        def factorise() -> Tensor:
            gram = self._gram(like).clone()
            gram.diagonal().add_(alpha)
            return torch.linalg.cholesky(gram)

        factor = self._table("factor", like.device, like.dtype, MadeOnce)
        if alpha not in factor:  # items of a batch, each with its own, take turns
            kept = list(factor)[-(self._most_factors - 1) :] if self._most_factors > 1 else []
            factor.drop(lambda key: key not in kept)
        return factor.get_or_make(alpha, factorise)

    @property
    def _most_factors(self) -> int:
        """How many are kept: one at least, more as long as they are small."""
        return max(1, min(16, MOST_FACTOR_BYTES // (8 * self.range_shape[0] ** 2)))

    # ---- the operator ---------------------------------------------------------------------------------------

    def _apply(self, x: Tensor) -> Tensor:
        if x.is_complex():
            return torch.complex(self._apply(x.real), self._apply(x.imag))
        flat = x.flatten(-2)
        if self.matrix != "hadamard":
            return flat @ self._drawn(x).mT
        signs, rows = self._drawn(x)
        return walsh_hadamard(torch.nn.functional.pad(flat * signs, (0, self._length - self._pixels)))[..., rows]

    def _adjoint(self, y: Tensor) -> Tensor:
        if y.is_complex():
            return torch.complex(self._adjoint(y.real), self._adjoint(y.imag))
        if self.matrix != "hadamard":
            return (y @ self._drawn(y)).unflatten(-1, self.image_shape)
        signs, rows = self._drawn(y)
        full = y.new_zeros(*y.shape[:-1], self._length)
        full[..., rows] = y
        return (walsh_hadamard(full)[..., : self._pixels] * signs).unflatten(-1, self.image_shape)

    def solve_shifted(self, b: Tensor, alpha: float | Tensor) -> Tensor:
        """``(AᵀA + alpha I)⁻¹ b = (b - Aᵀ (AAᵀ + alpha I)⁻¹ A b) / alpha`` (Woodbury), factorised once for each alpha.

        Where the rows are orthonormal, AᵀA is a projection, whose eigenvalues are one and zero. In double precision, as
        the difference is small.
        """
        if not self.closed_form:
            return super().solve_shifted(b, alpha)
        wide = _wide(b)
        if self.matrix == "hadamard":
            inside = self.normal(wide)
            return (inside / (1.0 + alpha) + (wide - inside) / alpha).to(b.dtype)
        if torch.is_tensor(alpha):  # each has a factor of its own
            known = alpha.expand(len(b), *[1] * (b.ndim - 1)).flatten().tolist()
            return torch.cat([self.solve_shifted(v[None], value) for v, value in zip(b, known, strict=True)])
        return ((wide - self.T(self._solve(self(wide), alpha))) / alpha).to(b.dtype)

    def _solve(self, y: Tensor, alpha: float) -> Tensor:
        """``(AAᵀ + alpha I)⁻¹ y``, in double precision."""
        if y.is_complex():
            return torch.complex(self._solve(y.real, alpha), self._solve(y.imag, alpha))
        flat = y.flatten(0, -2).mT
        return torch.cholesky_solve(flat, self._factor(y, alpha)).mT.reshape(y.shape)

    def pinv(self, y: Tensor) -> Tensor:
        """The image of least norm that fits the data, ``Aᵀ (AAᵀ)⁻¹ y``; Aᵀy where the rows are about orthonormal."""
        self._check(y, "adjoint")
        return self.T(y) if self.matrix == "hadamard" else self.T(self._solve(_wide(y), 1e-6).to(y.dtype))

    @property
    def column_norm(self) -> float:  # type: ignore[override]
        """Of n columns, with m rows of unit norm."""
        return math.sqrt(self.range_shape[0] / self._pixels)

    def memory_bytes(self) -> int:
        if self.matrix == "hadamard":
            both = 8 * self._length + 8 * self._pixels if self.closed_form else 0
            return 8 * self._length + 4 * self._pixels + both
        m = self.range_shape[0]
        made = sum(len(table) for key, table in list(self._made.items()) if key[0] == "factor")
        return 12 * m * self._pixels + 8 * m * m * (1 + max(made, 1))  # the matrix in both precisions, AAᵀ, factors

    # ---- what a person sees ---------------------------------------------------------------------------------

    def data_picture(self, y: Tensor) -> Tensor:
        """The measurements in their order, row below row of a square, which ends in zeros."""
        y = y.abs() if y.is_complex() else y
        side = math.ceil(math.sqrt(y.shape[-1]))
        rows = math.ceil(y.shape[-1] / side)
        return torch.nn.functional.pad(y, (0, rows * side - y.shape[-1])).unflatten(-1, (rows, side))

    def estimate_std(self, y: Tensor) -> float:
        """Zero: random measurements look like noise, which nothing in them tells from the image."""
        return 0.0

    def noise_remark(self, y: Tensor) -> str:
        return (
            "The noise level of random measurements cannot be told from them: automatic weights take a thousandth of "
            "their size. Where it is known, choose the method's weight or sigma by it."
        )


def _wide(x: Tensor) -> Tensor:
    """In double precision."""
    return x.to(torch.promote_types(x.dtype, torch.float64))


def _signs(*size: int, generator: torch.Generator) -> Tensor:
    """Random ±1, float32."""
    return torch.randint(0, 2, size, generator=generator, dtype=torch.int8).float().mul_(2.0).sub_(1.0)
