"""Blur: convolution with a known kernel."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.core import noise_doubt, noise_level
from napari_mlpatch.core.array import Array
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import F, Tensor, torch

from . import point_spread
from .image_shape import ImageShape
from .periodic import filtered, transfer

LEAST_NOISE = 1e-5  # of the signal's power, in the Wiener filter: no kernel is known better
NEIGHBOURHOOD = 32  # pixels
SMALLEST_SUM = 1e-6  # of a kernel, as a share of the sum of its magnitudes: less is rounding


@operators.register("blur", title="Blur / deconvolution")
@dataclass(frozen=True, config=CONFIG)
class Blur(Operator):
    """Convolution with a real kernel, ``y[i] = sum_j k[j] x[i - j + c]``, with the centre ``c = n // 2`` of each axis.

    ``boundary="periodic"``: the image goes on periodically and y has its shape. ``"valid"``: y has only those pixels
    whose whole neighbourhood lies in the image, ``n - kernel size + 1`` along each axis, as a camera sees a part of
    the world; then AᵀA is no convolution. Images are real or complex.

    Equation:
        y[i] = Σⱼ k[j] x[i - j + c],      c = n // 2 along each axis

    When to use it:
        Pictures out of focus, shaken, or through a microscope or telescope with a known point spread function: give it
        as ``custom``, or choose a shape near to it. ``periodic`` is fast and exact in closed form, and right where the
        edges are dark; ``valid`` is what a camera sees. The kernel has to be known: this is no blind deconvolution.

    References:
        - P. C. Hansen, J. G. Nagy & D. P. O'Leary, Deblurring Images: Matrices, Spectra, and Filtering, SIAM 2006,
          doi:10.1137/1.9780898718874.
        - A. Levin, Y. Weiss, F. Durand & W. T. Freeman, Understanding and evaluating blind deconvolution algorithms,
          CVPR 2009, 1964-1971 (kernels of shaken cameras), doi:10.1109/CVPR.2009.5206815.
    """

    image_shape: ImageShape
    kernel: Annotated[
        Literal["gaussian", "motion", "box", "disk", "shake", "custom"],
        Field(description="shape; shake: a random smooth path, as of a hand-held camera; custom: kernel_values"),
    ] = "gaussian"
    width: Annotated[
        float,
        Field(
            gt=0,
            le=200,
            description="standard deviation (gaussian), half the length (motion) or side (box), radius (disk), "
            "farthest point (shake)",
            json_schema_extra={"unit": "pixels"},
        ),
    ] = 2.0
    angle: Annotated[
        float,
        Field(description="direction of motion, counter-clockwise from horizontal", json_schema_extra={"unit": "°"}),
    ] = 0.0
    seed: Annotated[int, Field(ge=0, description="which path of shake")] = 0
    kernel_values: Annotated[
        Array | None,
        Field(
            description="custom: the kernel, rows and columns, its centre at pixel n // 2 of each axis",
            json_schema_extra={"none_means": "not custom"},
        ),
    ] = None
    normalise: Annotated[bool, Field(description="scale a custom kernel so that it sums to one")] = True
    boundary: Annotated[
        Literal["periodic", "valid"],
        Field(description="the image goes on periodically, or only what depends on nothing outside of it is measured"),
    ] = "periodic"

    @model_validator(mode="after")
    def _fits(self) -> Blur:
        if (self.kernel == "custom") != (self.kernel_values is not None):
            given = "is missing" if self.kernel_values is None else f"is given, but kernel = {self.kernel!r}"
            raise ValueError(f'kernel_values {given}: kernel_values and kernel = "custom" go together')
        if self.kernel_values is not None:
            _check_kernel(self.kernel_values.values, self.normalise)
        size = self.point_spread.shape
        too_large = any(k > n for k, n in zip(size, self.image_shape, strict=True))
        if too_large and (self.boundary == "valid" or self.kernel == "custom"):
            raise ValueError(
                f"the kernel of {size[0]} x {size[1]} pixels is larger than the image of {self.image_shape[0]} x "
                f"{self.image_shape[1]}: use a smaller kernel or a larger image"
            )
        return self

    @property
    def domain_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return self.image_shape

    @property
    def range_shape(self) -> tuple[int, int]:  # type: ignore[override]
        if self.boundary == "periodic":
            return self.image_shape
        rows, columns = (n - k + 1 for n, k in zip(self.image_shape, self.point_spread.shape, strict=True))
        return rows, columns

    @property
    def closed_form(self) -> bool:  # type: ignore[override]
        return self.boundary == "periodic"

    @cached_property
    def point_spread(self) -> np.ndarray:
        """The kernel, ``[rows, columns]``, float64."""
        if self.kernel_values is not None:
            values = self.kernel_values.values.astype(float)
            return values / values.sum() if self.normalise else values
        if self.kernel == "motion":
            return point_spread.motion(self.width, self.angle)
        if self.kernel == "shake":
            return point_spread.shake(self.width, self.seed)
        return {"gaussian": point_spread.gaussian, "box": point_spread.box, "disk": point_spread.disk}[self.kernel](
            self.width
        )

    # ---- tables ---------------------------------------------------------------------------------------------

    @cached_property
    def _transfer(self) -> np.ndarray:
        return transfer(self.point_spread, self.image_shape)

    def _symbols(self, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Eigenvalues H of the periodic convolution, and ``|H|²``; ``dtype`` is real."""
        symbol = self._table("symbol", device, dtype, lambda: self._transfer)
        return symbol, self._table("power", device, dtype, lambda: np.abs(self._transfer) ** 2)

    @property
    def _window(self) -> tuple[slice, slice]:
        """The measured pixels in the image's coordinates."""
        if self.boundary == "periodic":
            return slice(None), slice(None)
        first = [k - 1 - k // 2 for k in self.point_spread.shape]
        rows, columns = (slice(start, start + size) for start, size in zip(first, self.range_shape, strict=True))
        return rows, columns

    # ---- the operator ---------------------------------------------------------------------------------------

    def _apply(self, x: Tensor) -> Tensor:
        y = filtered(x, self._symbols(x.device, x.dtype.to_real())[0])
        return y if self.closed_form else y[..., *self._window].contiguous()

    def _adjoint(self, y: Tensor) -> Tensor:
        symbol = self._symbols(y.device, y.dtype.to_real())[0].conj()
        if self.closed_form:
            return filtered(y, symbol)
        x = y.new_zeros(*y.shape[:-2], *self.image_shape)
        x[..., *self._window] = y
        return filtered(x, symbol)

    def _normal(self, x: Tensor) -> Tensor:
        if self.closed_form:
            return filtered(x, self._symbols(x.device, x.dtype.to_real())[1])
        return self._adjoint(self._apply(x))

    def solve_shifted(self, b: Tensor, alpha: float | Tensor) -> Tensor:
        """``F⁻¹(F(b) / (|H|² + alpha))``, with the periodic boundary."""
        if not self.closed_form:
            return super().solve_shifted(b, alpha)
        return filtered(b, 1.0 / (self._symbols(b.device, b.dtype.to_real())[1] + alpha))

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """``|H|²`` times the measured share of the pixels: the best circulant approximation (T. Chan 1988)."""
        share = math.prod(self.range_shape) / math.prod(self.image_shape)
        return self._table("circulant", device, dtype, lambda: self._symbols(device, dtype)[1] * share)

    def memory_bytes(self) -> int:
        return 14 * math.prod(self.image_shape) + 8 * self.point_spread.size

    # ---- what a person sees -----------------------------------------------------------------------------------

    def pinv(self, y: Tensor) -> Tensor:
        """Wiener's filter ``F⁻¹(H* F(y) / (|H|² + max |H|² · noise / signal))`` with one noise / signal.

        Both are variances, estimated from the data: the signal's within squares of 32 pixels, as it is details that a
        filter has to restore. With the valid boundary, the data are first continued so that right and left, bottom
        and top meet. A kernel that sums to zero leaves nothing of the mean, which then comes back as zero.
        """
        from napari_mlpatch.core.autograd import itemwise  # needs PyTorch at once

        self._check(y, "adjoint")
        return itemwise(self._wiener, y)

    def _wiener(self, y: Tensor) -> Tensor:
        symbol, power = self._symbols(y.device, y.dtype.to_real())
        ratio = [[self._noise_to_signal(image[None, None]) for image in channels] for channels in y.detach()]
        mean = y.mean((-2, -1), keepdim=True)
        wiener = symbol.conj() / (power + power.max() * power.new_tensor(ratio)[..., None, None])
        details = filtered(self._continued(y - mean), wiener)
        total, size = float(self.point_spread.sum()), float(np.abs(self.point_spread).sum())
        return details + mean / total if abs(total) > SMALLEST_SUM * size else details

    def estimate_std(self, y: Tensor) -> float:
        """See ``noise_level.from_image``."""
        return noise_level.from_image(y)

    def noise_remark(self, y: Tensor) -> str:
        return noise_doubt.remark_on_image(y)

    def _noise_to_signal(self, y: Tensor) -> float:
        noise = self.estimate_std(y) ** 2
        everything = _local_variance(y.real) + (_local_variance(y.imag) if y.is_complex() else 0.0)
        return max(noise / max(everything - noise, noise), LEAST_NOISE) if noise else LEAST_NOISE

    def _continued(self, y: Tensor) -> Tensor:
        """Data of the valid boundary on the image's grid, linear from their last row and column to the first."""
        for axis, size, window in zip((-2, -1), self.image_shape, self._window, strict=True):
            missing = size - y.shape[axis]
            if missing:
                shape = (-1, 1) if axis == -2 else (-1,)
                steps = torch.arange(1, missing + 1, device=y.device, dtype=y.dtype.to_real())
                t = (steps / (missing + 1)).reshape(shape)
                last, first = y.narrow(axis, -1, 1), y.narrow(axis, 0, 1)
                y = torch.cat([y, last + t * (first - last)], axis).roll(window.start, axis)
        return y


def _local_variance(y: Tensor) -> float:
    """Mean variance within the squares of a picture."""
    size = [min(n, NEIGHBOURHOOD) for n in y.shape[-2:]]
    y = (y - y.mean()).double()
    return float((F.avg_pool2d(y.square(), size) - F.avg_pool2d(y, size).square()).mean())


def _check_kernel(values: np.ndarray, normalise: bool) -> None:
    """Raises ValueError for what is no kernel."""
    if values.ndim != 2:
        raise ValueError(f"kernel_values must have rows and columns, got the shape {values.shape}")
    if np.iscomplexobj(values):
        raise ValueError("kernel_values must be real, got complex values")
    if not values.any():
        raise ValueError("kernel_values are all zero")
    total, size = float(values.sum()), float(np.abs(values).sum())
    if normalise and total <= SMALLEST_SUM * size:
        raise ValueError(f"kernel_values sum to {total:g} and cannot be scaled to one: set normalise to false")
