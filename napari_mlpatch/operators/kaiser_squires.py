"""Weak gravitational lensing: from the convergence of a mass map to the shear of the galaxies behind it."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.array import Array
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.noise_doubt import remark_on_image
from napari_mlpatch.core.noise_level import UNCERTAIN, from_image
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import Tensor, torch

from .image_shape import ImageShape
from .push_pull import noise_among_kept

FIELD_ARCMIN = 300.0
MUCH_MORE = 1.25  # of the level in the B mode, above which that of the shear has detail in it
DETAIL = 0.75  # of the root mean square of the shear in a mask, below which differences of neighbours say less


@operators.register("kaiser-squires", title="Weak lensing (Kaiser-Squires)")
@dataclass(frozen=True, config=CONFIG)
class KaiserSquires(Operator):
    """Shear ``gamma1 + i gamma2 = m F⁻¹(D F(E + i B))`` of a convergence map, with ``D = (kx + i ky)² / |k|²``.

    The image is complex: its real part is the convergence (E mode), its imaginary part the curl (B mode), which
    lensing does not make, so that it shows noise and errors. x runs along the columns, y along the rows; ``signs`` is
    for catalogues that count components the other way round. With ``+-`` and ``-+``, D is ``±conj(D)`` and the image is
    ``E - i B``. ``|D| = 1`` but for ``D(0) = 0``: the mean of
    the convergence leaves no trace in the data (mass-sheet degeneracy) and comes back as zero. On the Nyquist lines of
    even sizes the waves that alias have shears of opposite gamma2: D is their mean, scaled to modulus one, which is 1
    where x oscillates, -1 where y does, and i in the corner. The field is periodic.

    Equation:
        γ₁ + i γ₂ = m F⁻¹( D · F(E + i B) ),      D(k) = (k_x + i k_y)² / |k|²

    When to use it:
        Weak gravitational lensing: maps of projected mass from the shapes of galaxies. The quick picture is the map of
        Kaiser and Squires, to be smoothed; the B mode shows noise and systematic errors. Gaps of the survey and few
        galaxies in a pixel ask for a regularised method.

    References:
        - N. Kaiser & G. Squires, Mapping the dark matter with weak gravitational lensing, Astrophys. J. 404 (1993)
          441-450, doi:10.1086/172297.
        - M. Bartelmann & P. Schneider, Weak gravitational lensing, Phys. Rep. 340 (2001) 291-472,
          doi:10.1016/S0370-1573(00)00082-X.
    """

    image_shape: ImageShape
    pixel_size_arcmin: Annotated[
        float,
        Field(
            gt=0,
            description="side of a pixel; shear does not depend on it, the noise of a simulation does",
            json_schema_extra={"unit": "arcmin"},
        ),
    ] = FIELD_ARCMIN / 128
    mask: Annotated[Literal["none", "custom"], Field(description="where shear was measured: all over, or a mask")] = (
        "none"
    )
    mask_values: Annotated[
        Array | None,
        Field(
            description="mask of the size of the image, zero where there is no shear",
            json_schema_extra={"none_means": "all over"},
        ),
    ] = None
    signs: Annotated[Literal["++", "+-", "-+", "--"], Field(description="signs of gamma1 and gamma2 in the data")] = (
        "++"
    )

    complex_image = complex_data = True
    free_phase = False

    @model_validator(mode="after")
    def _fits(self) -> KaiserSquires:
        if self.image_shape == (1, 1):
            raise ValueError("an image of one pixel has no shear: give more rows or columns")
        if self.mask_values is None:
            if self.mask == "custom":
                raise ValueError("the mask is custom, but there are no mask_values: give an array, or mask none")
            return self
        values = self.mask_values.values
        if self.mask == "none":
            raise ValueError("there are mask_values, but the mask is none: set mask to custom, or leave them out")
        if values.shape != self.image_shape:
            raise ValueError(f"mask_values have shape {list(values.shape)}, the image {list(self.image_shape)}")
        if np.iscomplexobj(values) or values.min() < 0:
            raise ValueError("mask_values must be zero or positive numbers, such as galaxies for each pixel")
        if not values.any():
            raise ValueError("mask_values are all zero: there is no shear at all")
        return self

    @classmethod
    def suggest(cls, image_shape: tuple[int, ...]) -> dict[str, Any]:
        """A field of 5 degrees, all of it measured."""
        return {"image_shape": image_shape, "pixel_size_arcmin": FIELD_ARCMIN / max(image_shape)}

    @property
    def domain_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return self.image_shape

    @property
    def range_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return self.image_shape

    @property
    def closed_form(self) -> bool:  # type: ignore[override]
        return self.mask == "none"

    @cached_property
    def _sampled(self) -> Tensor | None:
        return None if self.mask_values is None else torch.from_numpy(self.mask_values.values > 0)

    @property
    def sampled(self) -> Tensor | None:
        return self._sampled

    def _factors(self, like: Tensor) -> tuple[Tensor, Tensor | None]:
        """D and the mask for a complex tensor's device and precision."""
        there = (like.device, like.dtype)
        D = self._table("D", *there, lambda: transfer(self.image_shape, self.signs))
        sampled = self._sampled
        return D, None if sampled is None else self._table("mask", *there, lambda: sampled.double())

    # ---- the operator ---------------------------------------------------------------------------------------

    def _apply(self, x: Tensor) -> Tensor:
        D, m = self._factors(x)
        y = torch.fft.ifft2(D * torch.fft.fft2(x))
        return y if m is None else m * y

    def _adjoint(self, y: Tensor) -> Tensor:
        D, m = self._factors(y)
        return torch.fft.ifft2(D.conj() * torch.fft.fft2(y if m is None else m * y))

    def _normal(self, x: Tensor) -> Tensor:
        if self._sampled is not None:
            return self._adjoint(self._apply(x))
        return x - x.mean((-2, -1), keepdim=True)  # |D| = 1 but at zero

    def solve_shifted(self, b: Tensor, alpha: float | Tensor) -> Tensor:
        """``(AᵀA + alpha I)⁻¹ b``: the mean is divided by alpha, all else by ``1 + alpha``. Only without a mask."""
        if not self.closed_form:
            return super().solve_shifted(b, alpha)
        mean = b.mean((-2, -1), keepdim=True)
        return (b - mean) / (1.0 + alpha) + mean / alpha

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """The share of pixels with shear, and zero for the mean."""

        def make() -> np.ndarray:
            rows, columns = self.image_shape
            share = 1.0 if self._sampled is None else float(self._sampled.double().mean())
            symbol = np.full((rows, columns // 2 + 1), share)
            symbol[0, 0] = 0.0
            return symbol

        return self._table("circulant", device, dtype, make)

    def pinv(self, y: Tensor) -> Tensor:
        """Kaiser-Squires inversion ``F⁻¹(conj(D) F(y))``, with zero shear where there is none."""
        return self.T(y)

    def memory_bytes(self) -> int:
        return (8 if self._sampled is None else 13) * math.prod(self.image_shape)

    # ---- what a person sees ---------------------------------------------------------------------------------

    def picture(self, x: Tensor) -> Tensor:
        """The E mode: the convergence."""
        return x.real if x.is_complex() else x

    def more_pictures(self, x: Tensor) -> dict[str, Tensor]:
        """The B mode, as with the signs ``++``: where one component alone is counted the other way, x has -B."""
        mirrored = self.signs in ("+-", "-+")
        return {"B mode": -x.imag if mirrored else x.imag} if x.is_complex() else {}

    def data_picture(self, y: Tensor) -> Tensor:
        """The strength of the shear."""
        return y.abs()

    def estimate_std(self, y: Tensor) -> float:
        """Of the noise of the shear, both components together: from ``noise_level``, or its root mean square in a mask.

        In a survey's mask, pixels are small and noise exceeds shear many times. Else detail of the convergence, which
        is real, leaves nothing in the B mode: where the shear says much more than that, it counts.
        """
        return self._noise(y)[0]

    def noise_remark(self, y: Tensor) -> str:
        found = [self._noise(item)[1] for item in y.split(1)]
        return next(filter(None, found), "")

    def noise_level(self, y: Tensor) -> tuple[float, str]:
        return self._noise(y)

    def _noise(self, y: Tensor) -> tuple[float, str]:
        """The level, and that it is uncertain where detail may be in it; not that noise is all that is seen."""
        if self._sampled is not None:
            level = float(y[..., self._sampled.to(y.device)].abs().double().square().mean()) ** 0.5
            is_alike = noise_among_kept(y, self._sampled.to(y.device)) < DETAIL * level
            return level, UNCERTAIN if is_alike else ""
        level, seen = from_image(y), y
        b_mode = self.pinv(y).imag
        without_detail = math.sqrt(2.0) * from_image(b_mode)
        if level > MUCH_MORE * without_detail:
            level, seen = without_detail, b_mode
        said = remark_on_image(seen)
        return level, said if said == UNCERTAIN else ""


def transfer(shape: tuple[int, int], signs: str = "++") -> np.ndarray:
    """D in ``fft2`` layout, complex128: shear of the wave ``exp(i k x)``, of modulus one but for zero at k = 0."""
    ky, kx = (np.fft.fftfreq(n) for n in shape)
    k = kx[None, :] + 1j * ky[:, None]
    k[0, 0] = 1.0
    D = (k / np.abs(k)) ** 2
    rows, columns = shape
    if columns % 2 == 0:
        D[:, columns // 2] = 1.0
    if rows % 2 == 0:
        D[rows // 2, :] = -1.0
    if rows % 2 == 0 and columns % 2 == 0:
        D[rows // 2, columns // 2] = 1j
    D[0, 0] = 0.0
    first, second = (1.0 if sign == "+" else -1.0 for sign in signs)
    return first * (D if first == second else D.conj())
