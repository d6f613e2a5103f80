"""The L-curve: the length of the residual against that of what the regularisation keeps small, and its corner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.method import Method
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.solvers.gradient import gradient, gradient_norm
from napari_mlpatch.torch_later import Tensor, torch

FINE = 40
"""Points between two values, at which the curvature is looked at."""


@dataclass(frozen=True)
class Corner:
    """Where the L-curve bends most: between which values, and the one nearest to it.

    ``index`` is that of the nearest of the given values, ``value`` where the interpolated curve bends most,
    ``curvature`` how much.
    """

    index: int
    value: float
    curvature: float


def lengths(x: Tensor, problem: Problem, method: Method) -> tuple[float, float]:
    """``‖A x - y‖`` and the size of what the method keeps small, see ``penalty``; sums over a batch."""
    with torch.no_grad():
        residual = float((problem.A(x) - problem.y).abs().double().norm())
        return residual, penalty(x, method)[1]


def penalty(x: Tensor, method: Method) -> tuple[str, float]:
    """What a method keeps small, in words, and how large it is: ‖x‖, ‖gradient of x‖, or else the total variation."""
    kind = getattr(method, "penalty", None)
    if kind == "identity":
        return "‖x‖", float(x.abs().double().norm())
    slopes = gradient(x, x.ndim - 2)
    if kind == "gradient":
        return "‖∇x‖", float(slopes.abs().double().norm())
    isotropic = getattr(method, "norm", "isotropic") == "isotropic"
    return "TV(x)", float(gradient_norm(slopes, isotropic).double().sum())


def corner(values: Sequence[float], residuals: Sequence[float], sizes: Sequence[float]) -> Corner | None:
    """The corner of the L-curve: where ``(log residual, log size)``, as a function of ``log value``, bends most.

        kappa = (rho' eta'' - rho'' eta') / (rho'² + eta'²)^(3/2)

    of cubic splines through the points (Hansen, Analysis of discrete ill-posed problems by means of the L-curve, SIAM
    Review 34, 1992). None where fewer than five values are usable (positive, finite), or the curve nowhere bends
    towards the origin. Raises InputError where the three are not of one length.
    """
    from scipy.interpolate import CubicSpline  # takes long to import

    rows = list(zip(values, residuals, sizes, strict=False))
    if not len(values) == len(residuals) == len(sizes):
        raise InputError(f"An L-curve has as many residuals and sizes as values, got {len(rows)} at most.")
    usable = [i for i, row in enumerate(rows) if all(np.isfinite(v) and v > 0 for v in row)]
    usable = sorted({rows[i][0]: i for i in usable}.values(), key=lambda i: rows[i][0])
    if len(usable) < 5:
        return None
    t, rho, eta = (np.log([rows[i][column] for i in usable]) for column in range(3))
    fine = np.linspace(t[0], t[-1], FINE * (len(t) - 1) + 1)
    splines = CubicSpline(t, rho), CubicSpline(t, eta)
    (rho1, eta1), (rho2, eta2) = ([spline(fine, order) for spline in splines] for order in (1, 2))
    speed = np.maximum(rho1**2 + eta1**2, 1e-30)
    curvature = (rho1 * eta2 - rho2 * eta1) / speed**1.5
    inside = (fine >= t[1]) & (fine <= t[-2])  # splines are least sure of their second derivatives at the ends
    best = int(np.argmax(np.where(inside, curvature, -np.inf)))
    if not curvature[best] > 0:
        return None
    nearest = usable[int(np.argmin(np.abs(t - fine[best])))]
    return Corner(nearest, float(np.exp(fine[best])), float(curvature[best]))
