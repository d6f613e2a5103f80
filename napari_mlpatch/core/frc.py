"""Fourier ring correlation: up to which spatial frequency two pictures of the same object agree."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

from napari_mlpatch.torch_later import Tensor, torch

from .errors import InputError
from .problem import Problem
from .spectrum import TAPER, frequencies, over_rings, ring_of, window

Criterion = Literal["1/7", "half-bit"]


@dataclass(frozen=True, eq=False)
class RingCorrelation:
    """The correlation on each ring of spatial frequency (cycles per pixel), and how many FFT values each ring has."""

    frequency: Tensor
    correlation: Tensor
    count: Tensor

    def threshold(self, criterion: Criterion = "1/7") -> Tensor:
        """What the correlation is compared with, on each ring.

        "1/7" is Rosenthal & Henderson's 0.143 for half data sets, as in Nieuwenhuizen et al., Nat. Methods 10 (2013).
        "half-bit": ``(0.2071 + 1.9102 / √n) / (1.2071 + 0.9102 / √n)`` with the ring's n values: there each of them
        holds half a bit of information (van Heel & Schatz, J. Struct. Biol. 151, 2005, eq. 17).
        """
        if criterion == "1/7":
            return torch.full_like(self.correlation, 1.0 / 7.0)
        root = self.count.double().clamp(min=1.0).sqrt()
        return (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root)

    def resolution(self, criterion: Criterion = "1/7") -> float:
        """One over the frequency at which the correlation first falls below the threshold, in pixels.

        Interpolated between rings; 2 (the Nyquist limit) where it never does, infinite where it does from the start.
        The mean and a ring that dips alone do not count.
        """
        above = (self.correlation - self.threshold(criterion)).tolist()
        f = self.frequency.tolist()
        for k in range(1, len(f)):
            if above[k] < 0 and (k + 1 == len(f) or above[k + 1] < 0):
                if k == 1:
                    return math.inf
                step = above[k - 1] / (above[k - 1] - above[k]) if above[k - 1] > 0 else 0.0
                return 1.0 / (f[k - 1] + step * (f[k] - f[k - 1]))
        return 1.0 / f[-1]


def ring_correlation(a: Tensor, b: Tensor, *, taper: float = TAPER) -> RingCorrelation:
    """Fourier ring correlation of two pictures ``[..., rows, columns]`` of the same object with independent noise.

    ``FRC(f) = Re Σ A B* / sqrt(Σ |A|² Σ |B|²)``, sums over the FFT values on the ring f (and over leading axes); 1
    where they agree, 0 where they have nothing in common (van Heel, Ultramicroscopy 21, 1987). Both are tapered at
    their borders (``spectrum.window``). Raises InputError for pictures of different or impossible shapes.
    """
    if a.shape != b.shape or a.ndim < 2 or min(a.shape[-2:]) < 4:
        raise InputError(f"Ring correlation compares two pictures of one shape, got {list(a.shape)}, {list(b.shape)}.")
    shape = (a.shape[-2], a.shape[-1])
    w = window(shape, taper)
    A, B = (torch.fft.fft2(w * x.cpu().to(torch.complex128)).reshape(-1, *shape) for x in (a, b))
    cross = over_rings((A * B.conj()).real.sum(0), total=True)
    size_a, size_b = (over_rings(v.abs().square().sum(0), total=True) for v in (A, B))
    correlation = torch.nan_to_num(cross / (size_a * size_b).sqrt())
    rings = frequencies(shape)
    count = torch.bincount(ring_of(shape).flatten(), minlength=len(rings))[: len(rings)]
    return RingCorrelation(rings, correlation, count)


def halves(problem: Problem) -> tuple[Problem, Problem]:
    """The problem of every other view, line, spoke, coil or sample, and that of the rest: see ``Operator.halves``.

    The noise of both is independent. Raises InputError where the operator cannot be divided.
    """
    parts = problem.A.halves()
    if parts is None:
        raise InputError(
            f"Data of the operator {type(problem.A).__name__} cannot be divided into two halves that each make "
            "a picture, so there is no ring correlation of them."
        )
    source = {"kind": "memory"}
    first, second = (dataclasses.replace(problem, A=A, y=pick(problem.y), source=source) for A, pick in parts)
    return first, second
