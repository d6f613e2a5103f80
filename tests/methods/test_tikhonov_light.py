"""Tikhonov with next to no weight, where AᵀA is singular, and with no tolerance: against dense least squares."""

import pytest
import torch

import napari_mlpatch as mp

O = mp.operators
SHAPE = (10, 9)
SINGULAR = {
    "inpainting": O.Inpainting(image_shape=SHAPE, mask="blocks", size=3, kept=0.5),
    "three views": O.ParallelBeam(image_shape=SHAPE, angles_deg="0:180:3", detector_count=14),
    "three views, cut off": O.ParallelBeam(image_shape=SHAPE, angles_deg="0:180:3", detector_count=8),
    "radio": O.Interferometer(image_shape=SHAPE, antennas=3, snapshots=4),
    "larger pixels": O.SuperResolution(image_shape=SHAPE),
}


def measured(A):
    x = torch.rand(1, 1, *A.domain_shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return A(x)


def dense(A, y, weight):
    """``argmin ‖A x - y‖² + weight ‖x‖²`` by a QR decomposition, over the real numbers."""
    n = SHAPE[0] * SHAPE[1]
    unit = torch.eye(n, dtype=torch.float64)
    M, b = A(unit.reshape(-1, 1, *SHAPE)).flatten(1).mT, y.flatten()
    if M.is_complex():
        M, b = torch.cat([M.real, M.imag]), torch.cat([b.real, b.imag])
    b = torch.cat([b, torch.zeros(n, dtype=torch.float64)])
    return torch.linalg.lstsq(torch.cat([M, weight**0.5 * unit]), b).solution.reshape(SHAPE)


@pytest.mark.parametrize("share", [1e-4, 1e-8, 1e-10])
@pytest.mark.parametrize("A", SINGULAR.values(), ids=SINGULAR)
def test_without_tolerance_it_ends_at_rounding_errors(A, share):
    """With the dense solution, although ``A.normal`` has errors as large as the weight."""
    y, weight = measured(A), share * A.column_norm**2
    method = mp.methods.Tikhonov(weight=weight, penalty="identity", tolerance=0.0, iterations=20_000)
    found = mp.reconstruct(mp.Problem(A, y), method)
    exact = dense(A, y, weight)
    assert found.converged and found.iterations < 20_000 and found.remark == ""
    assert float((found.x[0, 0] - exact).norm() / exact.norm()) < max(1e-6, 1e-13 / share)


@pytest.mark.parametrize("penalty", ["gradient", "identity"])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("weight", [1e-300, 1e-40, 1e-13])
@pytest.mark.parametrize("A", SINGULAR.values(), ids=SINGULAR)
def test_a_weight_that_is_lost_beside_the_data_is_said(A, weight, kind, penalty):
    """What the data do not say would be rounding errors over the weight: pictures of 1e18."""
    y = measured(A)
    y = y.to(kind.to_complex() if y.is_complex() else kind)
    method = mp.methods.Tikhonov(weight=weight, penalty=penalty, tolerance=0.0, iterations=100)
    found = mp.reconstruct(mp.Problem(A, y), method)
    assert "is lost beside AᵀA in double precision" in found.remark
    assert found.converged or "Not converged" in found.remark
    assert found.history[-1]["weight"] == pytest.approx(1e-11 * A.column_norm**2)
    assert float(found.x.abs().max()) < 100 and found.x.dtype == kind


def test_the_limit_of_iterations_is_said_without_a_tolerance():
    A = SINGULAR["three views"]
    problem = mp.Problem(A, measured(A))
    short = mp.reconstruct(problem, mp.methods.Tikhonov(weight=1e-3, tolerance=0.0, iterations=5))
    assert not short.converged and short.iterations == 5
    assert "the limit of 5 iterations came before rounding errors ended them" in short.remark


def test_all_items_end_with_their_own_solution():
    A = SINGULAR["three views"]
    y = torch.cat([measured(A), 1e-6 * measured(A), torch.zeros_like(measured(A))])
    method = mp.methods.Tikhonov(weight=1e-6, tolerance=0.0, iterations=20_000)
    found = mp.reconstruct(mp.Problem(A, y), method)
    assert found.converged and not found.x[2].any()
    assert float((found.x[1] * 1e6 - found.x[0]).norm() / found.x[0].norm()) < 1e-4


def test_a_system_that_is_not_positive_definite_ends_with_a_word():
    """As an operator of others may be, whose normal operator is not its own."""

    class Wrong(O.Identity):
        def _normal(self, x):
            return -x

    A = Wrong(image_shape=SHAPE)
    found = mp.reconstruct(mp.Problem(A, measured(A)), mp.methods.Tikhonov(weight=1e-3, penalty="identity"))
    assert not found.converged and "rounding errors are larger than what the weight adds" in found.remark
