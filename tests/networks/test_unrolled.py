"""Unrolled networks against the same iterations written out with dense matrices, and on operators of every kind."""

import functools
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.signal
import torch
import torch.nn.functional as F

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.interop.functions import FromFunctions
from napari_mlpatch.networks.unrolled import in_planes, laplacian
from napari_mlpatch.solvers.gradient import gradient, gradient_transpose

UNROLLED = ("lpd", "lgd", "projected-gradient")
SMALL = {
    "lpd": {"iterations": 2, "memory": 3, "width": 4},
    "lgd": {"iterations": 2, "memory": 2, "width": 4},
    "projected-gradient": {"iterations": 2, "filters": 2, "taps": 3},
}
ROWS, COLUMNS = 8, 6


@functools.cache
def beam() -> mp.operators.ParallelBeam:
    return mp.operators.ParallelBeam(
        image_shape=(ROWS, COLUMNS), angles_deg=(3.0, 40.0, 95.0, 140.0), detector_count=11
    )


def dense(A) -> np.ndarray:
    """The matrix of an operator, column by column."""
    count = int(np.prod(A.domain_shape))
    unit = torch.eye(count, dtype=torch.float64).reshape(count, 1, *A.domain_shape)
    return A(unit).flatten(1).T.numpy()


def randomised(name: str, **params):
    torch.manual_seed(0)
    network = networks.build(name, {**SMALL[name], **params}).double()
    for p in network.parameters():
        p.data += 0.1 * torch.randn_like(p)
    return network


def through(layers, z: np.ndarray) -> np.ndarray:
    """A sequence of convolutions and activations on ``[C, rows, columns]``, by scipy."""
    for layer in layers:
        if isinstance(layer, torch.nn.Conv2d):
            kernels, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
            z = np.stack(
                [
                    b + sum(scipy.signal.correlate2d(plane, k, mode="same") for plane, k in zip(z, kernel, strict=True))
                    for kernel, b in zip(kernels, bias, strict=True)
                ]
            )
        elif isinstance(layer, torch.nn.PReLU):
            z = np.where(z > 0, z, layer.weight.detach().numpy()[:, None, None] * z)
        else:
            z = np.maximum(z, 0)
    return z


@pytest.mark.parametrize(
    ("name", "params", "count"),
    [
        ("lpd", {}, 253_220),
        ("lgd", {}, 13_318),
        ("lgd", {"gradients": "data"}, 13_030),
        ("lgd", {"gradients": "none"}, 12_742),
        ("projected-gradient", {"filters": 0}, 20),
        ("projected-gradient", {}, 10 * (2 + 24 * (25 + 1))),
    ],
)
def test_numbers_of_parameters(name, params, count):
    assert sum(p.numel() for p in networks.outline(name, params).parameters()) == count


def test_primal_dual_written_out():
    A, network = beam(), randomised("lpd")
    y = torch.rand(1, 1, *A.range_shape, dtype=torch.float64)
    matrix, data = dense(A), y[0].numpy()
    f, h = np.zeros((3, ROWS, COLUMNS)), np.zeros((3, *A.range_shape))
    for k, x in enumerate(network.iterates(y, A)):
        measured = (matrix @ f[1].ravel()).reshape(data.shape)
        h = h + through(network.dual[k], np.concatenate([h, measured, data]))
        back = (matrix.T @ h[0].ravel()).reshape(1, ROWS, COLUMNS)
        f = f + through(network.primal[k], np.concatenate([f, back]))
        assert np.allclose(x.detach()[0, 0], f[0], atol=1e-9)


@pytest.mark.parametrize("gradients", ["none", "data", "both"])
def test_gradient_descent_written_out(gradients):
    A, network = beam(), randomised("lgd", gradients=gradients)
    y = torch.rand(1, 1, *A.range_shape, dtype=torch.float64)
    matrix = dense(A)
    f, s = A.pinv(y)[0].numpy(), np.zeros((2, ROWS, COLUMNS))
    for x in network.iterates(y, A):
        misfit = (matrix.T @ (matrix @ f.ravel() - y.numpy().ravel())).reshape(f.shape)
        smooth = gradient_transpose(gradient(torch.from_numpy(f)[None]))[0].numpy()
        told = {"none": [], "data": [misfit], "both": [misfit, smooth]}[gradients]
        change = through(network.update, np.concatenate([f, *told, s]))
        f, s = f + change[:1], np.maximum(change[1:], 0)
        assert np.allclose(x.detach()[0], f, atol=1e-9)


