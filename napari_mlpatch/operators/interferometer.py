"""Radio interferometry: visibilities of a small field, at the baselines of an array."""

from __future__ import annotations

import dataclasses
import math
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.array import Array
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.operator import Half
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import Tensor

from .fourier_samples import FourierSamples, samples_picture
from .image_shape import ImageShape
from .nufft import Nufft2d
from .toeplitz import toeplitz_apply, toeplitz_symbol
from .trajectories import antenna_layout, check_frequencies, gaussian, uv_tracks, within_grid

SIGMA = math.pi / 3.0
MOST_SAMPLES = 20_000_000


@operators.register("radio", title="Radio interferometry")
@dataclass(frozen=True, config=CONFIG)
class Interferometer(FourierSamples):
    """Visibilities of a real sky, samples of its Fourier transform in the uv plane.

    ``y(k) = (R C)^-½ sum_r x(r) exp(-i k · (r - n // 2))`` for an image of R x C pixels, ``k = 2 pi (v, u)`` in radians
    per pixel (baselines in wavelengths times the pixel's side in radians). Each pair of antennas counts once: the
    other half of the plane holds the conjugates. "gaussian": k normally distributed with standard deviation pi / 3.
    "array": the tracks that Earth's rotation draws for an array's pairs around transit, scaled so that the longest
    baseline reaches ``extent`` of the grid. The field of view is small (w = 0) and the beam is flat.

    By a NUFFT (see ``nufft.py``); AᵀA is a convolution and costs one FFT pair, whatever the number of visibilities,
    and equals Aᵀ(A x) to better than 1e-6 (1e-10 in double precision).
    ``pinv`` is the dirty image with uniform weights, by density compensation: in the units of the image's pixels, or,
    with ``brightness = "beam"``, divided by the peak of the dirty beam (Jy/beam, for fluxes in Jy), in which the
    peak of a lone point source is its flux.

    Equation:
        y(k) = (R C)^-½ Σ_r x(r) exp(-i k · (r - n // 2)),   k = 2π (v, u)

    When to use it:
        Arrays of radio telescopes with small fields of view: the baselines between antennas sample the Fourier
        transform of the sky. The quick picture is the dirty image; regularised and plug-and-play methods take CLEAN's
        place.

    References:
        - A. R. Thompson, J. M. Moran & G. W. Swenson, Interferometry and Synthesis in Radio Astronomy, 3rd edition,
          Springer 2017, doi:10.1007/978-3-319-44431-4.
        - Y. Wiaux, L. Jacques, G. Puy, A. M. M. Scaife & P. Vandergheynst, Compressed sensing imaging techniques for
          radio interferometry, Mon. Not. R. Astron. Soc. 395 (2009) 1733-1742, doi:10.1111/j.1365-2966.2009.14665.x.
    """

    image_shape: ImageShape
    coverage: Annotated[
        Literal["gaussian", "array", "custom"],
        Field(description="random, the tracks of an array of antennas, or coverage_values"),
    ] = "array"
    samples: Annotated[
        int | None,
        Field(
            ge=1,
            le=MOST_SAMPLES,
            description="number of random visibilities",
            json_schema_extra={"none_means": "half as many as pixels"},
        ),
    ] = None
    antennas: Annotated[int, Field(ge=2, le=512, description="number of antennas")] = 27
    layout: Annotated[Literal["y", "spiral"], Field(description="arms of the array: straight, or spirals")] = "y"
    hours: Annotated[
        float, Field(gt=0, le=24, description="length of the observation", json_schema_extra={"unit": "h"})
    ] = 8.0
    snapshots: Annotated[int, Field(ge=1, le=100_000, description="integrations over the observation")] = 96
    declination_deg: Annotated[
        float, Field(ge=-90, le=90, description="declination of the source", json_schema_extra={"unit": "°"})
    ] = 45.0
    latitude_deg: Annotated[
        float, Field(ge=-90, le=90, description="latitude of the array", json_schema_extra={"unit": "°"})
    ] = 34.08
    extent: Annotated[
        float, Field(gt=0, le=1, description="the longest baseline, as a share of what the pixels can hold")
    ] = 0.9
    seed: Annotated[int, Field(ge=0, description="which random visibilities, or places of the antennas")] = 0
    brightness: Annotated[
        Literal["pixel", "beam"],
        Field(
            description="unit of the quick picture: flux for each pixel, or for each beam (point sources peak at it)"
        ),
    ] = "pixel"
    coverage_values: Annotated[
        Array | None,
        Field(
            description="radians per pixel along rows and columns, samples x 2",
            json_schema_extra={"none_means": "none"},
        ),
    ] = None

    complex_image, complex_data = False, True
    mirrored = True

    @model_validator(mode="after")
    def _fits(self) -> Interferometer:
        if (self.coverage == "custom") != (self.coverage_values is not None):
            raise ValueError("coverage_values and coverage = 'custom' go together: give both, or neither")
        if self.coverage_values is not None:
            shape = check_frequencies(self.coverage_values.values, "coverage_values").shape
            if len(shape) != 2:
                raise ValueError(f"coverage_values have shape {list(shape)}: give [samples, 2]")
        if self.range_shape[0] > MOST_SAMPLES:
            raise ValueError(f"{self.range_shape[0]} visibilities are too many; at most {MOST_SAMPLES}")
        return self

    @property
    def range_shape(self) -> tuple[int]:  # type: ignore[override]
        if self.coverage_values is not None:
            return (self.coverage_values.shape[0],)
        if self.coverage == "gaussian":
            return (self.samples or math.ceil(math.prod(self.image_shape) / 2),)
        return (self.antennas * (self.antennas - 1) // 2 * self.snapshots,)

    @cached_property
    def omega(self) -> np.ndarray:  # type: ignore[override]
        if self.coverage_values is not None:
            return check_frequencies(self.coverage_values.values, "coverage_values")
        if self.coverage == "gaussian":
            return gaussian(self.range_shape[0], SIGMA, self.seed)
        tracks = uv_tracks(
            antenna_layout(self.antennas, self.layout, self.seed),
            hours=self.hours,
            snapshots=self.snapshots,
            declination_deg=self.declination_deg,
            latitude_deg=self.latitude_deg,
        )
        return within_grid(tracks, self.extent)

    # ---- the operator ---------------------------------------------------------------------------------------

    def _plan(self, like: Tensor) -> Nufft2d:
        def make() -> Nufft2d:
            return Nufft2d(self.image_shape, self.omega, device=like.device, dtype=like.dtype)

        return self._table("plan", like.device, like.dtype, make)

    def _apply(self, x: Tensor) -> Tensor:
        # The plan's own origin is n // 2; its phase, left out here, would move it to (n - 1) / 2.
        y = self._plan(x)(x.flatten(0, 1)) * self._scale
        return y.reshape(*x.shape[:2], *self.range_shape)

    def _adjoint(self, y: Tensor) -> Tensor:
        x = self._plan(y.real).transpose(y.flatten(0, 1)) * self._scale
        return x.reshape(*y.shape[:2], *self.image_shape)

    def _normal(self, x: Tensor) -> Tensor:
        symbol = self._table("symbol", x.device, x.dtype, lambda: toeplitz_symbol(self._kernel(x.dtype).real))
        return toeplitz_apply(x, symbol)

    def halves(self) -> tuple[Half, Half] | None:
        """Every other visibility, and the rest; None where there is one."""
        if self.range_shape[0] < 2:
            return None
        return self._every_other(0), self._every_other(1)

    def _every_other(self, first: int) -> Half:
        part = dataclasses.replace(self, coverage="custom", coverage_values=Array(self.omega[first::2]))
        return part, lambda y: y[..., first::2]

    def pinv(self, y: Tensor) -> Tensor:
        """The dirty image with uniform weights, ``Aᵀ(w y)``, in the image's units where the plane is covered.

        With ``brightness = "beam"`` over the peak of the dirty beam: a point source of flux 1 has the peak 1.
        """
        self._check(y, "adjoint")
        image = self.T(y * self._table("density", y.device, y.dtype, lambda: self.density))
        return image if self.brightness == "pixel" else image / self.beam_peak

    @cached_property
    def beam_peak(self) -> float:
        """The dirty beam's peak, what a pixel of 1 becomes at its own place: ``sum w / (R C)``, 1 for full coverage."""
        return float(self.density.sum()) * self._scale**2

    @cached_property
    def column_norm(self) -> float:
        """Root mean square of the norms of A's columns: visibilities over pixels."""
        return math.sqrt(len(self.omega)) * self._scale

    # ---- what a person sees ---------------------------------------------------------------------------------

    def data_picture(self, y: Tensor) -> Tensor:
        """Where the visibilities and their conjugates lie in the uv plane, and how large they are."""
        return samples_picture(y.abs(), self.omega, self.image_shape, mirrored=True)
