"""Two-dimensional fan-beam computed tomography."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG, Length, explain
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.made_once import plainly
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import Tensor, torch

from . import fan_fbp
from .fan_geometry import fan_angle, parallel_rays, redundancy, view_weights
from .filters import Window, check_filter
from .parallel_beam import ParallelBeam
from .rays import FineGrid, RayTransform
from .rays_in_steps import RaysInSteps
from .scanner import Scanner
from .truncation import Padding

RowFilter = Callable[[Tensor], Tensor]
FARTHEST = 1e6
"""Distance of the source, in terms of the image's radius."""
MOST_WIDER = 3
"""How many longer detectors are kept, on which rows that were cut off go on."""


@operators.register("fan-beam", title="CT, fan beam")
@dataclass(frozen=True, config=CONFIG)
class FanBeam(Scanner):
    """Line integrals of an image along rays from a point source that goes round it, averaged over each detector bin.

    ``y[i, j]`` is the line integral at view ``angles_deg[i]`` along the ray to bin j, in units of the image times the
    unit of length. A flat detector is normal to the central ray, with bins at ``u = (j - center) detector_pitch``; a
    curved one lies on a circle about the source, u along the arc. At view 0 the source is below the image, the
    detector above, and u points to the right; angles turn counterclockwise. In the convention of ``ParallelBeam`` the
    ray is the one at ``theta = angle - gamma``, ``s = source_to_axis sin(gamma)``, gamma its angle from the central
    ray. Same as ASTRA's fanflat with these angles in radians.

    Method: interpolation of a finely sampled parallel sinogram, see ``rays.py``. Each ray is as wide as its bin is at
    the rotation axis.

    Equation:
        y(β, u) = ∫ x(source(β) + t · direction(β, u)) dt
                = p(β - γ, source_to_axis · sin γ),      p: the parallel sinogram
        γ = arctan(u / source_to_detector)               on a flat detector

    When to use it:
        Laboratory and medical CT in the plane of the source: a point source and a flat or curved detector go round the
        object. With the source far away it becomes ``parallel-beam``, which is faster. A full turn sees every ray
        twice; less than half a turn plus the fan's angle leaves rays out.

    References:
        - A. C. Kak & M. Slaney, Principles of Computerized Tomographic Imaging, IEEE Press 1988, chapter 3,
          doi:10.1137/1.9780898719277.
        - W. van Aarle et al., Fast and flexible X-ray tomography using the ASTRA toolbox, Opt. Express 24 (2016)
          25129-25147, doi:10.1364/OE.24.025129.
    """

    source_to_axis: Annotated[
        float, Field(gt=0, description="distance from the source to the rotation axis, in units of length")
    ]
    source_to_detector: Annotated[
        float, Field(gt=0, description="distance from the source to the detector, in units of length")
    ]
    detector_pitch: Annotated[Length, Field(gt=0, description="width of a bin, in units of length")] = 1.0
    detector: Annotated[Literal["flat", "curved"], Field(description="straight, or on a circle about the source")] = (
        "flat"
    )
    pixel_size: Annotated[Length, Field(gt=0, description="side of a pixel, in units of length")] = 1.0
    center: Annotated[
        float | None,
        Field(
            description="bin coordinate onto which the rotation axis projects",
            json_schema_extra={"unit": "bins", "none_means": "middle"},
        ),
    ] = None

    @model_validator(mode="after")
    def _possible(self) -> FanBeam:
        self._check_axis(self.center)
        radius = math.hypot(*self.image_shape) / 2.0 * self.pixel_size
        if max(self.source_to_axis, self.source_to_detector) > FARTHEST * radius:
            raise ValueError(
                f"the source is {self.source_to_axis:g} from the axis, {self.source_to_detector:g} from the detector, "
                f"but the image {2 * radius:g} across: such rays are parallel. Use parallel-beam, or check the units"
            )
        if self.source_to_axis <= radius:
            raise ValueError(
                f"source_to_axis = {self.source_to_axis:g} puts the source inside the image, whose corners are "
                f"{radius:g} from the axis: give a larger distance, or fewer or smaller pixels"
            )
        if np.abs(self._gamma(np.array([-0.5, self.detector_count - 0.5]))).max() >= 0.49 * math.pi:
            raise ValueError("the detector sees a quarter of a turn or more: check its pitch and distance")
        return self

    @classmethod
    def suggest(cls, image_shape: tuple[int, ...]) -> dict[str, Any]:
        """360 views over a turn, magnified 1.5 times, and a detector that sees the circle about the image."""
        diagonal = math.hypot(*image_shape)
        radius, distance, pitch = 2.0 * diagonal, 3.0 * diagonal, 1.5
        bins = math.ceil(2.0 * distance * math.tan(math.asin(0.25)) / pitch)
        return {
            "image_shape": image_shape,
            "angles_deg": tuple(np.linspace(0.0, 360.0, 360, endpoint=False).tolist()),
            "detector_count": bins + bins % 2,
            "source_to_axis": radius,
            "source_to_detector": distance,
            "detector_pitch": pitch,
        }

    @property
    def axis_pitch(self) -> float:
        """Width of a bin as the source sees it at the rotation axis."""
        return self.detector_pitch * self.source_to_axis / self.source_to_detector

    @property
    def covers_image(self) -> bool:
        """Whether the detector sees all of the image in every view, but for a tip of a corner pixel."""
        radius = (math.hypot(*self.image_shape) / 2.0 - 0.2) * self.pixel_size
        below, above = self._gamma(np.array([-0.5, self.detector_count - 0.5]))
        return self.source_to_axis * math.sin(min(-below, above)) >= radius

    def _gamma(self, bins: np.ndarray) -> np.ndarray:
        """Fan angles in radians of bin coordinates."""
        u = (bins - self.axis_bin) * self.detector_pitch
        return fan_angle(u, self.source_to_detector, self.detector == "flat")

    # ---- tables ---------------------------------------------------------------------------------------------

    @cached_property
    def _grid(self) -> FineGrid:
        gamma = np.abs(self._gamma(np.array([0, self.detector_count - 1]))).max()
        reach = self.source_to_axis * math.sin(gamma)
        return FineGrid(self.image_shape, self.pixel_size, self.axis_pitch, reach)

    def _rays(self, like: Tensor) -> RayTransform:
        """The transform for a tensor's device and precision."""

        def make() -> RayTransform:
            theta, s = parallel_rays(self.angles_deg, self._gamma(np.arange(self.detector_count)), self.source_to_axis)
            return RayTransform(self._grid, theta.ravel(), s.ravel(), device=like.device, dtype=like.dtype)

        return self._table("rays", like.device, like.dtype, make)

    def _rays_once(self, like: Tensor) -> RaysInSteps:
        """The same, made quickly and not kept."""
        gamma = self._gamma(np.arange(self.detector_count))
        theta, s = parallel_rays(self.angles_deg, gamma, self.source_to_axis)
        with plainly(stays=False):
            return RaysInSteps(self._grid, theta, s[0], device=like.device, dtype=like.dtype)

    # ---- the operator ---------------------------------------------------------------------------------------

    def _apply(self, x: Tensor) -> Tensor:
        return self._projected(x, self._rays(x))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._spread(y, self._rays(y))

    def _projected(self, x: Tensor, rays: RayTransform, row_filter: RowFilter | None = None) -> Tensor:
        return rays(x.flatten(0, 1), row_filter).reshape(*x.shape[:2], *self.range_shape)

    def _spread(self, y: Tensor, rays: RayTransform, row_filter: RowFilter | None = None) -> Tensor:
        x = rays.transpose(y.flatten(0, 1).flatten(1), row_filter)
        return x.reshape(*y.shape[:2], *self.image_shape)

    @cached_property
    def _parallel(self) -> ParallelBeam:
        """As many parallel views with bins as wide as ours at the axis."""
        bins = 2 * math.ceil(self._grid.radius / self.axis_pitch) + 2
        return ParallelBeam(
            image_shape=self.image_shape,
            angles_deg=self.angles_deg,
            detector_count=bins,
            detector_pitch=self.axis_pitch,
            pixel_size=self.pixel_size,
        )

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """That of as many parallel views: rays of a narrow fan are spread as theirs are."""
        return self._parallel.normal_symbol(device, dtype)

    def memory_bytes(self) -> int:
        grid, rays = self._grid, math.prod(self.range_shape)
        below, above = self._gamma(np.array([0, self.detector_count - 1]))
        rows_of_a_view = (above - below) / math.pi * grid.half_turn + 6
        rows = min(grid.half_turn, math.ceil(len(self.angles_deg) * rows_of_a_view))
        wider = sum(A.memory_bytes() for A in list(self._wide.values()))
        return grid.bytes(rays, rows) + 64 * math.prod(self.image_shape) + wider

    # ---- filtered back-projection ---------------------------------------------------------------------------

    def fbp(
        self,
        y: Tensor,
        window: Window = "ramp",
        cutoff: float = 1.0,
        center: float | None = None,
        padding: Padding = "auto",
    ) -> Tensor:
        """Filtered back-projection, ``[B, C, views, bins] -> [B, C, *image_shape]``.

        That of the parallel beam, ``∫∫ h(x · n(theta) - s) P(theta, s) ds dtheta`` with the ramp filter h, summed over
        the rays as they were measured: each counts with the area ``R cos(gamma) dgamma dbeta`` that it stands for in
        (theta, s) and with its share in a ray that was measured twice (``redundancy``). So full turns, short scans
        with Parker's weights and detectors moved to one side are right; what was never measured counts as zero.
        Window and ``cutoff`` are those of ``ParallelBeam.fbp``, relative to bins as seen at the axis, ``padding`` is
        its (rows that go on beyond the detector need larger tables, built once). ``center`` tries another rotation
        axis: the picture is that of a scanner which has it, but for rounding, with tables for this one picture.
        """
        self._check(y, "adjoint")
        check_filter(window, cutoff)
        axis = self._axis_tried(center)
        if axis != self.axis_bin:
            from napari_mlpatch.core.autograd import held

            return fan_fbp.picture(held(self._with_axis(axis), self), y, window, cutoff, padding, once=True)
        return fan_fbp.picture(self, y, window, cutoff, padding)

    def _with_axis(self, axis: float) -> FanBeam:
        """The same scanner about another axis. Raises InputError where there is none."""
        try:
            return dataclasses.replace(self, center=axis)
        except ValidationError as error:
            raise InputError(f"The centre cannot be used: {explain(error)}") from None

    def _per_bin(self, gamma: np.ndarray) -> np.ndarray:
        """``R cos(gamma) dgamma`` of each bin."""
        return self.axis_pitch * np.cos(gamma) ** (3 if self.detector == "flat" else 1)

    def _ray_weights(self) -> np.ndarray:
        return self._areas

    def _turn(self) -> np.ndarray:
        return self._areas.sum(0) / self._per_bin(self._gamma(np.arange(self.detector_count)))

    @cached_property
    def _areas(self) -> np.ndarray:
        """The share ``[views, bins]`` of each ray in the area of all (theta, s) in half a turn."""
        gamma = self._gamma(np.arange(self.detector_count))
        shares = redundancy(self.angles_deg, gamma, self.axis_bin)
        return view_weights(self.angles_deg)[:, None] * self._per_bin(gamma) * shares

    @cached_property
    def _room(self) -> int:
        """By how many bins both ends of the detector can go on before its rays leave the source nearly sideways."""
        further = np.arange(1, self.detector_count + 1)
        gamma = np.maximum(-self._gamma(-further), self._gamma(self.detector_count - 1 + further))
        return int((gamma < 0.4 * math.pi).sum())

    @cached_property
    def _wide(self) -> dict[int, FanBeam]:
        return {}

    def _wider(self, bins: int) -> FanBeam:
        """The same scanner with so many bins more at either end of the detector; a few are kept with their tables."""
        if bins == 0:
            return self
        wider = self._wide.pop(bins, None)
        if wider is None:
            count, axis = self.detector_count + 2 * bins, self.axis_bin + bins
            wider = dataclasses.replace(self, detector_count=count, center=axis)
        self._wide[bins] = wider
        for oldest in list(self._wide)[:-MOST_WIDER]:
            self._wide.pop(oldest, None)
        return wider
