"""Phase retrieval from one distance: edges that free propagation enhances become contrast."""

from __future__ import annotations

import functools
import math
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import care_steps

from .step import Geometry, Step

KEV_METRE = 1.2398419843320026e-9
"""Photon energy times wavelength, h c, in keV m."""
REACH = 10.0
"""Lengths of the filter after which its response, e^-10 of what it was, is cut off."""
MOST_HALO = 2000


@care_steps.register("paganin", title="Phase retrieval (Paganin)")
@dataclass(frozen=True, config=CONFIG)
class Paganin(Step):
    """The attenuation of an object of one material, without the fringes that its phase makes some way behind it.

    The low-pass filter undoes the edge enhancement of free propagation (homogeneous object, monochromatic plane wave,
    near field) and suppresses noise. The result is again line integrals of the attenuation, the material's coefficient
    times its thickness. The filter is a convolution of the projections; its response is cut off after ten of its
    lengths L, so many rows are read around each slice.

    Equation:
        I = exp(-y)
        y ← -ln F⁻¹[ F[I] / (1 + L² |k|²) ],   L² = λ z (δ/β) / (4π),   k in rad per length

    When to use it:
        Propagation-based phase contrast at a synchrotron: bright and dark fringes at edges, weak absorption. A larger
        δ/β is smoother. Only for true line integrals, after flat field and logarithm.

    References:
        - D. Paganin, S. C. Mayo, T. E. Gureyev, P. R. Miller & S. W. Wilkins, Simultaneous phase and amplitude
          extraction from a single defocused image of a homogeneous object, Journal of Microscopy 206, 33 (2002).
          doi:10.1046/j.1365-2818.2002.01010.x
    """

    domain: ClassVar[Literal["sinograms", "projections"]] = "projections"

    energy: Annotated[float, Field(gt=0, le=1000, description="photon energy", json_schema_extra={"unit": "keV"})]
    distance: Annotated[
        float, Field(gt=0, le=1000, description="from the object to the detector", json_schema_extra={"unit": "m"})
    ]
    pixel: Annotated[
        float,
        Field(
            gt=0,
            le=10000,
            description="width of a bin, and height of a row, at the object",
            json_schema_extra={"unit": "µm"},
        ),
    ]
    delta_beta: Annotated[
        float, Field(gt=0, le=1e7, description="δ/β, refractive decrement over absorption index of the material")
    ] = 1000.0

    @property
    def length(self) -> float:
        """L in pixels."""
        wavelength = KEV_METRE / self.energy
        return math.sqrt(wavelength * self.distance * self.delta_beta / (4 * math.pi)) / (self.pixel * 1e-6)

    @property
    def halo(self) -> int:
        return math.ceil(REACH * self.length) + 1

    def apply(self, block: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, Geometry]:
        from scipy.fft import irfft2, next_fast_len, rfft2

        rows, views, bins = block.shape
        halo = self.halo
        if halo > MOST_HALO:
            raise InputError(
                f"The filter is {self.length:.0f} pixels long and would need {halo} rows around each slice, more than "
                f"{MOST_HALO}. Check energy = {self.energy:g} keV, distance = {self.distance:g} m, pixel = "
                f"{self.pixel:g} µm, delta_beta = {self.delta_beta:g}."
            )
        shape = next_fast_len(rows + 2 * halo, real=True), next_fast_len(bins + 2 * halo, real=True)
        response = _response(self.length, halo, *shape)
        beyond = (halo, halo), (halo, shape[1] - bins - halo)
        out = np.empty_like(block)
        for view in range(views):
            # Beyond the stack and the detector as at their ends; rows beyond a block's are cut off with its halo.
            intensity = np.pad(np.exp(-block[:, view].astype(np.float64)), beyond, mode="edge")
            filtered = np.asarray(irfft2(rfft2(intensity, shape) * response, shape))[
                halo : halo + rows, halo : halo + bins
            ]
            out[:, view] = -np.log(np.maximum(filtered, np.finfo(np.float32).tiny))
        return out, geometry


@functools.lru_cache(maxsize=4)
def _response(length: float, halo: int, rows: int, bins: int) -> np.ndarray:
    """1 / (1 + L² |k|²) on the grid of ``rfft2``, its response across the rows cut off after ``halo`` of them.

    Cut off, it is the same convolution whatever the number of rows; that of constant rows is kept.
    """
    from scipy.fft import irfft, rfft

    across = np.arange(bins // 2 + 1) * (2 * math.pi / bins)
    fine = max(8 * halo, 512)
    along = np.arange(fine // 2 + 1) * (2 * math.pi / fine)
    exact = 1 / (1 + length**2 * (along[:, None] ** 2 + across**2))
    taps = np.asarray(irfft(exact, fine, axis=0))[: halo + 1]
    taps *= exact[0] / (taps[0] + 2 * taps[1:].sum(0))
    kernel = np.zeros((rows, len(across)))
    kernel[: halo + 1] = taps
    kernel[rows - halo :] += taps[1:][::-1]
    half = np.real(np.asarray(rfft(kernel, axis=0)))
    return half[np.minimum(np.arange(rows), rows - np.arange(rows))]
