"""Super-resolution: an image from one with larger pixels."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core import noise_doubt, noise_level
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import F, Tensor, torch

from .image_shape import ImageShape

LARGEST = 2048  # pixels of y along an axis: beyond, eigenvectors take longer than the iterations they spare


@operators.register("super-resolution", title="Super-resolution")
@dataclass(frozen=True, config=CONFIG)
class SuperResolution(Operator):
    """Means over larger pixels, ``y = R x Cᵀ``, where R and C average rows and columns with the kernel's weights.

    Pixel i of y lies over the pixels ``f i ... f i + f - 1`` of x, its centre at ``f i + (f - 1) / 2`` (f: factor), and
    y has ``ceil(n / f)`` of them along each axis. Weights sum to one; at the image's edge those that fall outside are
    left out and the others scaled up, so any size is allowed. Images are real or complex.

    Equation:
        y = R x Cᵀ,      R, C: weighted means over ``factor`` rows and columns

    When to use it:
        A finer picture than the camera's pixels, from a single one: ``area`` where the detector integrates over its
        pixels, ``gaussian`` where optics blur before, ``bicubic`` for pictures that were shrunk by a program. Noise of
        the data limits what can be gained; a denoiser of the kind of picture gains most.

    References:
        - S. C. Park, M. K. Park & M. G. Kang, Super-resolution image reconstruction: a technical overview, IEEE Signal
          Process. Mag. 20(3) (2003) 21-36, doi:10.1109/MSP.2003.1203207.
        - R. G. Keys, Cubic convolution interpolation for digital image processing, IEEE Trans. Acoust. Speech Signal
          Process. 29 (1981) 1153-1160, doi:10.1109/TASSP.1981.1163711.
    """

    image_shape: ImageShape
    factor: Annotated[
        Literal[2, 3, 4, 8], Field(description="how many times larger the pixels are, along rows and columns")
    ] = 2
    kernel: Annotated[
        Literal["area", "gaussian", "bicubic"],
        Field(description="weights: equal over the larger pixel, Gaussian, or Keys' cubic stretched by the factor"),
    ] = "area"
    width: Annotated[
        float | None,
        Field(
            ge=0.5,
            le=100,
            description="standard deviation of the Gaussian kernel",
            json_schema_extra={"unit": "pixels", "none_means": "half the factor"},
        ),
    ] = None

    @property
    def domain_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return self.image_shape

    @property
    def range_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return -(-self.image_shape[0] // self.factor), -(-self.image_shape[1] // self.factor)

    # ---- tables ---------------------------------------------------------------------------------------------

    @cached_property
    def taps(self) -> tuple[int, np.ndarray]:
        """Offset of the first weight from ``f i``, and the weights, which sum to one."""
        f, middle = self.factor, (self.factor - 1) / 2
        if self.kernel == "area":
            return 0, np.full(f, 1.0 / f)
        std = self.width or f / 2
        reach = 2.0 * f if self.kernel == "bicubic" else max(4.0 * std, f / 2)
        offsets = np.arange(math.ceil(middle - reach), math.floor(middle + reach) + 1)
        t = offsets - middle
        weights = _keys(t / f) if self.kernel == "bicubic" else np.exp(-0.5 * (t / std) ** 2)
        return int(offsets[0]), weights / weights.sum()

    def _slices(self, axis: int) -> list[tuple[float, slice, slice]]:
        """Of each weight: its value, the pixels of y that have it inside of the image, and those pixels of x."""
        f, n, m = self.factor, self.image_shape[axis], self.range_shape[axis]
        found = []
        for offset, weight in enumerate(self.taps[1].tolist(), self.taps[0]):
            start, stop = max(-(offset // f), 0), min((n - 1 - offset) // f + 1, m)
            if start < stop:
                found.append((weight, slice(start, stop), slice(start * f + offset, (stop - 1) * f + offset + 1, f)))
        return found

    @cached_property
    def _weights(self) -> tuple[list[tuple[float, slice, slice]], list[tuple[float, slice, slice]]]:
        return self._slices(0), self._slices(1)

    @cached_property
    def _scale(self) -> np.ndarray:
        """What the weights inside of the image are scaled up by, ``[*range_shape]``."""
        sums = [np.zeros(m) for m in self.range_shape]
        for total, slices in zip(sums, self._weights, strict=True):
            for weight, i, _ in slices:
                total[i] += weight
        return 1.0 / np.outer(*sums)

    @cached_property
    def _eigen(self) -> dict[str, np.ndarray]:
        """Eigenvectors U of RRᵀ and V of CCᵀ, and the eigenvalues of AAᵀ, ``[*range_shape]``."""
        pairs = []
        for axis, n in enumerate(self.image_shape):
            m = self.range_shape[axis]
            matrix = np.zeros((m, n))
            for weight, i, j in self._weights[axis]:
                matrix[np.arange(m)[i], np.arange(n)[j]] = weight
            matrix /= matrix.sum(1, keepdims=True)
            pairs.append(np.linalg.eigh(matrix @ matrix.T))
        (rows, U), (columns, V) = pairs
        return {"U": U, "V": V, "values": np.outer(rows, columns).clip(min=0.0)}

    # ---- the operator ---------------------------------------------------------------------------------------

    def _apply(self, x: Tensor) -> Tensor:
        rows, columns = self._weights
        half = x.new_zeros(*x.shape[:-2], self.range_shape[0], x.shape[-1])
        for weight, i, j in rows:
            half[..., i, :].add_(x[..., j, :], alpha=weight)
        y = x.new_zeros(*x.shape[:-2], *self.range_shape)
        for weight, i, j in columns:
            y[..., i].add_(half[..., j], alpha=weight)
        return y.mul_(self._table("scale", x.device, x.dtype, lambda: self._scale))

    def _adjoint(self, y: Tensor) -> Tensor:
        rows, columns = self._weights
        y = y * self._table("scale", y.device, y.dtype, lambda: self._scale)
        half = y.new_zeros(*y.shape[:-1], self.image_shape[1])
        for weight, i, j in columns:
            half[..., j].add_(y[..., i], alpha=weight)
        x = y.new_zeros(*y.shape[:-2], *self.image_shape)
        for weight, i, j in rows:
            x[..., j, :].add_(half[..., i, :], alpha=weight)
        return x

    def solve_shifted(self, b: Tensor, alpha: float | Tensor) -> Tensor:
        """``(b - Aᵀ (AAᵀ + alpha I)⁻¹ A b) / alpha`` (Woodbury), as Zhao et al. (IEEE Trans. Image Process. 25, 2016).

        There AAᵀ is diagonal in Fourier space. Here it is ``RRᵀ ⊗ CCᵀ`` and diagonal in the eigenvectors of the two,
        which needs no periodic image and no divisible size. In double precision, as the difference is small.
        """
        if not self.closed_form:
            return super().solve_shifted(b, alpha)
        wide = b.to(torch.promote_types(b.dtype, torch.float64))
        return ((wide - self.T(self._solve_small(self(wide), alpha))) / alpha).to(b.dtype)

    def _solve_small(self, z: Tensor, alpha: float | Tensor) -> Tensor:
        """``(AAᵀ + alpha I)⁻¹ z``, in double precision."""
        if self._is_tight:
            return z / (self.factor**-2.0 + alpha)
        if z.is_complex():
            return torch.complex(self._solve_small(z.real, alpha), self._solve_small(z.imag, alpha))
        U, V, values = (
            self._table(name, z.device, torch.float64, lambda name=name: self._eigen[name])
            for name in ("U", "V", "values")
        )
        return U @ ((U.mT @ z @ V) / (values + alpha)) @ V.mT

    @property
    def _is_tight(self) -> bool:
        """Whether rows of A have no pixel in common and all the same length."""
        return self.kernel == "area" and not any(n % self.factor for n in self.image_shape)

    @property
    def closed_form(self) -> bool:  # type: ignore[override]
        return max(self.range_shape) <= LARGEST

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """Eigenvalues of the best circulant approximation (T. Chan 1988), but for the image's edges."""
        return self._table("circulant", device, dtype, self._circulant)

    def _circulant(self) -> np.ndarray:
        lines = []
        for n, m in zip(self.image_shape, self.range_shape, strict=True):
            folded = np.zeros(n)
            np.add.at(folded, (self.taps[0] + np.arange(len(self.taps[1]))) % n, self.taps[1])
            lines.append(np.abs(np.fft.fft(folded)) ** 2 * (m / n))
        return np.outer(lines[0], lines[1][: self.image_shape[1] // 2 + 1])

    def memory_bytes(self) -> int:
        rows, columns = self.range_shape
        has_eigenvectors = self.closed_form and not self._is_tight
        eigenvectors = 16 * (rows**2 + columns**2 + rows * columns) if has_eigenvectors else 0
        return (20 if self.closed_form else 12) * rows * columns + eigenvectors

    # ---- what a person sees -----------------------------------------------------------------------------------

    def pinv(self, y: Tensor) -> Tensor:
        """Bicubic interpolation between the centres of the larger pixels (Keys 1981, a = -1/2)."""
        self._check(y, "adjoint")
        if y.is_complex():
            return torch.complex(self.pinv(y.real), self.pinv(y.imag))
        size = [m * self.factor for m in self.range_shape]
        x = F.interpolate(y, size=size, mode="bicubic", align_corners=False, antialias=True)
        return x[..., : self.image_shape[0], : self.image_shape[1]].contiguous()

    def estimate_std(self, y: Tensor) -> float:
        """See ``noise_level.from_image``."""
        return noise_level.from_image(y)

    def noise_remark(self, y: Tensor) -> str:
        return noise_doubt.remark_on_image(y)


def _keys(t: np.ndarray) -> np.ndarray:
    """The cubic convolution kernel with a = -1/2 (Keys, IEEE Trans. Acoust. Speech Signal Process. 29, 1981)."""
    t = np.abs(t)
    near, far = 1.5 * t**3 - 2.5 * t**2 + 1.0, -0.5 * t**3 + 2.5 * t**2 - 4.0 * t + 2.0
    return np.where(t <= 1.0, near, np.where(t < 2.0, far, 0.0))
