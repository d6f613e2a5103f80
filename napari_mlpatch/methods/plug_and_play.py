"""What the plug-and-play methods share: a denoiser stands where a proximal map would."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass as plain_dataclass
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.method import Iterate
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.phase import free_phase
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.denoisers import Denoise, Name, Precision, Scaled, denoiser, transformed
from napari_mlpatch.solvers.cg import CgStep
from napari_mlpatch.solvers.items import chosen, each, norm, ratio
from napari_mlpatch.solvers.shifted import LIGHT, choose_damping, solve_shifted
from napari_mlpatch.torch_later import Tensor, torch

from .denoising import Denoising
from .effective_noise import noise_of_solution
from .starting import begun
from .weighing import Weighing, weighed

DENOISER = "network: the chosen weights; the others need none"
TRUST = 1.0
"""Lambda in Zhang et al., Plug-and-play image restoration with deep denoiser prior, IEEE TPAMI 2021, who take 0.23 for
deep denoisers. MLPatch on CT slices of the body (60 angles) is best from 0.5 to 2."""

INEXACT = 0.1
"""How far from its solution a data step may end, in terms of how far the picture moved in the iteration before."""
SMALL = 25 * LIGHT
"""Weights below which a data step in closed form is solved in double precision: denoisers amplify rounding."""
FLAT = 1e-6
"""Of its size: a picture whose values differ by less shows rounding errors."""


@dataclass(frozen=True, config=CONFIG)
class PlugAndPlay(Denoising):
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
        int,
        Field(ge=1, le=1000, description="of conjugate gradients in a data step without closed form, at most"),
    ] = 100
    precision: Annotated[
        Precision,
        Field(description="of the numbers inside of the network; auto: bfloat16 where that is faster and as good"),
    ] = "auto"
    tolerance: Annotated[
        float, Field(ge=0, lt=1, description="stop when x changes by less than this, at the last noise level")
    ] = 1e-4
    weighing: Weighing = "auto"

    solves_systems = True
    takes_start = True

    @property
    def highest_level(self) -> float | None:
        return max(self.sigma_start, self.sigma or 0.0)

    def unsuitable(self, A: Operator) -> str:
        if self.averaging and len(A.domain_shape) != 2:
            return f"Averaging over poses needs pictures of two axes, these have {len(A.domain_shape)}: switch it off."
        return ""

    def solve(
        self, problem: Problem, network: Any = None, state: dict | None = None, start: Tensor | None = None
    ) -> Iterator[Iterate | None]:
        if state and bool(state["done"].all()):
            yield Iterate(state["z"], state["k"], self.iterations, state["scalars"], state=state, converged=True)
            return
        measured = problem
        problem = weighed(measured, self.weighing)
        A, y = problem.A, problem.y
        b, wide = A.T(y), None
        yield None
        quick = A.pinv(y)
        yield None
        low, high = value_ranges(quick)
        span = high - low
        # Of the quick picture, for the whole run: one of each iterate would turn with its noise.
        plain = Scaled(denoiser(self.denoiser, network, y.device, self.precision), low, high, free_phase(A, quick))
        noise = noise_level(problem, span)
        highest, damping, left = self.sigma_start * span, 0.0, torch.zeros(1, dtype=torch.float64)
        for best in choose_damping(measured.A, b) if self.solves_systems else ():
            damping = best
            yield None
        if self.sigma is not None:
            end = self.sigma * span
        else:
            if self.solves_systems:
                for level in noise_of_solution(A, y, self._weight(noise, highest, b), damping):
                    left = level
                    yield None
            end = torch.maximum(self._automatic_sigma(problem, noise, span), (noise * left).clamp(max=highest))
        highest = torch.maximum(highest, end)
        yield None
        if state:
            x, z, u, k, moved, done = (state[key] for key in ("x", "z", "u", "k", "moved", "done"))
        else:
            x = z = begun(start, quick)
            u, k, moved = torch.zeros_like(quick), 0, highest * quick[0].numel() ** 0.5
            done = torch.zeros(len(y), dtype=torch.bool)
        while k < self.iterations:
            k += 1
            sigma = schedule(highest, end, k, self.falling)
            alpha = self._weight(noise, sigma, b)
            turn = k

            def denoise(v: Tensor, sigma: Tensor, turn: int = turn) -> Tensor:
                return transformed(plain, v, sigma, turn) if self.averaging else plain(v, sigma)

            clock = Clock()
            before = x, z, u
            error = torch.where(done, math.inf, INEXACT * moved)
            light = (alpha < SMALL * A.column_norm**2) if A.closed_form else torch.zeros_like(alpha, dtype=torch.bool)
            if wide is None and bool(light.any()):
                wide = A.T(y.to(torch.promote_types(y.dtype, torch.float64)))
            data = DataStep(A, b, alpha, error, self.inner_iterations, damping, light, wide)
            for step in self._data_step(data, x, z, u):
                x = step
                yield None
            clock.note("data_seconds")
            z, u = self._prior_step(x, z, u, denoise, sigma)
            if bool(done.any()):
                mask = done.to(x.device)
                x, z, u = (chosen(mask, old, new) for old, new in zip(before, (x, z, u), strict=True))
            clock.note("denoiser_seconds")
            lengths = [norm(d) for d in (z - before[1], x - z, z, measured.A(z) - measured.y, measured.y)]
            moved, apart, size, misfit, data = torch.stack(lengths).cpu()
            change = ratio(moved, size)
            done = done | ((change <= self.tolerance) & (sigma <= end * (1 + 1e-6)))
            clock.note("monitor_seconds")
            numbers = {"sigma": sigma / span, "alpha": alpha, "change": change, "split": ratio(apart, size)}
            numbers |= {"relative_residual": ratio(misfit, data)}
            scalars = {name: float(value.max()) for name, value in numbers.items()} | clock.seconds
            state = {"x": x, "z": z, "u": u, "k": k, "moved": moved, "done": done, "scalars": scalars}
            converged = bool(done.all())
            yield Iterate(z, k, self.iterations, scalars, state=state, converged=converged)
            if converged:
                return

    def _weight(self, noise: Tensor, sigma: Tensor, like: Tensor) -> Tensor:
        """alpha of each item. Raises InputError where it is too large for the precision of ``like``."""
        alpha = self.trust * (noise / sigma) ** 2
        largest, bound = float(alpha.max()), 1e-6 * torch.finfo(like.dtype).max
        if not largest < bound:
            raise InputError(
                f"alpha = trust · (noise / sigma)² is {largest:.3g} with trust = {self.trust:g}, and numbers of "
                f"{str(like.dtype).removeprefix('torch.')} end at {torch.finfo(like.dtype).max:.3g}. Choose a smaller "
                "trust: from 0.1 to 10 fit most pictures."
            )
        return alpha

    def shortened(self, iterations: int) -> PlugAndPlay:
        """The noise level falls in as large a share of the iterations: some denoisers take longer where it is high."""
        falling = round(self.falling * iterations / self.iterations)
        return replace(self, iterations=min(iterations, self.iterations), falling=min(falling, self.falling))

    def _automatic_sigma(self, problem: Problem, noise: Tensor, span: Tensor) -> Tensor:
        """Most of the noise that a pixel would have if it alone were measured, at least a hundredth of the range.

        Or that of the first data step, where that is more (``effective_noise.py``): below, artefacts of what A hardly
        sees would be taken for the picture, and grow.
        """
        column = problem.A.column_norm
        return (0.7 * noise / column if column else span).clamp(min=0.01 * span, max=0.5 * span)

    def _data_step(self, data: DataStep, x: Tensor, z: Tensor, u: Tensor) -> Iterator[Tensor]:
        """Pictures that come ever closer to the data, from the last one, x; the last one counts."""
        raise NotImplementedError

    def _prior_step(self, x: Tensor, z: Tensor, u: Tensor, denoise: Denoise, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The new z and u."""
        raise NotImplementedError


