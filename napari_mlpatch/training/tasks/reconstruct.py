"""Learning to make pictures of measurements."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, Field, PlainSerializer, PlainValidator, model_validator
from pydantic.dataclasses import dataclass
from torch import Tensor

from napari_mlpatch.core.declare import CONFIG, build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.metrics import data_range_of, psnr, ssim
from napari_mlpatch.core.noise import Noise
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.core.registry import noises, operators, tasks
from napari_mlpatch.core.simulate import simulate
from napari_mlpatch.core.words import count_of
from napari_mlpatch.networks.quick_picture import quick_picture
from napari_mlpatch.networks.scaling import along, divided, normalised, picture_unit

from ..pictures import turned
from .task import Batch, Task, is_reconstructor, middle, starts_from_picture

SEED = 12345
SMOOTH = 4
"""A random phase is interpolated from so many by so many random values."""


def _operator(value: Any) -> Operator:
    return value if isinstance(value, Operator) else build(operators, _plain(value))


def _noise(value: Any) -> Noise | None:
    return value if value is None or isinstance(value, Noise) else build(noises, _plain(value))


def _plain(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else dict(value) if isinstance(value, Mapping) else value


@tasks.register("reconstruct", title="Reconstruct")
@dataclass(frozen=True, config=CONFIG)
class Reconstruct(Task):
    """Make pictures of measurements ``y = A x + n`` of one operator: ``network(y, A)`` is to be x.

    x is a random crop of an image, as large as A's pictures (an image that is smaller is refused; the source's
    ``shrink`` makes large ones smaller), and each item of a batch has noise of the level that it has alone. Or x and y
    are measured pairs (source ``pairs``).

    A and y are divided by ‖A‖ and each item's y and x by the s of ``networks.scaling.normalised``; the loss is the mean
    of ``|network(y₁, A₁) - x / s|²`` (l2) or of its absolute values (l1). In use it is ``s · network(y₁, A₁)``.
    Without ``normalise``, ``|s| = 1`` and the network learns what values pictures have.

    Figures are the mean PSNR and SSIM of the middle of each image held out, of the pictures that a person sees
    (``A.picture``; complex ones by their magnitude), with noise of fixed seeds.
    """

    operator: Annotated[
        Operator, PlainValidator(_operator), PlainSerializer(describe), Field(description="the operator A")
    ]
    noise: Annotated[
        Noise | None,
        PlainValidator(_noise),
        PlainSerializer(lambda noise: None if noise is None else describe(noise)),
        Field(description="noise of the measurements", json_schema_extra={"none_means": "none"}),
    ] = None
    noise_factor: Annotated[
        tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]],
        Field(description="the noise of each item is multiplied by a random number in this range"),
    ] = (1.0, 1.0)
    loss: Annotated[Literal["l1", "l2"], Field(description="mean of squares (l2) or of absolute values (l1)")] = "l2"
    normalise: Annotated[bool, Field(description="scale each item, so that pictures scale exactly with the data")] = (
        True
    )
    augment: Annotated[bool, Field(description="random flips of the images, and transpositions of square ones")] = True
    phase: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description="standard deviation of a random smooth phase of the images, for complex pictures (MRI)",
            json_schema_extra={"unit": "rad"},
        ),
    ] = 0.0
    data_range: Annotated[
        float | None,
        Field(gt=0, description="of PSNR and SSIM", json_schema_extra={"none_means": "that of each true picture"}),
    ] = None

    role: ClassVar = "reconstructor"

    @model_validator(mode="after")
    def _ranges(self) -> Reconstruct:
        if not self.noise_factor[0] <= self.noise_factor[1]:
            raise ValueError(f"noise_factor is a range, lowest first, got {list(self.noise_factor)}")
        if self.phase and self.operator.complex_image is False:
            raise ValueError(f"the pictures of {type(self.operator).__name__} are real and have no phase: set it to 0")
        return self

    # ---- what fits ------------------------------------------------------------------------------------------------

    def check(self, network: Any, images: Any) -> None:
        if not is_reconstructor(network):
            raise InputError(
                f"The network {network.config.name!r} is a denoiser. Train it with the task 'denoise', or choose one "
                "that makes pictures of measurements."
            )
        network.normalise = self.normalise  # for who uses it without a card
        A = self.operator
        A.check_size()
        divided(A)
        if not hasattr(images, "pair") and len(A.domain_shape) != 2:
            raise InputError(
                f"The pictures of {type(A).__name__} have the shape {list(A.domain_shape)}, the images have rows and "
                "columns. Train on measured pairs."
            )
        measured = hasattr(images, "pair")
        if measured:
            images.check(A)
        _, truth = self._draw(images, 1, torch.Generator(images.device).manual_seed(SEED))
        if self.noise is not None and not measured:
            self.noise.level(self._measured(A(truth)))  # refuses what it is not for
        channels = truth.shape[1] * (2 if truth.is_complex() else 1)
        if network.config.channels != channels:
            parts = ", real and imaginary parts" if truth.is_complex() else ""
            own = count_of(network.config.channels, "channel")
            raise InputError(
                f"The network takes {own}, these pictures have {channels}{parts}. "
                "Change the network's channels or the data's colours."
            )

    # ---- a step ---------------------------------------------------------------------------------------------------

    def batch(self, network: Any, images: Any, count: int, random: torch.Generator) -> Batch:
        """Data ``y₁ [count, C, *A.range_shape]`` and pictures ``x / s [count, C, *A.domain_shape]``.

        For networks that start from it, also the quick picture of ``y₁``.
        """
        y, truth = self._draw(images, count, random)
        y = y / self.operator.norm
        if self.normalise or y.is_complex():
            scale = picture_unit(y, self.unit, self.normalise)
            y, truth = y / along(scale, y), truth / along(scale, truth)
        return (y, truth, quick_picture(y, self.unit)) if starts_from_picture(network) else (y, truth)

    def losses(self, network: Any, batch: Batch) -> Iterator[Tensor]:
        y, truth, *start = batch
        yield self._error(network(y, self.unit, *start) - truth)

    def nothing(self, batch: Batch) -> Tensor:
        return self._error(batch[1])

    def _error(self, difference: Tensor) -> Tensor:
        size = difference.abs()
        return (size if self.loss == "l1" else size.square()).mean()

    @cached_property
    def unit(self) -> Operator:
        """A / ‖A‖."""
        return divided(self.operator)

    def _draw(self, images: Any, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Measurements and true pictures, in their own units."""
        if hasattr(images, "pair"):
            return images.pairs(count, random)
        rows, columns = self.operator.domain_shape
        x = images.crops(count, (rows, columns), random)
        if self.augment:
            k = random.initial_seed() * 2654435761 >> 16 & 7  # no number has to come back from the device
            x = turned(x, k if rows == columns else k & 6)
        truth = self._picture(x, random)
        return self._noisy(self.operator(truth), random), truth

    def _picture(self, x: Tensor, random: torch.Generator) -> Tensor:
        """Images as pictures of A: complex where those are, with a random phase."""
        A = self.operator
        if not (A.complex_image or self.phase):
            return x
        if not self.phase:
            return x.to(x.dtype.to_complex())
        values = torch.randn(len(x), 1, SMOOTH, SMOOTH, generator=random, device=random.device).to(x.device)
        phase = F.interpolate(values, x.shape[-2:], mode="bicubic", align_corners=True)
        return torch.polar(x.abs(), self.phase * phase + torch.where(x < 0, torch.pi, 0.0))

    def _noisy(self, y: Tensor, random: torch.Generator) -> Tensor:
        if self.noise is None:
            return y
        clean = self._measured(y)
        noisy = self.noise.each(clean, random).to(y.dtype)
        low, high = self.noise_factor
        if (low, high) != (1.0, 1.0):
            factor = low + (high - low) * torch.rand(len(y), generator=random, device=y.device)
            noisy = clean + along(factor, clean) * (noisy - clean)
        where = self._samples(y.device)
        return noisy if where is None else y.flatten(2).index_copy(2, where, noisy).view(y.shape)

    def _measured(self, y: Tensor) -> Tensor:
        """What was measured of y, ``[B, C, samples]``, or y where that is all of it."""
        where = self._samples(y.device)
        return y if where is None else y.flatten(2).index_select(2, where)

    def _samples(self, device: torch.device) -> Tensor | None:
        """Numbers of the samples that exist; None: all."""
        if self.operator.sampled is None:
            return None
        if device not in self._known_samples:
            sampled = self.operator.sampled.expand(self.operator.range_shape).reshape(-1)
            self._known_samples[device] = sampled.nonzero()[:, 0].to(device)
        return self._known_samples[device]

    @cached_property
    def _known_samples(self) -> dict[torch.device, Tensor]:
        return {}

    # ---- figures --------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def figures(self, network: Any, held_out: Any, crop: int | None = None) -> dict[str, float]:
        """Mean PSNR in dB and SSIM; ``crop`` is left out of account, as A gives the size."""
        values: list[tuple[float, float]] = []
        for k in range(len(held_out)):
            y, truth = self._held_out(held_out, k)
            given, unit, scale = normalised(y, self.operator, self.normalise)
            found = network(given, unit)
            found = along(scale, found) * found
            values += self._compared(self.operator.picture(found), self.operator.picture(truth))
        means = [sum(column) / len(values) for column in zip(*values, strict=True)]
        return {name: mean for name, mean in zip(("psnr", "ssim"), means, strict=False) if math.isfinite(mean)}

    def _compared(self, found: Tensor, truth: Tensor) -> list[tuple[float, float]]:
        """PSNR and SSIM (NaN where pictures are not plane); nothing for a flat truth without ``data_range``."""
        span = self.data_range or data_range_of(truth)
        if not span > 0:
            return []
        similar = ssim(found, truth, data_range=span) if truth.ndim == 4 else math.nan
        return [(psnr(found, truth, data_range=span), similar)]

    def _held_out(self, held_out: Any, k: int) -> tuple[Tensor, Tensor]:
        if hasattr(held_out, "pair"):
            return held_out.pair(k)
        rows, columns = self.operator.domain_shape
        x = middle(held_out.image(k), (rows, columns))
        if x.shape[-2:] != (rows, columns):
            raise InputError(
                f"Image {k + 1} of those held out has {x.shape[-2]} x {x.shape[-1]} pixels, but the operator's "
                f"pictures have {rows} x {columns}. Use larger images or a smaller operator."
            )
        truth = self._picture(x, torch.Generator().manual_seed(SEED + k))
        problem = simulate(truth, self.operator, self.noise, seed=SEED + k)
        return problem.y, problem.truth if problem.truth is not None else truth

    def card(self) -> dict[str, Any]:
        noise = None if self.noise is None else Description(**describe(self.noise))
        operator = Description(**describe(self.operator))
        return {"operator": operator, "operator_norm": self.operator.norm, "noise": noise}
