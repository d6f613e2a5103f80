"""Smoothed conjugate gradients: what they end with, and that rounding does not decide it."""

import itertools

import pytest
import torch

from napari_mlpatch.solvers.cg import cg
from napari_mlpatch.solvers.items import norm
from napari_mlpatch.solvers.smoothed import smoothed

EIGENVALUES = torch.logspace(-4, 0, 80, dtype=torch.float64)


def M(v):
    return EIGENVALUES * v


def ended(b, enough, start=None):
    steps = cg(M, b, torch.zeros_like(b) if start is None else start, iterations=2000, tolerance=0.0)
    return list(smoothed(steps, torch.as_tensor(enough, dtype=torch.float64)))


def right_side(count=1):
    return torch.randn(count, 1, 80, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("share", [0.3, 1e-3, 1e-7])
def test_ends_exactly_where_the_residual_reaches_its_bound_and_adds_no_step(share):
    b = right_side()
    steps = ended(b, share * norm(b))
    sizes = [float(norm(step.residual)) for step in steps]
    assert all(after <= before * (1 + 1e-12) for before, after in itertools.pairwise(sizes))
    assert sizes[-1] == pytest.approx(share * float(norm(b)), rel=1e-6)
    assert float(norm(steps[-1].residual - (b - M(steps[-1].x)))) < 1e-9 * float(norm(b))
    plain = list(cg(M, b, torch.zeros_like(b), iterations=2000, tolerance=share))
    assert len(steps) <= len(plain)


def test_items_end_on_their_own_and_one_that_is_good_enough_stays():
    b = right_side(3)
    enough = torch.tensor([1e-2, 0.2, 1e9], dtype=torch.float64)
    together = ended(b, enough)[-1]
    for i in range(3):
        alone = ended(b[i : i + 1], enough[i : i + 1])[-1]
        assert float(norm(together.x[i : i + 1] - alone.x)) <= 1e-9 * float(norm(alone.x))
    assert not together.x[2].any()


@pytest.mark.parametrize("share", [1e-4, 5e-4, 2e-3, 1e-2])
def test_other_roundings_end_at_almost_the_same_place(share):
    """After a hundred steps, a fifth of the bound apart at most; where plain ones stop, up to 0.7 of it."""
    b = right_side()
    found = [ended(s * b, share * norm(s * b))[-1].x / s for s in (1.0, 1 / 3, 0.7, 7.0, 1e3)]
    assert all(float(norm(x - found[0])) < 0.2 * share * float(norm(found[0])) for x in found[1:])
