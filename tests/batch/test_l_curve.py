"""The corner of the L-curve, of problems whose curvature is known in closed form."""

import math

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.batch.l_curve import corner, lengths, penalty


def tikhonov(weight, s, b):
    """Lengths of residual and solution of ``min ‖s x - b‖² + weight ‖x‖²``, and their first two derivatives by
    ``log weight``: of the filter ``f = s² / (s² + weight)``, ``f' = -f (1 - f)``."""
    f = s**2 / (s**2 + weight)
    g = 1 - f
    r2, x2 = np.sum((g * b) ** 2), np.sum((f * b / s) ** 2)
    f1, f2 = -f * g, -f * g * (1 - 2 * f) * -1.0
    r2_1, x2_1 = np.sum(-2 * g * f1 * b**2), np.sum(2 * f * f1 * (b / s) ** 2)
    r2_2 = np.sum((2 * f1**2 - 2 * g * f2) * b**2)
    x2_2 = np.sum((2 * f1**2 + 2 * f * f2) * (b / s) ** 2)
    rho1, eta1 = 0.5 * r2_1 / r2, 0.5 * x2_1 / x2
    rho2, eta2 = 0.5 * (r2_2 / r2 - (r2_1 / r2) ** 2), 0.5 * (x2_2 / x2 - (x2_1 / x2) ** 2)
    kappa = (rho1 * eta2 - rho2 * eta1) / (rho1**2 + eta1**2) ** 1.5
    return math.sqrt(r2), math.sqrt(x2), kappa


@pytest.fixture(scope="module")
def ill_posed():
    """Singular values that fall, a solution that falls with them, and noise that does not."""
    rng = np.random.default_rng(0)
    s = np.geomspace(1.0, 1e-4, 40)
    return s, s * np.geomspace(1.0, 0.1, 40) + 1e-3 * rng.standard_normal(40)


@pytest.mark.parametrize("count", [15, 25, 60])
def test_the_corner_is_where_the_exact_curvature_is_largest(ill_posed, count):
    fine = np.geomspace(1e-9, 1.0, 20_000)
    exact = fine[np.argmax([tikhonov(w, *ill_posed)[2] for w in fine])]
    weights = np.geomspace(1e-9, 1.0, count)
    residuals, sizes, _ = zip(*(tikhonov(w, *ill_posed) for w in weights), strict=True)
    found = corner(weights, residuals, sizes)
    step = math.log(weights[1] / weights[0])
    assert abs(math.log(found.value / exact)) < 0.6 * step
    assert found.index == np.argmin(np.abs(np.log(weights / found.value)))
    order = np.random.default_rng(1).permutation(count)  # in whatever order they come
    mixed = corner(weights[order], np.array(residuals)[order], np.array(sizes)[order])
    assert order[mixed.index] == found.index and mixed.value == pytest.approx(found.value)


def test_no_corner_where_there_is_none():
    weights = np.geomspace(1, 100, 9)
    assert corner(weights, weights, 1 / weights) is None or corner(weights, weights, 1 / weights).curvature < 1e-6
    assert corner(weights[:4], weights[:4], 1 / weights[:4]) is None  # too few
    outward = np.sqrt(np.linspace(0.05, 1.0, 9))
    assert corner(weights, np.exp(outward), np.exp(np.sqrt(1 - 0.9 * outward**2))) is None  # bends away
    with pytest.raises(mp.InputError):
        corner([1, 2], [1], [1, 2])


def test_what_cannot_be_drawn_is_left_out(ill_posed):
    weights = np.geomspace(1e-9, 1.0, 25)
    residuals, sizes, _ = (list(column) for column in zip(*(tikhonov(w, *ill_posed) for w in weights), strict=True))
    plain = corner(weights, residuals, sizes)
    residuals[0] = math.nan
    residuals[-1] = 0.0
    assert corner(weights, residuals, sizes).index == pytest.approx(plain.index, abs=1)


def test_what_methods_keep_small():
    x = torch.zeros(1, 1, 6, 6)
    x[..., 2:4, 2:5] = 3.0
    T = mp.methods.Tikhonov
    assert penalty(x, T(penalty="identity")) == ("‖x‖", pytest.approx(3 * math.sqrt(6)))
    assert penalty(x, T()) == ("‖∇x‖", pytest.approx(3 * math.sqrt(10)))  # ten edges of height 3
    assert penalty(x, mp.methods.TV(norm="anisotropic")) == ("TV(x)", pytest.approx(30.0))
    problem = mp.Problem(mp.operators.Identity(image_shape=(6, 6)), torch.ones(6, 6))
    assert lengths(x, problem, T())[0] == pytest.approx(math.sqrt(30 + 6 * 4))
