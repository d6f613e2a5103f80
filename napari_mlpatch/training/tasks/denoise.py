"""Learning to take white noise off images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass
from torch import Tensor

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.metrics import psnr
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.core.registry import tasks
from napari_mlpatch.core.words import count_of

from ..pictures import turned
from .task import Batch, Task, is_reconstructor, middle

FLOOR = 0.02
"""Added to the noise level by which errors are divided."""
DEFAULT = 0.0, 0.3
"""Range of the noise levels for images with values from 0 to 1."""
FAR = 10.0
"""Images whose values lie no farther apart may be in the units of any noise."""
TIMES, TIMES_DEFAULT = 5000.0, 200.0
"""Values so many times as far apart as the strongest noise are in other units than it; of noise that nobody chose, this
is sooner believed."""
SEED = 12345
Level = Annotated[float, Field(ge=0)]


@tasks.register("denoise", title="Denoise")
@dataclass(frozen=True, config=CONFIG)
class Denoise(Task):
    """Take white Gaussian noise off: ``network(x + sigma n, sigma)`` is to be x. Levels are in the images' units.

    A step reads random crops for a convolutional network; for a patch network, random pixels with what is around them,
    so that memory does not depend on the images' size. Each image gets a random level within ``sigma``.
    """

    sigma: Annotated[tuple[Level, Level], Field(description="range of the noise's standard deviation")] = DEFAULT
    loss: Annotated[Literal["l1", "l2"], Field(description="mean of squares (l2) or of absolute values (l1)")] = "l2"
    balance: Annotated[bool, Field(description="divide errors by the noise level: low noise counts as much")] = True
    pixels: Annotated[int, Field(ge=1, le=2**24, description="pixels of each image, for a patch network")] = 512
    part: Annotated[
        Annotated[int, Field(ge=1, lt=2**31)] | None,
        Field(
            description="pixels differentiated at a time; bounds the memory, changes nothing else",
            json_schema_extra={"none_means": "all"},
        ),
    ] = 16384
    crop: Annotated[int, Field(ge=8, le=32768, description="side of the crop of each image, for other networks")] = 64
    augment: Annotated[bool, Field(description="random flips and transpositions")] = True
    validation_sigmas: Annotated[
        tuple[Annotated[float, Field(gt=0)], ...], Field(description="noise levels at which it is validated")
    ] = (15 / 255, 25 / 255, 50 / 255, 0.15)

    role: ClassVar = "denoiser"

    @model_validator(mode="after")
    def _levels(self) -> Denoise:
        if not self.sigma[0] <= self.sigma[1]:
            raise ValueError(f"sigma is a range, lowest first, got {list(self.sigma)}")
        return self

    def check(self, network: Any, images: Any) -> None:
        if is_reconstructor(network):
            raise InputError(
                f"The network {network.config.name!r} makes pictures of measurements. Train it with the task "
                "'reconstruct', or choose a denoiser."
            )
        if not hasattr(images, "crops"):
            raise InputError("A denoiser is trained on images, not on pairs. Use another source.")
        if network.config.channels != images.channels:
            raise InputError(
                f"The network takes {count_of(network.config.channels, 'channel')}, the images have {images.channels}. "
                "Change the network's channels or the data's colours."
            )
        self._check_units(images)

    def _check_units(self, images: Any) -> None:
        """Raises InputError where the noise is nothing beside the values of the images."""
        least, most = getattr(images, "span", (0.0, 1.0))  # those that are drawn lie there
        low, high = getattr(images, "bulk", (least, most))
        times = TIMES_DEFAULT if self.sigma == DEFAULT else TIMES
        if self.sigma[1] and high - low > max(FAR, times * self.sigma[1]):
            raise InputError(
                f"The images have values from {least:.4g} to {most:.4g}, beside which noise of at most "
                f"{self.sigma[1]:g} is nothing (99.8 % of them lie between {low:.4g} and {high:.4g}). Give low and "
                "high in the recipe's data, which become 0 and 1, or a sigma in the units of the images."
            )

    def batch(self, network: Any, images: Any, count: int, random: torch.Generator) -> Batch:
        """Noisy images or neighbourhoods, true images or pixels, noise levels ``[B]``."""
        by_pixels = _reads_pixels(network)
        radius = int(network.receptive_field()) if by_pixels else 0
        if by_pixels:
            clean = images.neighbourhoods(count, self.pixels, radius, random)
        else:
            clean = images.crops(count, self.crop, random)
        if self.augment:
            clean = turned(clean, int(torch.randint(8, (), generator=random, device=clean.device)))
        low, high = self.sigma
        sigma = low + (high - low) * torch.rand(count, generator=random, device=clean.device)
        if by_pixels:
            sigma = sigma.repeat_interleave(self.pixels)
        noise = torch.randn(clean.shape, generator=random, device=clean.device)
        noisy = noise.mul_(sigma[:, None, None, None]).add_(clean)
        truth = clean[:, : getattr(network.config, "outputs", clean.shape[1])]
        return noisy, truth[:, :, radius, radius] if by_pixels else truth, sigma

    def losses(self, network: Any, batch: Batch) -> Iterator[Tensor]:
        noisy, truth, sigma = batch
        if not _reads_pixels(network):
            found = network(noisy, sigma)
            yield self._error(found, truth[:, : found.shape[1]], sigma)
            return
        size = self.part or len(truth)
        for inputs, outputs, level in zip(noisy.split(size), truth.split(size), sigma.split(size), strict=True):
            found = network.from_neighbourhoods(inputs, level)
            yield self._error(found, outputs, level) * (len(outputs) / len(truth))

    def nothing(self, batch: Batch) -> Tensor:
        _, truth, sigma = batch
        return self._error(torch.zeros_like(truth), truth, sigma)

    def _error(self, found: Tensor, clean: Tensor, sigma: Tensor) -> Tensor:
        difference = (found.float() - clean).flatten(1)
        error = (difference.abs() if self.loss == "l1" else difference.square()).mean(1)
        if self.balance:
            error = error / (sigma + FLOOR)
        return error.mean()

    @torch.inference_mode()
    def figures(self, network: Any, held_out: Any, crop: int | None = None) -> dict[str, float]:
        """Mean PSNR in dB (data range 1) at each of the noise levels, named ``psnr_LEVEL``."""
        found = {}
        for sigma in self.validation_sigmas:
            random = torch.Generator().manual_seed(SEED)
            values = []
            for k in range(len(held_out)):
                clean = middle(held_out.image(k), crop)
                noise = torch.randn(clean.shape, generator=random).to(clean.device)
                values.append(psnr(network(clean + sigma * noise, sigma), clean, data_range=1.0))
            found[f"psnr_{label(sigma)}"] = sum(values) / len(values)
        return found

    def card(self) -> dict[str, Any]:
        return {"noise": Description(name="gaussian", params={"sigma": list(self.sigma)})}


def label(sigma: float) -> str:
    """``25`` for 25/255, else the number itself."""
    return f"{255 * sigma:.0f}" if abs(255 * sigma - round(255 * sigma)) < 1e-6 else f"{sigma:g}"


def _reads_pixels(network: Any) -> bool:
    """Whether it is local, and can be given neighbourhoods."""
    return bool(network.config.reads_pixels) and hasattr(network, "from_neighbourhoods")
