"""Noise models. ``noise(y, seed)`` gives the noisy measurement; the same seed gives the same noise on every device."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.torch_later import Tensor, torch

from .core.declare import CONFIG
from .core.errors import InputError
from .core.registry import noises

MOST_COUNTS = 1e15  # beyond, Poisson samples overflow


class Noise:
    """Base of all noise models: frozen pydantic dataclasses with ``sample`` and ``level``."""

    name: str
    title: str

    def __call__(self, y: Tensor, seed: int) -> Tensor:
        """A noisy copy of the clean measurement ``y``."""
        generator = torch.Generator().manual_seed(seed)
        return self.sample(y.detach().cpu(), generator).to(device=y.device, dtype=y.dtype)

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        raise NotImplementedError

    def level(self, y: Tensor) -> float:
        """Standard deviation of the noise on the clean measurement ``y`` (root mean square over its samples)."""
        raise NotImplementedError


@noises.register("none", title="None")
@dataclass(frozen=True, config=CONFIG)
class NoNoise(Noise):
    """No noise at all (the inverse crime: good for tests, too good for conclusions)."""

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        return y.clone()

    def level(self, y: Tensor) -> float:
        return 0.0


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
            json_schema_extra={"none_means": "relative"},
        ),
    ] = None
    snr_db: Annotated[
        float | None,
        Field(
            ge=-100,
            le=300,
            description="signal-to-noise ratio, 20 log10(rms |y| / standard deviation)",
            json_schema_extra={"none_means": "relative", "unit": "dB"},
        ),
    ] = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Gaussian:
        if self.std is not None and self.snr_db is not None:
            raise ValueError(f"give std or snr_db, not both (std = {self.std:g}, snr_db = {self.snr_db:g})")
        return self

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        return y + self.level(y) * torch.randn(y.shape, generator=generator, dtype=y.dtype)

    def level(self, y: Tensor) -> float:
        if self.std is not None:
            return self.std
        if self.snr_db is not None:
            return 10 ** (-self.snr_db / 20) * float(y.abs().double().square().mean()) ** 0.5
        return self.relative * float(y.abs().mean())


@noises.register("poisson", title="Poisson counts")
@dataclass(frozen=True, config=CONFIG)
class Poisson(Noise):
    """Counting noise on data that are proportional to counts: the largest value of y corresponds to ``counts``."""

    counts: Annotated[float, Field(gt=0, le=MOST_COUNTS, description="expected counts at the brightest sample")] = 1e4

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        gain = self._gain(y)
        return torch.poisson((y.double() * gain).clamp(min=0), generator=generator) / gain

    def level(self, y: Tensor) -> float:
        return math.sqrt(max(float(y.mean()), 0.0) / self._gain(y))

    def _gain(self, y: Tensor) -> float:
        return _gain(y, self.counts)


@noises.register("poisson-gaussian", title="Poisson counts and Gaussian read-out")
@dataclass(frozen=True, config=CONFIG)
class PoissonGaussian(Noise):
    """Counting noise as in ``Poisson``, and a camera's read-out noise on top: ``(Poisson(g y) + readout n) / g``."""

    counts: Annotated[float, Field(gt=0, le=MOST_COUNTS, description="expected counts at the brightest sample")] = 1e3
    readout: Annotated[
        float, Field(ge=0, description="standard deviation of the read-out", json_schema_extra={"unit": "counts"})
    ] = 5.0

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        gain = _gain(y, self.counts)
        counted = torch.poisson((y.double() * gain).clamp(min=0), generator=generator)
        return (counted + self.readout * torch.randn(y.shape, generator=generator, dtype=torch.float64)) / gain

    def level(self, y: Tensor) -> float:
        gain = _gain(y, self.counts)
        return math.sqrt(max(float(y.mean()), 0.0) / gain + (self.readout / gain) ** 2)


@noises.register("poisson-transmission", title="Poisson photons, transmission CT")
@dataclass(frozen=True, config=CONFIG)
class PoissonTransmission(Noise):
    """Photon noise before the logarithm: ``y -> -log(Poisson(photons · exp(-y)) / photons)``, y dimensionless."""

    photons: Annotated[
        float, Field(gt=0, le=MOST_COUNTS, description="photons for each detector bin without a sample")
    ] = 1e4

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        expected = self._expected(y)
        return -torch.log(torch.poisson(expected, generator=generator).clamp(min=1.0) / self.photons)

    def level(self, y: Tensor) -> float:
        return math.sqrt(float((1.0 / self._expected(y)).mean()))

    def _expected(self, y: Tensor) -> Tensor:
        expected = self.photons * torch.exp(-y.double())
        if float(expected.min()) < 1.0:
            raise InputError(
                f"Fewer than one photon is expected behind the largest line integral ({float(y.max()):.4g}, "
                f"{self.photons:g} photons). Line integrals should stay below about {math.log(self.photons):.1f}: "
                "use a smaller pixel_size, or more photons."
            )
        if float(expected.max()) > MOST_COUNTS:
            raise InputError(
                f"The smallest line integral is {float(y.min()):.4g}: more photons than were sent would arrive. "
                "Simulate from a non-negative image."
            )
        return expected


@noises.register("shape-noise", title="Shapes of galaxies (weak lensing)")
@dataclass(frozen=True, config=CONFIG)
class ShapeNoise(Noise):
    """Noise of a shear map, as galaxies are elliptical anyway: ``ellipticity / sqrt(galaxies · pixel area)``.

    This is the standard deviation of each component, so the level of complex shear is ``sqrt(2)`` times that. With
    0.37 and 30 galaxies per square arcminute, a field of 5 degrees has 0.2306 on 1024 x 1024 pixels of 300 / 1024
    arcmin, and 0.0288 on 128 x 128 of 300 / 128. A map of 128 x 128 pixels that was cut out of the large one still has
    the small pixels, and 0.2306; where published work gives it 0.0288, that is 300 / 128 here.
    """

    ellipticity: Annotated[
        float, Field(gt=0, description="standard deviation of one component of the galaxies' own ellipticity")
    ] = 0.37
    galaxies_per_arcmin2: Annotated[
        float, Field(gt=0, description="galaxies with measured shapes", json_schema_extra={"unit": "1/arcmin²"})
    ] = 30.0
    pixel_size_arcmin: Annotated[
        float, Field(gt=0, description="side of a pixel", json_schema_extra={"unit": "arcmin"})
    ] = 300.0 / 128

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        return y + self.level(y) * torch.randn(y.shape, generator=generator, dtype=y.dtype)

    def level(self, y: Tensor) -> float:
        one = self.ellipticity / math.sqrt(self.galaxies_per_arcmin2 * self.pixel_size_arcmin**2)
        return one * math.sqrt(2.0) if y.is_complex() else one


def _gain(y: Tensor, counts: float) -> float:
    """Counts for each unit of y. A band-limited projector undershoots at sharp edges: a few percent count as zero."""
    if y.is_complex():
        raise InputError("Counting noise needs real data, these are complex. Use Gaussian noise.")
    if float(y.min()) < -0.05 * float(y.abs().max()):
        raise InputError(
            f"Poisson noise needs a non-negative measurement, the smallest value is {float(y.min()):.4g}. "
            "Use Gaussian noise, or simulate from a non-negative image."
        )
    return counts / max(float(y.max()), 1e-30)
