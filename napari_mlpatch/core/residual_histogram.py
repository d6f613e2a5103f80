"""How the values of a residual are spread, beside what noise alone would do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from napari_mlpatch.torch_later import torch

from .goodness import Correlation, Explained, chi_square, correlations, sampled, white

BINS = 81
REACH = 5.0
"""Bins go to this many standard deviations at either side; what lies beyond counts in the outermost ones."""


@dataclass(frozen=True, eq=False)
class ResidualHistogram:
    """Density of the residual's values over ``centers``, in standard deviations of the noise.

    ``normal`` is what white Gaussian noise would give; ``known`` says whether the noise's level is given: else all is
    in standard deviations of the residual itself. ``chi_square`` and ``whiteness`` as the metrics of these names,
    ``strongest`` the lag at which neighbours go together most.
    """

    centers: np.ndarray
    density: np.ndarray
    normal: np.ndarray
    known: bool
    chi_square: float
    whiteness: float
    strongest: Correlation | None

    @property
    def words(self) -> str:
        """What the numbers say, in a line."""
        parts = [f"chi² {self.chi_square:.3g}" if self.known else "noise level unknown: curve of the residual's own SD"]
        if not math.isnan(self.whiteness):
            parts.append(f"whiteness {self.whiteness:.3g} (white: 1 ± 0.4)")
        if self.strongest is not None:
            away = _apart(self.strongest.lag)
            parts.append(f"strongest correlation {self.strongest.rho:+.2f} with the value {away} away")
        return " · ".join(parts)


def _apart(lag: tuple[int, ...]) -> str:
    """ "+1 row, -2 columns"; in one axis, whatever it is, "+3 samples"."""
    names = ("row", "column") if len(lag) == 2 else ("sample",)
    return ", ".join(f"{k:+d} {name}{'' if abs(k) == 1 else 's'}" for k, name in zip(lag, names, strict=True) if k)


def residual_histogram(found: Explained) -> ResidualHistogram:
    """The histogram of ``(A x - y) / σ`` over what was measured; of complex data both parts, each of ``σ / √2``.

    σ is the noise's at each sample where its model tells it from A x, else one for all.
    """
    problem, r = found.problem, sampled(found.residual, found.problem)
    scale = problem.noise_std or float(r.abs().double().square().mean().sqrt()) or 1.0
    variance = None if problem.noise is None else problem.noise.variance(sampled(found.predicted, problem))
    if problem.noise_std and variance is not None and float(variance.mean()) > 0:
        weight = (variance / variance.mean()).clamp(min=0.01).sqrt()
        r = r / weight
    r = (r / scale).detach().cpu()
    values = (math.sqrt(2.0) * torch.view_as_real(r) if r.is_complex() else r).numpy()
    edges = np.linspace(-REACH, REACH, BINS + 1)
    counts, _ = np.histogram(np.clip(values, -REACH, REACH), edges)
    centers = 0.5 * (edges[1:] + edges[:-1])
    scores = [c for item in correlations(found) for c in item]
    return ResidualHistogram(
        centers=centers,
        density=counts / max(counts.sum(), 1) / (edges[1] - edges[0]),
        normal=np.exp(-0.5 * centers**2) / math.sqrt(2.0 * math.pi),
        known=bool(problem.noise_std),
        chi_square=chi_square(found),
        whiteness=white(found),
        strongest=max(scores, key=lambda c: abs(c.rho), default=None),
    )
