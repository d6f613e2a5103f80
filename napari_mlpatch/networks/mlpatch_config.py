"""The architecture of an MLPatch network, as plain numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import architectures

from .architecture import Architecture
from .fourier_filter import output_channels
from .patch_geometry import Geometry

if TYPE_CHECKING:
    from .mlpatch import MLPatch

Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=16384)], ...], Field(max_length=64)]

WIDE = 320
"""Layers of so many features gain from bfloat16; narrower ones wait for memory."""


@architectures.register("mlpatch", title="MLPatch")
@dataclass(frozen=True, config=CONFIG)
class MLPatchConfig(Architecture):
    """What an MLPatch network is made of. All lengths are in pixels, the same at every resolution.

    Without noise input the defaults are the network of Khorashadizadeh et al. 2025 ("LoFi", about 3 M parameters).
    """

    channels: Annotated[Literal[1, 2, 3], Field(description="channels of the image")] = 1
    out_channels: Annotated[
        Literal[1, 2, 3] | None, Field(description="channels of the output; as many by default")
    ] = None
    geometry: Annotated[Geometry, Field(description="initial positions of the samples")] = "round"
    rings: Annotated[int, Field(ge=1, le=64, description="samples on a ray, N")] = 9
    rays: Annotated[int, Field(ge=1, le=64, description="rays, M")] = 9
    radius: Annotated[float, Field(gt=0, le=64, description="of the outermost sample at first")] = 1.984375
    learned: Annotated[bool, Field(description="learn positions and scale of the samples")] = True
    head: Annotated[
        Literal["multimlp", "mlp"], Field(description="one perceptron for each ray and a mixer, or one for all")
    ] = "multimlp"
    ray_widths: Annotated[Widths, Field(description="hidden layers of a ray's perceptron (multimlp)")] = (370, 370, 370)
    ray_features: Annotated[int, Field(ge=1, le=4096, description="outputs of a ray's perceptron (multimlp)")] = 100
    widths: Annotated[Widths, Field(description="hidden layers of the mixer, or of the only perceptron")] = (
        370,
        370,
        370,
    )
    residual: Annotated[bool, Field(description="predict the noise: output = centre - perceptron")] = False
    subtract_mean: Annotated[
        bool, Field(description="read the patch without its mean and add that to the output (or, residual, do not)")
    ] = False
    noise_input: Annotated[bool, Field(description="the standard deviation of the noise is an input")] = True
    deformations: Annotated[int, Field(ge=0, le=16, description="blocks that move the samples of each pixel")] = 0
    deformation_width: Annotated[int, Field(ge=1, le=4096, description="hidden layer of such a block")] = 128
    max_offset: Annotated[float, Field(gt=0, le=32, description="largest move along an axis by those blocks")] = 2.0
    filter_size: Annotated[
        int | None,
        Field(
            ge=1,
            le=8192,
            description="image size of the learned Fourier filter; none by default",
            json_schema_extra={"none_means": "none"},
        ),
    ] = None
    warp_width: Annotated[int, Field(ge=0, le=4096, description="hidden layers of the coordinate warp; 0: none")] = 0

    start: ClassVar = {
        "geometry": "round",
        "rings": 8,
        "rays": 16,
        "radius": 6.0,
        "head": "mlp",
        "widths": [224, 224, 224],
        "subtract_mean": True,
    }
    start_images = 64

    def build(self) -> MLPatch:
        from .mlpatch import MLPatch  # which needs this file

        return MLPatch(self)

    @property
    def suits_bfloat16(self) -> bool:
        """Where nearly all of its time goes into large matrix products."""
        return max(*self.widths, *(self.ray_widths if self.head == "multimlp" else ()), 0) >= WIDE

    @property
    def reads_pixels(self) -> bool:
        """Whether it is local: trained on random pixels, of which only the neighbourhoods are read, not on crops."""
        return self.filter_size is None and not self.warp_width

    @property
    def outputs(self) -> int:
        return min(self.out_channels or self.channels, self.channels)

    @property
    def read_channels(self) -> int:
        """Channels that the samples are taken from."""
        return self.channels if self.filter_size is None else output_channels(self.channels)

    @property
    def samples(self) -> int:
        return self.rings * self.rays
