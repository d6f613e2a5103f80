"""Magnetic resonance imaging on a Cartesian grid of k-space, with one coil or several."""

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
from napari_mlpatch.core.made_once import placed
from napari_mlpatch.core.operator import Half, Operator
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import Tensor, torch

from .coil_maps import check_sensitivities, coil_count, maps_of, mean_seen, one_over_seen
from .image_shape import ImageShape
from .kspace_doubt import NEAR, UPPER_BOUND, Residual, is_plain, reaches_noise
from .kspace_masks import line_mask, poisson_disc_mask
from .kspace_noise import outer_level, quadrature_level, quietest_level
from .phase_redundancy import smooth_phase_level
from .redundancy import least, level_of_picture, rounding, unexplained


@operators.register("mri-cartesian", title="MRI, Cartesian")
@dataclass(frozen=True, config=CONFIG)
class MRICartesian(Operator):
    """Samples of the image's Fourier transform on a grid, as the coils see it, ``y_c = m F (S_c x)``.

    F is the orthonormal transform with its origins in the middle: zero frequency is at row and column ``n // 2``
    of k-space, and so is the image's point of phase zero. Data are ``[coils, rows, columns]`` ([1, ...] with a single
    coil), zero where the mask m is. S are the coils' sensitivities: given, or those of ``coils`` simulated loops
    with ``sum |S|² = 1``; a single coil sees everything alike.

    ``pinv`` is zero filling: the coils' images combined, ``Aᵀy / sum |S|²``.

    Equation:
        y_c = m F (S_c x),   c = 1 ... coils

    When to use it:
        MRI on a Cartesian grid, fully sampled or accelerated, with one coil or several (SENSE). With several coils
        least squares undoes moderate undersampling; beyond that, and with one coil, take a regularised or a learned
        method. Random masks suit those better than regular ones.

    References:
        - K. P. Pruessmann, M. Weiger, M. B. Scheidegger & P. Boesiger, SENSE: sensitivity encoding for fast MRI, Magn.
          Reson. Med. 42 (1999) 952-962.
        - M. Lustig, D. Donoho & J. M. Pauly, Sparse MRI: the application of compressed sensing for rapid MR imaging,
          Magn. Reson. Med. 58 (2007) 1182-1195, doi:10.1002/mrm.21391.
    """

    image_shape: ImageShape
    mask: Annotated[
        Literal["variable-density", "equispaced", "poisson-disc", "custom"],
        Field(description="what is measured: lines at random or at equal steps, single samples, or mask_values"),
    ] = "variable-density"
    acceleration: Annotated[
        float, Field(ge=1, le=1000, description="one in so many samples is measured; unused by custom masks")
    ] = 4.0
    center_fraction: Annotated[
        float, Field(gt=0, le=1, description="share of the lines, in the middle, that are all measured")
    ] = 0.08
    direction: Annotated[
        Literal["columns", "rows"], Field(description="which lines are measured or left out as a whole")
    ] = "columns"
    seed: Annotated[int, Field(ge=0, description="which of the random masks")] = 0
    mask_values: Annotated[
        Array | None,
        Field(
            description="mask of k-space, rows x columns, not zero where it is measured",
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

    @model_validator(mode="after")
    def _fits(self) -> MRICartesian:
        check_sensitivities(self.coils, self.sensitivities, self.image_shape)
        if (self.mask == "custom") != (self.mask_values is not None):
            raise ValueError("mask_values and mask = 'custom' go together: give both, or neither")
        if not self._mask.any():
            raise ValueError("the mask is zero everywhere: nothing is measured")
        return self

    @classmethod
    def suggest(cls, image_shape: tuple[int, ...]) -> dict[str, Any]:
        """Four coils, a quarter of the columns."""
        return {"image_shape": image_shape, "coils": 4}

    @property
    def domain_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return self.image_shape

    @property
    def range_shape(self) -> tuple[int, int, int]:  # type: ignore[override]
        return (coil_count(self.coils, self.sensitivities), *self.image_shape)

    @property
    def sampled(self) -> Tensor:
        """The mask, ``[rows, columns]``."""
        return torch.from_numpy(self._mask)

    @property
    def closed_form(self) -> bool:  # type: ignore[override]
        """With a single coil that sees everything alike, AᵀA is diagonal in k-space."""
        return self._maps is None

    # ---- tables ---------------------------------------------------------------------------------------------

    @cached_property
    def _mask(self) -> np.ndarray:
        if self.mask_values is not None:
            mask = self.mask_values.values != 0
            if mask.shape != self.image_shape:
                raise ValueError(f"the mask has shape {list(mask.shape)}, the image {list(self.image_shape)}")
            return mask
        about = {"acceleration": self.acceleration, "center_fraction": self.center_fraction, "seed": self.seed}
        if self.mask == "poisson-disc":
            return poisson_disc_mask(self.image_shape, **about).copy()
        assert self.mask != "custom"
        return line_mask(self.image_shape, self.mask, direction=self.direction, **about)

    @cached_property
    def _maps(self) -> np.ndarray | None:
        return maps_of(self.coils, self.sensitivities, self.image_shape)

    def _factors(self, like: Tensor) -> dict[str, Tensor]:
        """What the operator multiplies by, for a tensor's device and precision; see ``tables``."""

        def make() -> dict[str, Tensor]:
            arrays = tables(self._mask, self._maps)
            return {name: placed(a, like.device, like.dtype.to_real()) for name, a in arrays.items()}

        return self._table("factors", like.device, like.dtype, make)

    @cached_property
    def _mixed_axes(self) -> tuple[int, ...]:
        """The axes that AᵀA mixes: along lines that are measured or left out as a whole there is nothing to do."""
        axes = [a - 2 for a in (0, 1) if (self._mask != self._mask.take([0], axis=a)).any()]
        return tuple(axes)

    # ---- the operator ---------------------------------------------------------------------------------------

    def _apply(self, x: Tensor) -> Tensor:
        table = self._factors(x)
        return torch.fft.fft2(x[:, :, None] * table["modulated"], norm="ortho") * table["demodulated"]

    def _adjoint(self, y: Tensor) -> Tensor:
        table = self._factors(y)
        x = torch.fft.ifft2(y * table["demodulated"].conj(), norm="ortho")
        return (x * table["modulated"].conj()).sum(2)

    def _normal(self, x: Tensor) -> Tensor:
        x = x.to(x.dtype.to_complex())
        table = self._factors(x)
        if self._maps is None:
            return self._filtered(x, table["mask"])
        # In place, and by complex numbers: real ones times complex ones take a copy, a lazy conjugate another.
        seen = self._filtered(x[:, :, None] * table["maps"], table["passed"])
        return seen.mul_(table["conjugate"]).sum(2)

    def _filtered(self, x: Tensor, factor: Tensor) -> Tensor:
        axes = self._mixed_axes
        if not axes:
            return x * factor
        return torch.fft.ifftn(torch.fft.fftn(x, dim=axes).mul_(factor), dim=axes)

    def solve_shifted(self, b: Tensor, alpha: float | Tensor) -> Tensor:
        """``(AᵀA + alpha I)⁻¹ b``: a division in k-space. Only with a single coil that sees everything alike."""
        if not self.closed_form:
            return super().solve_shifted(b, alpha)
        b = b.to(b.dtype.to_complex())
        return self._filtered(b, (self._factors(b)["mask"] + alpha).reciprocal_())

    def halves(self) -> tuple[Half, Half] | None:
        """Every other coil, and the rest: with half of the lines of one coil, two pictures have no frequency in common.

        Both halves leave out the same samples. None with a single coil.
        """
        if self._maps is None or len(self._maps) < 2:
            return None
        return self._every_other(self._maps, 0), self._every_other(self._maps, 1)

    def _every_other(self, maps: np.ndarray, first: int) -> Half:
        part = dataclasses.replace(self, coils=1, sensitivities=Array(maps[first::2]))
        return part, lambda y: y[:, :, first::2]

    def pinv(self, y: Tensor) -> Tensor:
        """Zero filling: ``Aᵀy / sum |S|²``, zero where no coil sees anything."""
        x = self.T(y)
        if self._maps is None:
            return x
        return x * self._factors(y)["seen"]

    @cached_property
    def column_norm(self) -> float:
        """Root mean square of the norms of A's columns: the share of k-space that is measured, times mean |S|²."""
        return math.sqrt(float(self._mask.mean() * mean_seen(self._maps)))

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """Eigenvalues of the nearest circulant matrix to AᵀA, the same for k and -k: the mask, blurred by the maps."""
        return self._table("circulant", device, dtype, self._circulant)

    def _circulant(self) -> np.ndarray:
        mask = np.fft.ifftshift(self._mask).astype(float)
        if self._maps is not None:
            spread = (np.abs(np.fft.fft2(self._maps, norm="forward")) ** 2).sum(0)
            mask = np.fft.ifft2(np.fft.fft2(mask) * np.fft.fft2(spread).conj()).real.clip(min=0)
        mirrored = np.roll(mask[::-1, ::-1], 1, axis=(0, 1))
        return 0.5 * (mask + mirrored)[:, : self.image_shape[1] // 2 + 1]

    def memory_bytes(self) -> int:
        if self.coils == 1 and self.sensitivities is None:
            return 29 * math.prod(self.image_shape)
        return 40 * math.prod(self.range_shape) + 25 * math.prod(self.image_shape)

    # ---- what a person sees ---------------------------------------------------------------------------------

    def data_picture(self, y: Tensor) -> Tensor:
        """``log(1 + |k| / s)`` of k-space, |k| the root sum of squares over coils, s a thousandth of its maximum."""
        k = torch.linalg.vector_norm(y, dim=2)
        largest = k.amax((-2, -1), keepdim=True)
        return torch.log1p(k * (1e3 / torch.where(largest > 0, largest, 1.0)))

    def estimate_std(self, y: Tensor) -> float:
        """The least of what the outer samples, the quietest part of the picture and the coils' redundancy say.

        A single coil's is that of a real image times a constant phase, which has opposite samples conjugate; where all
        of its k-space is measured, that of a smooth phase counts as well (``quadrature_level``), and of parts of it
        where these tell it (``smooth_phase_level``). Where all of y is explained, y was computed from an image: what
        noise that holds is explained as well, and the other two tell it, and with several coils the quick picture
        (``level_of_picture``). Lines or points of such k-space without any noise are not told from noisy ones.
        """
        return self._noise(y)[0]

    def noise_remark(self, y: Tensor) -> str:
        doubtful = self._maps is None and not all(self._noise(item)[1] for item in y.split(1))
        return UPPER_BOUND if doubtful else ""

    def noise_level(self, y: Tensor) -> tuple[float, str] | None:
        """Of one coil. Nothing is ever said of several, and so only their level is worth any work."""
        if self._maps is not None:
            return None
        level, known = self._noise(y)
        return level, "" if known else UPPER_BOUND

    def _noise(self, y: Tensor) -> tuple[float, bool]:
        """The level, and whether that of one coil can be relied on: it is of what is seen to be white."""
        floor, left = rounding(y), Residual(y, self._mask)
        found = unexplained(self, y, real=self._maps is None, seen=left)[0]
        quiet = quietest_level(y, self._mask, real=self._maps is None and found <= floor)
        if quiet <= floor:
            return min(quiet, found), True
        if self._maps is not None:
            seen = level_of_picture(self, y) if found <= floor else math.inf
            return least([outer_level(y, self._mask), quiet, found, seen], floor), True
        smooth = quadrature_level(y, self._mask) if found > floor else math.inf
        level = least([outer_level(y, self._mask), quiet, found, smooth], floor)
        white = floor < found <= NEAR * level and left.is_noise
        known = white or (smooth <= NEAR * level and is_plain(y, self._mask))
        if known or reaches_noise(y, self._mask):
            return level, True
        in_phase = smooth_phase_level(self, y, self._mask)
        return min(level, in_phase), in_phase <= NEAR * level


def _of_lines(mask: np.ndarray) -> np.ndarray:
    """One line of a mask of lines, which is all of it and less work; else the mask."""
    for axis in (0, 1):
        line = mask.take([0], axis=axis)
        if (mask == line).all():
            mask = line
    return mask


def tables(mask: np.ndarray, maps: np.ndarray | None) -> dict[str, np.ndarray]:
    """What the operator multiplies by.

    Origins in the middle are factors before and after the plain transform: ``exp(2 pi i h r / n)`` at pixel r and
    ``exp(2 pi i h (k - h) / n)`` at sample k, with h = n // 2. AᵀA needs neither, only a shifted mask.
    """
    before, after = np.ones((1, 1), complex), np.ones((1, 1), complex)
    for n, shape in zip(mask.shape, ((-1, 1), (1, -1)), strict=True):
        h, index = n // 2, np.arange(n)
        before = before * np.exp(2j * math.pi * (h * index % n) / n).reshape(shape)
        after = after * np.exp(2j * math.pi * (h * (index - h) % n) / n).reshape(shape)
    given = np.ones((1, *mask.shape), complex) if maps is None else maps
    passed = np.fft.ifftshift(mask)
    several = {} if maps is None else {"conjugate": given.conj(), "passed": passed.astype(complex)}
    return several | {
        "maps": given,
        "modulated": given * before,
        "demodulated": np.where(mask, after, 0),
        "mask": _of_lines(passed.astype(float)),
        "seen": one_over_seen(maps),
    }