@plain_dataclass(frozen=True)
class DataStep:
    """What a data step is about: A, ``b = Aᵀy``, and for each item ``[B]`` alpha and the error that it may leave.

    Items that are ``light`` are solved with ``wide``, which is Aᵀy in double precision.
    """

    A: Operator
    b: Tensor
    alpha: Tensor
    error: Tensor
    iterations: int
    damping: float
    light: Tensor
    wide: Tensor | None

    def solve(self, x: Tensor, near: Tensor) -> Iterator[Tensor]:
        """Towards ``(AᵀA + alpha)⁻¹(Aᵀy + alpha near)``, from the best point between the last picture x and ``near``.

        At a fixed point that is the last picture, so that the limit does not depend on the number of steps.
        """
        exact = None
        if self.wide is not None and bool(self.light.any()):
            for step in self._steps(self.wide, x, near):
                exact = step.x.to(x.dtype)
            if exact is not None and bool(self.light.all()):
                yield exact
                return
        for step in self._steps(self.b, x, near):
            yield step.x if exact is None else chosen(self.light.to(x.device), exact, step.x)

    def _steps(self, b: Tensor, x: Tensor, near: Tensor) -> Iterator[CgStep]:
        yield from solve_shifted(
            self.A,
            b + each(self.alpha, b) * near,
            self.alpha,
            x,
            other=near,
            iterations=self.iterations,
            error=self.error,
            damping=self.damping,
        )


class Clock:
    """Seconds since the last note, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def note(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name], self._last = now - self._last, now


def schedule(start: Any, end: Any, k: int, falling: int) -> Any:
    """The noise level of iteration k, counted from 1: from ``start`` to ``end`` in ``falling`` equal ratios."""
    return start * (end / start) ** min(1.0, (k - 1) / max(1, falling))


def value_range(x: Tensor) -> tuple[float, float]:
    """Where the values of a picture lie, but for a few outliers: what is mapped to [0, 1] for the denoiser."""
    values = x.abs() if x.is_complex() else x
    flat = values.flatten()
    flat = flat[:: max(1, flat.numel() // 200_000)].double()
    low, high = torch.quantile(flat, torch.tensor([0.005, 0.995], dtype=torch.float64, device=flat.device)).tolist()
    low = 0.0 if x.is_complex() or 0.0 <= low < 0.2 * high else low
    size = max(abs(low), abs(high))
    if high - low > FLAT * size:
        return low, high
    return (min(low, 0.0), max(high, 0.0)) if size else (0.0, 1.0)


def value_ranges(x: Tensor) -> tuple[Tensor, Tensor]:
    """That of each item, ``[B]``: float64 on the CPU."""
    low, high = zip(*(value_range(item[None]) for item in x), strict=True)
    return torch.tensor(low, dtype=torch.float64), torch.tensor(high, dtype=torch.float64)


def noise_level(problem: Problem, span: Tensor) -> Tensor:
    """Standard deviation of the noise in the data of each item; where there is none, what a thousandth of the range
    would make.
    """
    return torch.maximum(problem.std, 1e-3 * span * problem.A.column_norm)
