"""Operators from Python functions: what they compute, what is wrong with them, and what recipes say of them."""

import json

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.declare import build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.interop.functions import FromFunctions, check_adjoint
from napari_mlpatch.operators import FanBeam, Identity, KaiserSquires, ParallelBeam


def sums(x):
    return x.cumsum(-1)


def sums_adjoint(y):
    return y.flip(-1).cumsum(-1).flip(-1)


def running(**more):
    return FromFunctions(
        **{"apply": sums, "adjoint": sums_adjoint, "domain_shape": (6, 8), "range_shape": (6, 8), "name": "sums"} | more
    )


def test_computes_with_the_functions():
    A = running()
    x, y = torch.randn(2, 3, 6, 8), torch.randn(2, 3, 6, 8)
    assert torch.equal(A(x), sums(x)) and torch.equal(A.T(y), sums_adjoint(y))
    assert torch.equal(A.normal(x), sums_adjoint(sums(x)))
    assert A.norm == pytest.approx(np.linalg.norm(np.tril(np.ones((8, 8))), 2), rel=0.01)
    assert check_adjoint(A) < 1e-6
    z = torch.randn(1, 1, 6, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(A, z, fast_mode=True)


def test_of_numpy():
    A = FromFunctions.of_numpy(
        lambda x: np.cumsum(x, 1),
        lambda y: np.cumsum(y[:, ::-1], 1)[:, ::-1],
        domain_shape=(6, 8),
        range_shape=(6, 8),
    )
    x = torch.randn(2, 2, 6, 8)
    assert torch.allclose(A(x), sums(x)) and A(x).dtype == torch.float32
    assert check_adjoint(A) < 1e-6


def test_complex():
    A = running(
        apply=lambda x: torch.fft.fft2(x, norm="ortho"),
        adjoint=lambda y: torch.fft.ifft2(y, norm="ortho").real,
        complex_data=True,
    )
    assert A(torch.ones(1, 1, 6, 8)).dtype == torch.complex64
    assert check_adjoint(A) < 1e-6
    B = running(apply=lambda x: 1j * x, adjoint=lambda y: -1j * y, complex_image=True, complex_data=True)
    assert check_adjoint(B) < 1e-6


def test_is_reconstructed_from_but_not_replayed(tmp_path):
    A = running()
    problem = mp.simulate(torch.rand(1, 1, 6, 8), A, mp.noise.Gaussian(relative=0.01))
    result = mp.reconstruct(problem, mp.methods.Tikhonov())
    described = json.loads(result.recipe.to_json())["operator"]
    assert described["name"] == "python:sums" and "apply" not in described["params"]
    for A in (running(), 2.0 * running()):
        with pytest.raises(InputError, match="'sums' was made from Python functions, which only the program"):
            build(operators, describe(A))
    mp.io.write_measurement(tmp_path / "m.h5", problem)
    with pytest.raises(InputError, match="made from Python functions"):
        mp.io.read_measurement(tmp_path / "m.h5")


def test_goes_into_other_operators():
    A = 2.0 * (Identity(image_shape=(6, 8)) @ running())
    x = torch.rand(1, 1, 6, 8)
    assert torch.allclose(A(x), 2 * sums(x))
    assert check_adjoint(A) < 1e-6


@pytest.mark.parametrize(
    "A",
    [
        ParallelBeam(image_shape=(16, 16), angles_deg="0:180:9", detector_count=25),
        FanBeam((16, 16), "0:360:9", 25, source_to_axis=40, source_to_detector=60),
        KaiserSquires(image_shape=(12, 16)),
    ],
    ids=lambda A: A.name,
)
def test_our_own_pass(A):
    assert check_adjoint(A) < 1e-5


@pytest.mark.parametrize(
    ("functions", "words"),
    [
        ({"adjoint": sums}, "not the adjoint of A: .* differ by"),
        ({"adjoint": lambda y: 3 * sums_adjoint(y)}, "It is 3 times the adjoint"),
        ({"adjoint": lambda y: -sums_adjoint(y)}, "It is -1 times the adjoint"),
        ({"apply": lambda x: sums(x) + 1}, "not linear: .*Take noise, offsets and clipping"),
        ({"apply": lambda x: x.clamp(min=0)}, "not linear"),
        ({"apply": lambda x: x * float("nan")}, "not linear"),
        ({"apply": lambda x: x[..., :4]}, r"apply of 'sums' gave \[1, 1, 6, 4\], a tensor of shape \[1, 1, 6, 8\]"),
        ({"apply": lambda x: x.numpy()}, "gave ndarray"),
        ({"adjoint": lambda y: torch.fft.fft2(y)}, "adjoint of 'sums' gave complex numbers: set complex_image"),
    ],
)
def test_what_is_wrong_with_them(functions, words):
    with pytest.raises(InputError, match=words):
        check_adjoint(running(**functions))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"domain_shape": ()}, "at least one size"),
        ({"range_shape": (3, 0)}, "sizes from 1 on"),
        ({"apply": 3}, "callable"),
        ({"complex_image": True}, "complex images with real data"),
    ],
)
def test_bad_input(parameters, words):
    with pytest.raises(InputError, match=words):
        running(**parameters)
