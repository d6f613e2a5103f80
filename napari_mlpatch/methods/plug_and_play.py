"""What the plug-and-play methods share: a denoiser stands where a proximal map would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.method import Iterate, Method
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import denoisers
from napari_mlpatch.denoisers import Denoise, Name, Precision, Scaled, denoiser, transformed
from napari_mlpatch.solvers.cg import norm
from napari_mlpatch.torch_later import Tensor, torch

DENOISER = "network: the chosen weights; the others need none"
TRUST = 1.0
"""Lambda in Zhang et al., Plug-and-play image restoration with deep denoiser prior, IEEE TPAMI 2021, who take 0.23 for
deep denoisers. MLPatch on CT slices of the body (60 angles) is best from 0.5 to 2."""


@dataclass(frozen=True, config=CONFIG)
class PlugAndPlay(Method):
    """Base: hyper-parameters, the schedule of noise levels, and the loop. A subclass says what one iteration is."""

    denoiser: Annotated[Name, Field(description=DENOISER)] = "network"
    iterations: Annotated[int, Field(ge=1, le=10_000, description="at most")] = 24
    sigma_start: Annotated[
        float, Field(gt=0, le=1, description="noise level of the first denoising, as a share of the picture's range")
    ] = 0.2
    sigma: Annotated[
        float | None,
        Field(
            gt=0,
            le=1,
            description="noise level of the last denoising, as a share of the picture's range",
            json_schema_extra={"none_means": "from the noise"},
        ),
    ] = None
    falling: Annotated[
        int, Field(ge=0, le=10_000, description="iterations in which the noise level falls from the first to the last")
    ] = 16
    trust: Annotated[
        float, Field(gt=0, description="alpha = trust · (noise / sigma)², the weight of the denoiser beside the data")
    ] = TRUST
    averaging: Annotated[
        bool, Field(description="mirror, turn and shift the picture differently in every iteration")
    ] = False
    inner_iterations: Annotated[
        int, Field(ge=1, le=1000, description="of conjugate gradients in each data step, where there is no closed form")
    ] = 6
    precision: Annotated[Precision, Field(description="of the numbers inside of the network")] = "float32"
    tolerance: Annotated[
        float, Field(ge=0, lt=1, description="stop when x changes by less than this, at the last noise level")
    ] = 1e-4

    weights_kind = "denoiser"

    @property
    def needs_network(self) -> bool:
        return denoisers.get(self.denoiser).needs_network

    def solve(self, problem: Problem, network: Any = None, state: dict | None = None) -> Iterator[Iterate | None]:
        A, y = problem.A, problem.y
        b = A.T(y)
        yield None
        quick = A.pinv(y)
        yield None
        low, high = value_range(quick)
        span = high - low
        plain = Scaled(denoiser(self.denoiser, network, y.device, self.precision), low, high)
        noise = noise_level(problem, span)
        end = self.sigma * span if self.sigma is not None else self._automatic_sigma(problem, noise, span)
        yield None
        z, u, k = (state["z"], state["u"], state["k"]) if state else (quick, torch.zeros_like(quick), 0)
        while k < self.iterations:
            k += 1
            sigma = schedule(max(self.sigma_start * span, end), end, k, self.falling)
            alpha = self.trust * (noise / sigma) ** 2
            turn = k

            def denoise(v: Tensor, sigma: float, turn: int = turn) -> Tensor:
                return transformed(plain, v, sigma, turn) if self.averaging else plain(v, sigma)

            clock = Clock()
            x, previous = z, z
            for step in self._data_step(problem, b, alpha, z, u):
                x = step
                yield None
            clock.note("data_seconds")
            z, u = self._prior_step(x, z, u, denoise, sigma)
            clock.note("denoiser_seconds")
            change, split = (norm(d) / max(norm(z), 1e-300) for d in (z - previous, x - z))
            converged = change <= self.tolerance and sigma <= end * (1 + 1e-6)
            residual = norm(A(z) - y) / max(norm(y), 1e-300)
            clock.note("monitor_seconds")
            scalars = {"sigma": sigma / span, "alpha": alpha, "change": change, "split": split}
            scalars |= {"relative_residual": residual, **clock.seconds}
            yield Iterate(z, k, self.iterations, scalars, state={"z": z, "u": u, "k": k}, converged=converged)
            if converged:
                return

    def shortened(self, iterations: int) -> PlugAndPlay:
        """The noise level falls in as large a share of the iterations: some denoisers take longer where it is high."""
        falling = round(self.falling * iterations / self.iterations)
        return replace(self, iterations=min(iterations, self.iterations), falling=min(falling, self.falling))

    def _automatic_sigma(self, problem: Problem, noise: float, span: float) -> float:
        """Most of the noise that a pixel would have if it alone were measured, at least a hundredth of the range."""
        column = problem.A.column_norm
        return min(max(0.7 * noise / column if column else span, 0.01 * span), 0.5 * span)

    def _data_step(self, problem: Problem, b: Tensor, alpha: float, z: Tensor, u: Tensor) -> Iterator[Tensor]:
        """Pictures that come ever closer to the data; the last one counts."""
        raise NotImplementedError

    def _prior_step(self, x: Tensor, z: Tensor, u: Tensor, denoise: Denoise, sigma: float) -> tuple[Tensor, Tensor]:
        """The new z and u."""
        raise NotImplementedError


class Clock:
    """Seconds since the last note, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def note(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name], self._last = now - self._last, now


def schedule(start: float, end: float, k: int, falling: int) -> float:
    """The noise level of iteration k, counted from 1: from ``start`` to ``end`` in ``falling`` equal ratios."""
    return start * (end / start) ** min(1.0, (k - 1) / max(1, falling))


def value_range(x: Tensor) -> tuple[float, float]:
    """Where the values of a picture lie, but for a few outliers: what is mapped to [0, 1] for the denoiser."""
    values = x.abs() if x.is_complex() else x
    flat = values.flatten()
    flat = flat[:: max(1, flat.numel() // 200_000)].double()
    low, high = torch.quantile(flat, torch.tensor([0.005, 0.995], dtype=torch.float64, device=flat.device)).tolist()
    low = 0.0 if x.is_complex() or 0.0 <= low < 0.2 * high else low
    return (low, high) if high > low else (low, low + 1.0)


def noise_level(problem: Problem, span: float) -> float:
    """Standard deviation of the noise in the data; where there is none, what a thousandth of the range would make."""
    std = problem.noise_std if problem.noise_std is not None else problem.A.estimate_std(problem.y)
    return max(std, 1e-3 * span * problem.A.column_norm)
