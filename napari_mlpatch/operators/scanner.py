"""What the scanners of computed tomography have in common: an image, views, and the bins of a detector."""

from __future__ import annotations

import dataclasses
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG, Angles
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.noise_doubt import remark_on_rows
from napari_mlpatch.core.operator import Half, Operator
from napari_mlpatch.core.phrases import phrase
from napari_mlpatch.torch_later import Tensor, torch

from .coverage import remark_on_coverage
from .truncation import Truncation, truncation, words


@dataclass(frozen=True, config=CONFIG)
class Scanner(Operator):
    """Line integrals of a real image, ``[views, bins]``; a subclass says along which rays.

    It adds ``detector_pitch``, ``pixel_size`` and ``center`` (the bin coordinate onto which the rotation axis
    projects, None for the middle), and defines ``fbp``, ``axis_pitch`` and ``_ray_weights``.
    """

    image_shape: Annotated[tuple[int, int], Field(description="rows and columns of the image")]
    angles_deg: Annotated[
        Angles,
        Field(
            description="angles of the views, start:stop:count (stop excluded) or a list",
            json_schema_extra={"unit": "°"},
        ),
    ]
    detector_count: Annotated[int, Field(ge=1, le=100_000, description="bins of the detector")]

    complex_image = complex_data = False
    modality = "CT"
    sees_again: ClassVar[float] = 360.0
    """Degrees after which views see the same rays, from either side."""

    @field_validator("image_shape")
    @classmethod
    def _positive(cls, shape: tuple[int, int]) -> tuple[int, int]:
        if min(shape) < 1 or max(shape) > 32768:
            raise ValueError("rows and columns must be between 1 and 32768")
        return shape

    @field_validator("angles_deg")
    @classmethod
    def _some(cls, angles: tuple[float, ...]) -> tuple[float, ...]:
        if not angles:
            raise ValueError("at least one angle is needed")
        return angles

    def _check_axis(self, center: float | None) -> None:
        if center is not None and not -0.5 <= center <= self.detector_count - 0.5:
            outside = phrase(f"center = {center:g} lies outside", f"“centre” = {center:g} lies outside")
            raise ValueError(
                f"{outside} the detector, whose bins go from 0 to {self.detector_count - 1}: give the bin coordinate "
                "of the rotation axis"
            )

    def _axis_tried(self, center: float | None) -> float:
        """Bin coordinate of the axis that ``fbp`` is to take, its own for None. InputError where it is no such one."""
        if center is None:
            return self.axis_bin
        try:
            axis = float(center)
            self._check_axis(axis)
        except (TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise InputError(f"The centre cannot be used: {error}.") from None
        return axis

    @property
    def domain_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return self.image_shape

    @property
    def range_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return (len(self.angles_deg), self.detector_count)

    @property
    def axis_bin(self) -> float:
        """Bin coordinate of the rotation axis."""
        center: float | None = self.center  # type: ignore[attr-defined]
        return (self.detector_count - 1) / 2.0 if center is None else center

    @property
    def axis_pitch(self) -> float:
        """Width of a bin at the rotation axis."""
        raise NotImplementedError

    def fbp(self, y: Tensor) -> Tensor:
        """Filtered back-projection, ``[B, C, views, bins] -> [B, C, *image_shape]``."""
        raise NotImplementedError

    def _ray_weights(self) -> np.ndarray:
        """By what each ray ``[views, bins]`` counts in filtered back-projection."""
        raise NotImplementedError

    def _turn(self) -> np.ndarray:
        """Radians ``[bins]`` of directions in which the rays at a bin count, each line once."""
        return self._ray_weights().sum(0)

    def halves(self) -> tuple[Half, Half] | None:
        """Every other view, and the rest."""
        if len(self.angles_deg) < 2:
            return None
        return self._every_other(0), self._every_other(1)

    def _every_other(self, first: int) -> Half:
        return dataclasses.replace(self, angles_deg=self.angles_deg[first::2]), lambda y: y[..., first::2, :]

    def pinv(self, y: Tensor) -> Tensor:
        """Filtered back-projection with the ramp filter."""
        from napari_mlpatch.core.autograd import itemwise  # needs PyTorch at once

        return itemwise(self.fbp, y)

    def remarks(self, y: Tensor) -> tuple[str, ...]:
        """That the object is wider than the detector, where rows do not end in air; that rays were not measured."""
        bins_per_pixel: float = self.pixel_size / self.axis_pitch  # type: ignore[attr-defined]
        cut_off = words(self._truncation(y), self.detector_count, bins_per_pixel)
        seen = self._turn(), self.axis_bin, bins_per_pixel, self.angles_deg, self.sees_again
        return cut_off + remark_on_coverage(y, *seen)

    def noise_remark(self, y: Tensor) -> str:
        return remark_on_rows(y)

    def _truncation(self, y: Tensor) -> Truncation | None:
        return truncation(y, torch.as_tensor(self._ray_weights(), device=y.device).to(y.dtype))
