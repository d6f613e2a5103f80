"""Counting noise of X-rays before the logarithm."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.noise import Noise
from napari_mlpatch.core.phrases import phrase
from napari_mlpatch.core.registry import noises
from napari_mlpatch.torch_later import Tensor, torch

from .counting import MOST_COUNTS
from .log_counts import mean_square_of_log

WINDOW = 5  # bins


@noises.register("poisson-transmission", title="Poisson photons, transmission CT")
@dataclass(frozen=True, config=CONFIG)
class PoissonTransmission(Noise):
    """Photon noise before the logarithm: ``y -> -log(max(Poisson(n), 1) / photons)``, ``n = photons · exp(-y)``.

    y has no unit. Behind thick objects few photons arrive: the logarithm is then too large on average, by about
    ``1 / (2 n)``, and its mean square deviation from y is ``1 / n + 7 / (4 n²)`` from some ten photons on. Level and
    variance are those of the logarithm itself, the bias and rays without a photon included; see ``log_counts.py``.
    """

    photons: Annotated[
        float, Field(gt=0, le=MOST_COUNTS, description="photons for each detector bin without a sample")
    ] = 1e4

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        return self._counted(self._expected(y), generator)

    def each(self, y: Tensor, generator: torch.Generator) -> Tensor:
        expected = self.photons * torch.exp(-y.double())
        return self._counted(expected.clamp(max=MOST_COUNTS), generator)

    def _counted(self, expected: Tensor, generator: torch.Generator) -> Tensor:
        return -torch.log(torch.poisson(expected, generator=generator).clamp(min=1.0) / self.photons)

    def level(self, y: Tensor) -> float:
        return math.sqrt(float(mean_square_of_log(self._expected(y)).mean()))

    def variance(self, y: Tensor) -> Tensor:
        return mean_square_of_log(self.photons * torch.exp(-y.double()))

    def variance_of_noisy(self, y: Tensor) -> Tensor:
        """Each sample's from the mean of the counts of its neighbourhood along the detector, 5 bins.

        A sample's own count would not do: where it is too large by chance, line integral and variance are both too
        small, so that weights would favour what is too small.
        """
        counts = self.photons * torch.exp(-y.double()).clamp(max=MOST_COUNTS / self.photons)
        width = min(WINDOW, y.shape[-1])
        pooled = counts.unfold(-1, width, 1).mean(-1)
        before = (width - 1) // 2
        places = (torch.arange(y.shape[-1], device=y.device) - before).clamp(0, pooled.shape[-1] - 1)
        return mean_square_of_log(pooled[..., places])

    def _expected(self, y: Tensor) -> Tensor:
        expected = self.photons * torch.exp(-y.double())
        if float(expected.min()) < 1.0:
            raise InputError(
                f"Fewer than one photon is expected behind the largest line integral ({float(y.max()):.4g}, "
                f"{self.photons:g} photons). Line integrals should stay below about {math.log(self.photons):.1f}: "
                f"{phrase('use a smaller pixel_size', 'use a smaller “pixel size”')}, or more photons."
            )
        if float(expected.max()) > MOST_COUNTS:
            raise InputError(
                f"The smallest line integral is {float(y.min()):.4g}: more photons than were sent would arrive. "
                "Simulate from a non-negative image."
            )
        return expected
