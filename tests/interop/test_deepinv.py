"""Operators to and from deepinv: a small stand-in with its interface, and deepinv itself where it is installed."""

import sys
import types

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.interop.deepinv import from_deepinv, to_deepinv
from napari_mlpatch.operators import ParallelBeam


class LinearPhysics:
    """As in deepinv: keywords pass through, and calling it adds noise."""

    def __init__(self, A, A_adjoint, noise_model=None):
        self.forward_function, self.adjoint_function, self.noise_model = A, A_adjoint, noise_model

    def A(self, x, **kwargs):
        return self.forward_function(x, **kwargs)

    def A_adjoint(self, y, **kwargs):
        return self.adjoint_function(y, **kwargs)

    def __call__(self, x):
        return self.noise_model(self.A(x))


def repeat(y):
    return y.repeat_interleave(2, -2).repeat_interleave(2, -1) / 4


def pooling(**more):
    return LinearPhysics(lambda x: torch.nn.functional.avg_pool2d(x, 2), **{"A_adjoint": repeat} | more)


@pytest.fixture
def stand_in(monkeypatch):
    """`import deepinv.physics` finds the class above."""
    package, physics = types.ModuleType("deepinv"), types.ModuleType("deepinv.physics")
    physics.LinearPhysics = LinearPhysics
    package.physics = physics
    monkeypatch.setitem(sys.modules, "deepinv", package)
    monkeypatch.setitem(sys.modules, "deepinv.physics", physics)


def test_from():
    physics = pooling()
    A = from_deepinv(physics, (8, 12))
    assert (A.domain_shape, A.range_shape, A.name) == ((8, 12), (4, 6), "python:deepinv LinearPhysics")
    x = torch.rand(2, 3, 8, 12)
    assert torch.equal(A(x), physics.A(x)) and torch.equal(A.T(A(x)), physics.A_adjoint(physics.A(x)))
    problem = mp.simulate(x, A, mp.noise.Gaussian(relative=0.01))
    assert mp.reconstruct(problem, mp.methods.Tikhonov()).metrics["psnr"] > 10


def test_to(stand_in):
    A = ParallelBeam(image_shape=(16, 16), angles_deg="0:180:9", detector_count=25)
    physics = to_deepinv(A, noise_model=lambda y: y + 1)
    x = torch.rand(1, 1, 16, 16)
    assert isinstance(physics, LinearPhysics)
    assert torch.equal(physics.A(x, mask=None), A(x)) and torch.equal(physics.A_adjoint(A(x)), A.T(A(x)))
    assert torch.equal(physics(x), A(x) + 1)


def test_there_and_back(stand_in):
    A = ParallelBeam(image_shape=(16, 16), angles_deg="0:180:9", detector_count=25)
    again = from_deepinv(to_deepinv(A), (16, 16))
    x = torch.rand(1, 1, 16, 16)
    assert again.range_shape == A.range_shape and torch.equal(again.normal(x), A.T(A(x)))


def test_two_channels_for_complex_numbers():
    physics = LinearPhysics(lambda x: x.flip(1) * torch.tensor([-1.0, 1])[:, None, None], lambda y: -physics.A(y))
    A = from_deepinv(physics, (4, 4), channels=2)
    assert A(torch.rand(1, 2, 4, 4)).shape == (1, 2, 4, 4)


def test_real_deepinv():
    try:
        from deepinv.physics import Blur
    except (ImportError, RuntimeError) as error:  # RuntimeError: torchvision for another torch
        pytest.skip(f"deepinv cannot be imported: {error}")
    blur = Blur(filter=torch.rand(1, 1, 3, 5), padding="circular")
    A = from_deepinv(blur, (20, 24))
    x = torch.rand(1, 1, 20, 24)
    assert torch.equal(A(x), blur.A(x))
    beam = ParallelBeam(image_shape=(20, 24), angles_deg="0:180:9", detector_count=33)
    physics = to_deepinv(beam)
    assert torch.equal(physics(x), beam(x)) and torch.equal(physics.A_adjoint(beam(x)), beam.T(beam(x)))
    assert float(physics.compute_sqnorm(x, verbose=False)) == pytest.approx(beam.norm**2, rel=0.05)


@pytest.mark.parametrize(
    ("physics", "words"),
    [
        (object(), "object has no A and A_adjoint"),
        (pooling(A_adjoint=lambda y: 4 * repeat(y)), "It is 4 times the adjoint"),
        (LinearPhysics(lambda x: x.mean(1, keepdim=True).repeat(1, 3, 1, 1), repeat), "the same batch and channels"),
        (LinearPhysics(lambda x: [x, x], repeat), "makes list"),
        (LinearPhysics(lambda x: x @ torch.zeros(3, 3), repeat), r"does not take images of shape \[1, 1, 8, 12\]"),
        (LinearPhysics(lambda x: x.abs(), lambda y: y), "not linear"),
    ],
)
def test_bad_input(physics, words):
    with pytest.raises(InputError, match=words):
        from_deepinv(physics, (8, 12))


def test_without_deepinv(monkeypatch):
    monkeypatch.setitem(sys.modules, "deepinv", None)
    with pytest.raises(InputError, match="pip install deepinv"):
        to_deepinv(ParallelBeam(image_shape=(4, 4), angles_deg=(0,), detector_count=4))