@pytest.mark.parametrize("nonnegative", [False, True])
def test_fixed_parameters_are_the_projected_gradient_method(nonnegative):
    A, lam, alpha = (1 / beam().norm) * beam(), 0.7, 0.2
    network = networks.build(
        "projected-gradient",
        {"iterations": 25, "filters": 0, "step": lam, "weight": alpha, "nonnegative": nonnegative},
    ).double()
    y = torch.randn(1, 1, *A.range_shape, dtype=torch.float64)
    matrix, data = dense(A), y.numpy().ravel()
    x = A.pinv(y).numpy().ravel()
    W = (1 - lam * alpha) * np.eye(x.size) - lam * matrix.T @ matrix
    for found in network.iterates(y, A):
        x = W @ x + lam * matrix.T @ data
        x = np.maximum(x, 0) if nonnegative else x
        assert np.abs(found.detach().numpy().ravel() - x).max() <= 1e-6


def test_fixed_parameters_converge_to_tikhonov_without_negative_values():
    A, alpha = (1 / beam().norm) * beam(), 0.1
    params = {"iterations": 120, "filters": 0, "step": 1.5, "weight": alpha, "nonnegative": True}
    y = torch.randn(1, 1, *A.range_shape, dtype=torch.float64)
    x = networks.build("projected-gradient", params).double()(y, A).detach().numpy().ravel()
    stacked = np.vstack([dense(A), np.sqrt(alpha) * np.eye(x.size)])
    best, _ = scipy.optimize.nnls(stacked, np.concatenate([y.numpy().ravel(), np.zeros(x.size)]))
    assert np.allclose(x, best, atol=1e-5) and (best == 0).any() and (best > 0).any()


def test_the_learned_penalty_is_a_gradient():
    """Of Σ ε² sqrt(1 + (K x / ε)²), by automatic differentiation."""
    network = randomised("projected-gradient")
    x = torch.rand(1, 1, ROWS, COLUMNS, dtype=torch.float64, requires_grad=True)
    width = network.widths()[1]
    potential = (width**2 * (1 + (F.conv2d(x, network.filters[1], padding=1) / width) ** 2).sqrt()).sum()
    (expected,) = torch.autograd.grad(potential, x)
    assert torch.allclose(network._penalty(x, 1), expected)


def test_laplacian_and_planes():
    x = torch.rand(2, 3, 5, 7, dtype=torch.float64)
    assert torch.allclose(laplacian(x), gradient_transpose(gradient(x)))
    assert torch.allclose(laplacian(x[..., :1]), gradient_transpose(gradient(x[..., :1])))
    conv = torch.nn.Conv2d(3, 2, 3, padding=1).double()
    coils = torch.rand(2, 3, 4, 5, 7, dtype=torch.float64)
    assert torch.allclose(in_planes(conv, coils), torch.stack([conv(coils[:, :, c]) for c in range(4)], 2))
    deep = torch.rand(2, 3, 4, 2, 5, 7, dtype=torch.float64)
    assert torch.allclose(in_planes(conv, deep)[:, :, 3, 1], conv(deep[:, :, 3, 1]))
    line = torch.rand(2, 3, 9, dtype=torch.float64)
    expected = F.conv1d(line, conv.weight[:, :, 1], conv.bias, padding=1)
    assert torch.allclose(in_planes(conv, line), expected)


