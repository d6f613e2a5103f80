"""White Gaussian noise."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.noise import Noise, per_item
from napari_mlpatch.core.registry import noises
from napari_mlpatch.torch_later import Tensor, torch


@noises.register("gaussian", title="Gaussian")
@dataclass(frozen=True, config=CONFIG)
class Gaussian(Noise):
    """White Gaussian noise, its standard deviation given absolutely, as a signal-to-noise ratio, or relative to |y|.

    On complex data it is circular: ``std`` is that of the whole, real and imaginary part have ``std / sqrt(2)`` each.
    """

    relative: Annotated[
        float, Field(ge=0, description="standard deviation / mean |y|; used where neither std nor snr_db is given")
    ] = 0.05
    std: Annotated[
        float | None,
        Field(
            ge=0,
            description="standard deviation in the units of the measurement",
            json_schema_extra={"none_means": "unset"},
        ),
    ] = None
    snr_db: Annotated[
        float | None,
        Field(
            ge=-100,
            le=300,
            description="signal-to-noise ratio, 20 log10(rms |y| / standard deviation)",
            json_schema_extra={"none_means": "unset", "unit": "dB"},
        ),
    ] = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Gaussian:
        if self.std is not None and self.snr_db is not None:
            raise ValueError(f"give std or snr_db, not both (std = {self.std:g}, snr_db = {self.snr_db:g})")
        return self

    @property
    def idle(self) -> tuple[str, ...]:
        return () if self.std is None and self.snr_db is None else ("relative",)

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        return y + self.level(y) * torch.randn(y.shape, generator=generator, dtype=y.dtype, device=y.device)

    def each(self, y: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(y.shape, generator=generator, dtype=y.dtype, device=y.device)
        if self.std is not None:
            return y + self.std * noise
        size = y.abs().flatten(1)
        if self.snr_db is not None:
            level = 10 ** (-self.snr_db / 20) * size.square().mean(1).sqrt()
        else:
            level = self.relative * size.mean(1)
        return y + per_item(level, y) * noise

    def level(self, y: Tensor) -> float:
        if self.std is not None:
            return self.std
        if self.snr_db is not None:
            return 10 ** (-self.snr_db / 20) * float(y.abs().double().square().mean()) ** 0.5
        return self.relative * float(y.abs().mean())
