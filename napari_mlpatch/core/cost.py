"""What a run will cost, before it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from napari_mlpatch.torch_later import Tensor, torch

from .method import Method
from .problem import Problem


@dataclass(frozen=True)
class Cost:
    """Expected seconds and peak bytes of a run."""

    seconds: float
    bytes: int


def estimate(problem: Problem, method: Method, network: Any = None) -> Cost:
    """Time and memory that a run will take at most, from timing Aᵀ and AᵀA here (which builds their tables).

    The denoiser is timed too, where the method has one; without ``network`` a learned one counts as nothing.
    """
    expected = method.estimate(problem)
    A, y = problem.A, problem.y
    with torch.no_grad():
        x = torch.zeros_like(A.T(y))
        seconds = 2 * _time(lambda: A.T(y)) + expected.operator_calls * _time(lambda: A.normal(x))
        if expected.denoiser_calls:
            seconds += expected.denoiser_calls * _time(lambda: method.denoise_once(problem, network))
    return Cost(seconds, int(A.memory_bytes() + expected.images * x.numel() * x.element_size()))


def _time(call: Callable[[], Tensor | None]) -> float:
    """Seconds of a second call."""
    start = time.perf_counter()
    for _ in range(2):
        start = time.perf_counter()
        made = call()
        if made is not None and made.is_cuda:
            torch.cuda.synchronize()
    return time.perf_counter() - start