def test_complex_pictures_are_iterated_as_complex_numbers():
    A = mp.operators.MRICartesian(image_shape=(ROWS, COLUMNS), coils=2, acceleration=2.0)
    y = A(torch.randn(1, 1, ROWS, COLUMNS, dtype=torch.complex128))
    params = {"channels": 2, "iterations": 3, "filters": 0, "step": 0.9, "weight": 0.1}
    network = networks.build("projected-gradient", params).double()
    unit = torch.eye(ROWS * COLUMNS, dtype=torch.complex128).reshape(-1, 1, ROWS, COLUMNS)
    matrix, x = A(unit).flatten(1).T.numpy(), A.pinv(y).numpy().ravel()
    for found in network.iterates(y, A):
        x = x - 0.9 * (matrix.conj().T @ (matrix @ x - y.numpy().ravel()) + 0.1 * x)
        assert found.is_complex() and np.allclose(found.detach().numpy().ravel(), x)


def suited(name: str, A, y) -> dict:
    """Channels for an operator: complex pictures and data have two for each."""
    picture = 2 if (y.is_complex() if A.complex_image is None else A.complex_image) else 1
    data = {"data_channels": 2 if y.is_complex() else 1} if name == "lpd" else {}
    return {"channels": picture, **data}


@functools.cache
def suggested(kind: str) -> Any:
    cls = operators.get(kind)
    A = cls(**cls.suggest((16, 16)))
    return (1 / A.norm) * A


KINDS = ["parallel-beam", "blur", "inpainting", "compressed-sensing", "mri-cartesian", "mri-noncartesian"]
KINDS += ["radio", "stacked", "fan-beam", "super-resolution", "kaiser-squires"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", UNROLLED)
def test_every_kind_of_operator(name, kind):
    """Items of a batch do not see each other; every parameter gets a gradient; iterates come one by one."""
    A = suggested(kind)
    x = torch.rand(2, 1, *A.domain_shape, dtype=torch.float64)
    y = A(x.to(torch.complex128) if A.complex_image else x)
    network = randomised(name, **suited(name, A, y))
    found = list(network.iterates(y, A))
    assert len(found) == network.iterations == 2
    assert found[-1].shape == x.shape and found[-1].is_complex() == A.pinv(y).is_complex()
    assert torch.allclose(network(y[1:], A), found[-1][1:], atol=1e-10)
    found[-1].abs().square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())


@pytest.mark.parametrize("name", UNROLLED)
def test_wrong_channels_and_shapes_are_refused(name):
    A = beam()
    network = networks.build(name, {**SMALL[name], "channels": 2})
    with pytest.raises(InputError, match=r"pictures with 2 channels, these data make pictures with 1"):
        network(torch.rand(1, 1, *A.range_shape), A)
    line = FromFunctions(apply=lambda x: x, adjoint=lambda y: y, domain_shape=(16,), range_shape=(16,))
    with pytest.raises(InputError, match="two-dimensional"):
        networks.build(name, SMALL[name])(torch.rand(1, 1, 16), line)


def test_data_channels_and_signs_are_refused():
    A = mp.operators.MRICartesian(image_shape=(ROWS, COLUMNS))
    y = torch.rand(1, 1, *A.range_shape, dtype=torch.complex64)
    with pytest.raises(InputError, match="data with 1 channel, these have 2"):
        networks.build("lpd", {**SMALL["lpd"], "channels": 2, "data_channels": 1})(y, A)
    params = {**SMALL["projected-gradient"], "channels": 2, "nonnegative": True}
    with pytest.raises(InputError, match="no sign"):
        networks.build("projected-gradient", params)(y, A)


@pytest.mark.parametrize("name", UNROLLED)
def test_half_precision_of_a_network_keeps_pictures_and_operators_in_full(name):
    A, network = beam(), networks.build(name, SMALL[name])
    with torch.autocast("cpu", torch.bfloat16):
        for x in network.iterates(torch.rand(1, 1, *A.range_shape), A):
            assert x.dtype == torch.float32


@pytest.mark.parametrize("name", UNROLLED)
def test_iterations_may_be_more_or_fewer_than_trained(name):
    A, network = beam(), randomised(name)
    y = torch.rand(1, 1, *A.range_shape, dtype=torch.float64)
    trained = list(network.iterates(y, A))
    network.iterations = 5
    more = list(network.iterates(y, A))
    assert len(more) == 5 and torch.equal(more[1], trained[1]) and bool(more[-1].isfinite().all())
    network.iterations = 1
    assert torch.equal(network(y, A), trained[0])
