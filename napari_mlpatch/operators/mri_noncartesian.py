"""Magnetic resonance imaging along spokes and spirals of k-space, with one coil or several."""

from __future__ import annotations

import dataclasses
import math
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.array import Array
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.operator import Half
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import Tensor, torch

from .coil_maps import check_sensitivities, coil_count, maps_of, mean_seen, one_over_seen
from .complex_nufft import ComplexNufft2d, hermitian_apply, hermitian_symbol
from .fourier_samples import FourierSamples, samples_picture
from .image_shape import ImageShape
from .trajectories import check_frequencies, radial, spiral, spiral_length

MOST_SAMPLES = 20_000_000


@operators.register("mri-noncartesian", title="MRI, radial or spiral")
@dataclass(frozen=True, config=CONFIG)
class MRINonCartesian(FourierSamples):
    """Samples of the image's Fourier transform along a trajectory, as the coils see it.

    ``y_c(k) = (R C)^-½ sum_r S_c(r) x(r) exp(-i k · (r - n // 2))`` for an image of R x C pixels, k in radians per
    pixel. At the frequencies of the grid these are the values of ``MRICartesian``. Data are ``[coils, spokes,
    readout]`` ([1, ...] with a single coil). S are the coils' sensitivities: given, or those of ``coils`` simulated
    loops with ``sum |S|² = 1``.

    By a NUFFT (see ``complex_nufft.py``); AᵀA is a convolution and costs one FFT pair for each coil, whatever the
    number of samples, and equals Aᵀ(A x) to better than 1e-6 (1e-10 in double
    precision). ``pinv`` is gridding with density compensation, ``Aᵀ(w y) / sum |S|²``.

    Equation:
        y_c(k) = (R C)^-½ Σ_r S_c(r) x(r) exp(-i k · (r - n // 2))

    When to use it:
        MRI along spokes or spirals: motion, time series, ultrashort echo times. Radial sampling by golden angles may be
        cut at any number of spokes. Coordinates of a scanner's own trajectory are given as ``custom``.

    References:
        - K. P. Pruessmann, M. Weiger, P. Börnert & P. Boesiger, Advances in sensitivity encoding with arbitrary k-space
          trajectories, Magn. Reson. Med. 46 (2001) 638-651, doi:10.1002/mrm.1241.
        - S. Winkelmann, T. Schaeffter, T. Koehler, H. Eggers & O. Doessel, An optimal radial profile order based on the
          golden ratio for time-resolved MRI, IEEE Trans. Med. Imaging 26 (2007) 68-76, doi:10.1109/TMI.2006.885337.
        - J. A. Fessler & B. P. Sutton, Nonuniform fast Fourier transforms using min-max interpolation, IEEE Trans.
          Signal Process. 51 (2003) 560-574, doi:10.1109/TSP.2002.807005.
    """

    image_shape: ImageShape
    trajectory: Annotated[
        Literal["radial", "golden-radial", "spiral", "custom"],
        Field(description="spokes over half a turn, spokes by golden angles, spirals, or trajectory_values"),
    ] = "golden-radial"
    spokes: Annotated[
        int, Field(ge=1, le=100_000, description="number of spokes, or of interleaved spirals; unused by custom")
    ] = 64
    readout: Annotated[
        int | None,
        Field(
            ge=2,
            le=1_000_000,
            description="samples of each spoke or spiral",
            json_schema_extra={"none_means": "two for each step of the grid"},
        ),
    ] = None
    turns: Annotated[
        float | None,
        Field(
            gt=0,
            le=10_000,
            description="turns of each spiral",
            json_schema_extra={"none_means": "so many that nothing is left out"},
        ),
    ] = None
    trajectory_values: Annotated[
        Array | None,
        Field(
            description="radians per pixel along rows and columns, samples x 2 or spokes x readout x 2",
            json_schema_extra={"none_means": "none"},
        ),
    ] = None
    coils: Annotated[
        int, Field(ge=1, le=256, description="number of coils, simulated unless sensitivities are given")
    ] = 1
    sensitivities: Annotated[
        Array | None,
        Field(
            description="complex sensitivities, coils x rows x columns",
            json_schema_extra={"none_means": "simulated"},
        ),
    ] = None

    complex_image = complex_data = True
    modality = "MRI"
    coil_axes, mirrored = 1, False

    @model_validator(mode="after")
    def _fits(self) -> MRINonCartesian:
        check_sensitivities(self.coils, self.sensitivities, self.image_shape)
        if (self.trajectory == "custom") != (self.trajectory_values is not None):
            raise ValueError("trajectory_values and trajectory = 'custom' go together: give both, or neither")
        if self.trajectory_values is not None:
            shape = check_frequencies(self.trajectory_values.values, "trajectory_values").shape
            if len(shape) > 3:
                raise ValueError(f"trajectory_values have shape {list(shape)}: give [spokes, readout, 2]")
        if math.prod(self.range_shape[1:]) > MOST_SAMPLES:
            raise ValueError(f"{math.prod(self.range_shape[1:])} samples are too many; at most {MOST_SAMPLES}")
        return self

    @classmethod
    def suggest(cls, image_shape: tuple[int, ...]) -> dict[str, Any]:
        """Four coils, golden-angle spokes that leave out three in four at the rim of k-space."""
        return {"image_shape": image_shape, "spokes": max(8, round(math.pi / 8 * max(image_shape))), "coils": 4}

    @property
    def range_shape(self) -> tuple[int, int, int]:  # type: ignore[override]
        coils = coil_count(self.coils, self.sensitivities)
        if self.trajectory_values is not None:
            shape = self.trajectory_values.shape
            return (coils, *(shape[:-1] if len(shape) == 3 else (1, shape[0])))  # type: ignore[return-value]
        return (coils, self.spokes, self._readout)

    @property
    def _turns(self) -> float:
        return self.turns or max(self.image_shape) / (2.0 * self.spokes)

    @property
    def _readout(self) -> int:
        if self.readout is not None:
            return self.readout
        steps = float(spiral_length(1.0, self._turns)) / 2.0 if self.trajectory == "spiral" else 1.0
        return max(2, math.ceil(2.0 * steps * max(self.image_shape)))

    @cached_property
    def omega(self) -> np.ndarray:  # type: ignore[override]
        if self.trajectory_values is not None:
            found = check_frequencies(self.trajectory_values.values, "trajectory_values")
        elif self.trajectory == "spiral":
            found = spiral(self.spokes, self._readout, self._turns)
        else:
            found = radial(self.spokes, self._readout, golden=self.trajectory == "golden-radial")
        return found.reshape(-1, 2)

    # ---- tables ---------------------------------------------------------------------------------------------

    @cached_property
    def _maps(self) -> np.ndarray | None:
        return maps_of(self.coils, self.sensitivities, self.image_shape)

    def _coils(self, like: Tensor) -> Tensor:
        return self._table("maps", like.device, like.dtype, lambda: self._maps)

    def _plan(self, like: Tensor) -> ComplexNufft2d:
        def make() -> ComplexNufft2d:
            return ComplexNufft2d(self.image_shape, self.omega, device=like.device, dtype=like.dtype.to_real())

        return self._table("plan", like.device, like.dtype, make)

    def _seen(self, x: Tensor) -> Tensor:
        """What the coils see of images ``[B, C, R, C]``: ``[B * C * coils, R, C]``."""
        return x.flatten(0, 1) if self._maps is None else (x[:, :, None] * self._coils(x)).flatten(0, 2)

    def _combined(self, x: Tensor, batch: torch.Size) -> Tensor:
        """The adjoint of ``_seen``."""
        x = x.reshape(*batch, -1, *self.image_shape)
        return x[:, :, 0] if self._maps is None else (x * self._coils(x).conj()).sum(2)

    # ---- the operator ---------------------------------------------------------------------------------------

    def _apply(self, x: Tensor) -> Tensor:
        y = self._plan(x)(self._seen(x)) * self._scale
        return y.reshape(*x.shape[:2], *self.range_shape)

    def _adjoint(self, y: Tensor) -> Tensor:
        x = self._plan(y).adjoint(y.flatten(3).flatten(0, 2)) * self._scale
        return self._combined(x, y.shape[:2])

    def _normal(self, x: Tensor) -> Tensor:
        symbol = self._table("symbol", x.device, x.dtype, lambda: hermitian_symbol(self._kernel(x.dtype)))
        return self._combined(hermitian_apply(self._seen(x), symbol), x.shape[:2])

    def halves(self) -> tuple[Half, Half] | None:
        """Every other spoke (interleave), and the rest; None where there is one."""
        if self.range_shape[1] < 2:
            return None
        return self._every_other(0), self._every_other(1)

    def _every_other(self, first: int) -> Half:
        path = self.omega.reshape(*self.range_shape[1:], 2)[first::2]
        part = dataclasses.replace(self, trajectory="custom", trajectory_values=Array(path))
        return part, lambda y: y[..., first::2, :]

    def pinv(self, y: Tensor) -> Tensor:
        """Gridding with density compensation, the coils combined: ``Aᵀ(w y) / sum |S|²``."""
        self._check(y, "adjoint")
        weights = self._table("density", y.device, y.dtype, lambda: self.density)
        x = self.T(y * weights.view(self.range_shape[1:]))
        return (
            x if self._maps is None else x * self._table("seen", y.device, y.dtype, lambda: one_over_seen(self._maps))
        )

    @cached_property
    def column_norm(self) -> float:
        """Root mean square of the norms of A's columns: samples over pixels, times mean ``sum |S|²``."""
        return math.sqrt(len(self.omega) * self._scale**2 * mean_seen(self._maps))

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        single, seen = super().normal_symbol, mean_seen(self._maps)
        return self._table("circulant of all coils", device, dtype, lambda: single(device, dtype) * seen)

    def memory_bytes(self) -> int:
        return super().memory_bytes() + (24 * self.range_shape[0] + 24) * math.prod(self.image_shape)

    # ---- what a person sees ---------------------------------------------------------------------------------

    def data_picture(self, y: Tensor) -> Tensor:
        """Where the samples lie in k-space, and their root sum of squares over coils; see ``samples_picture``."""
        return samples_picture(torch.linalg.vector_norm(y, dim=2).flatten(2), self.omega, self.image_shape)
