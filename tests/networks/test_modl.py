"""MoDL: its size, its steps against dense algebra, its gradient against finite differences."""

import math
from typing import Any

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.core.registry import operators

TINY = {"iterations": 3, "width": 4, "depth": 3}
SHAPE = (8, 6)
PROBLEMS = {
    "blur": (lambda: mp.operators.Blur(image_shape=SHAPE, width=1.0), 1),
    "valid blur": (lambda: mp.operators.Blur(image_shape=SHAPE, width=0.5, boundary="valid"), 1),
    "mask": (lambda: mp.operators.Inpainting(image_shape=SHAPE, kept=0.4), 1),
    "CT": (lambda: mp.operators.ParallelBeam(image_shape=SHAPE, angles_deg="0:180:5", detector_count=11), 1),
    "MRI": (lambda: operators.get("mri-cartesian")(image_shape=SHAPE, acceleration=2), 2),
    "MRI, coils": (lambda: operators.get("mri-cartesian")(image_shape=SHAPE, acceleration=2, coils=3), 2),
}


def made(name, **params):
    """A network, data for it and the operator, all in double precision; N is not 0."""
    A, channels = PROBLEMS[name][0](), PROBLEMS[name][1]
    A = (1 / A.norm) * A
    torch.manual_seed(0)
    network: Any = networks.build("modl", {**TINY, "solver_iterations": 200, **params, "channels": channels}).double()
    with torch.no_grad():
        network.residual[-1].weight.normal_(0, 0.2)
    kind = torch.complex128 if A.complex_image else torch.float64
    return network, A(torch.randn(2, 1, *SHAPE, dtype=kind)), A


def dense(A, kind):
    """AᴴA as a matrix."""
    unit = torch.eye(math.prod(SHAPE), dtype=kind).view(-1, 1, *SHAPE)
    return A.T(A(unit)).flatten(1).T


def test_the_published_number_of_parameters():
    def count(**params):
        return sum(p.numel() for p in networks.build("modl", params).parameters())

    convolutions = 2 * 64 * 9 + 64 + 3 * (64 * 64 * 9 + 64) + 64 * 2 * 9 + 2
    assert count() == convolutions + 1 == 113_155  # about 113 k, and the weight λ
    assert count(batch_norm=True) == convolutions + 1 + 2 * (4 * 64 + 2)


@pytest.mark.parametrize("name", PROBLEMS)
def test_each_step_solves_its_system(name, monkeypatch):
    monkeypatch.setattr("napari_mlpatch.networks.modl.TOLERANCE", 1e-10)
    network, y, A = made(name)
    b, weight = A.T(y), network.weight().item()
    system = dense(A, b.dtype) + weight * torch.eye(math.prod(SHAPE))
    x = b
    with torch.no_grad():
        for found in network.iterates(y, A):
            right = (b + weight * network.denoised(x)).flatten(1)
            x = torch.linalg.solve(system, right.T).T.view_as(b)
            assert torch.allclose(found, x, rtol=0, atol=1e-5 * float(x.abs().max()))


def test_before_training_it_is_iterated_tikhonov():
    """``x ← (AᵀA + λI)⁻¹ (Aᵀy + λ x)``, whose iterates go to the least-squares solution."""
    A = PROBLEMS["blur"][0]()
    network: Any = networks.build("modl", {**TINY, "channels": 1, "weight": 0.3}).double()
    truth = torch.rand(1, 1, *SHAPE, dtype=torch.float64)
    network.iterations = 4
    (x,) = [*network.iterates(A(truth), A)][-1:]
    spectrum = torch.linalg.eigvalsh(dense(A, torch.float64))
    error = (x - truth).norm() / (A.T(A(truth)) - truth).norm()
    assert 0 < error.item() <= (0.3 / (spectrum.min() + 0.3)).item() ** 4 + 1e-6


@pytest.mark.parametrize("name", ["blur", "CT", "MRI", "MRI, coils"])
def test_the_gradient_of_the_whole_network(name, monkeypatch):
    """Against central differences, in float64: of the convolutions together, of λ, and of the data."""
    monkeypatch.setattr("napari_mlpatch.networks.modl.TOLERANCE", 1e-11)
    network, y, A = made(name, width=2, depth=2, iterations=2)
    target = torch.randn_like(A.T(y))
    y.requires_grad_(True)

    def loss():
        return (network(y, A) - target).abs().square().sum()

    groups = [list(network.residual.parameters()), list(network.weight.parameters()), [y]]
    gradients = iter(torch.autograd.grad(loss(), [t for group in groups for t in group]))
    for group in groups:
        steps = [1e-5 * torch.randn_like(tensor) for tensor in group]
        expected = sum((next(gradients).conj() * step).real.sum().item() for step in steps)
        values = []
        with torch.no_grad():
            for move in (1, -2):
                for tensor, step in zip(group, steps, strict=True):
                    tensor += move * step
                values.append(loss().item())
            for tensor, step in zip(group, steps, strict=True):
                tensor += step
        assert (values[0] - values[1]) / 2 == pytest.approx(expected, rel=1e-5, abs=1e-11)


def test_batch_normalisation_is_an_option():
    network, y, A = made("blur", batch_norm=True)
    network(y, A).square().sum().backward()
    assert any(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.residual)
    assert torch.isfinite(network.eval()(y, A)).all()


def test_weights_go_on_from_one_iteration_to_more():
    """The published training: one iteration first, then ten, with the same tensors."""
    one = networks.build("modl", {**TINY, "iterations": 1})
    more: Any = networks.from_tensors("modl", {**TINY, "iterations": 10}, one.state_dict())
    assert more.iterations == 10 and more.for_iterations(1).iterations == 1
