"""What a problem accepts and refuses."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.problem import sha256


@pytest.fixture
def A():
    return mp.operators.ParallelBeam(image_shape=(6, 7), angles_deg="0:180:4", detector_count=10)


@pytest.mark.parametrize("shape", [(4, 10), (1, 4, 10), (1, 1, 4, 10)])
def test_missing_batch_and_channel_are_added(A, shape):
    assert mp.Problem(A, torch.zeros(shape)).y.shape == (1, 1, 4, 10)
    assert mp.Problem(A, torch.zeros(4, 10), truth=torch.zeros(6, 7)).truth.shape == (1, 1, 6, 7)


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        (np.zeros((4, 10)), torch.float64),
        (np.zeros((4, 10), np.float32), torch.float32),
        (np.zeros((4, 10), np.uint16), torch.float32),
        (torch.zeros(4, 10, dtype=torch.bool), torch.float32),
        ([[0] * 10] * 4, torch.float32),
    ],
)
def test_types(A, given, dtype):
    assert mp.Problem(A, given).y.dtype == dtype


@pytest.mark.parametrize("shape", [(10, 4), (4, 9), (4,), (0, 1, 4, 10), (2, 1, 1, 4, 10), ()])
def test_wrong_shapes(A, shape):
    with pytest.raises(mp.InputError, match=r"measurement has shape .* needs \[batch, channel, 4, 10\]"):
        mp.Problem(A, torch.zeros(shape))


def test_truth_and_measurement_must_match(A):
    with pytest.raises(mp.InputError, match=r"\[2, 1\], the measurement \[1, 1\]"):
        mp.Problem(A, torch.zeros(4, 10), truth=torch.zeros(2, 1, 6, 7))
    with pytest.raises(mp.InputError, match="truth has shape"):
        mp.Problem(A, torch.zeros(4, 10), truth=torch.zeros(7, 6))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_no_numbers(A, value):
    y = torch.zeros(4, 10)
    y[1, 2] = value
    with pytest.raises(mp.InputError, match=r"holds 1 NaN or infinite value\(s\), the first at index \[0, 0, 1, 2\]"):
        mp.Problem(A, y)
    truth = torch.full((6, 7), value)
    with pytest.raises(mp.InputError, match="truth holds 42 NaN"):
        mp.Problem(A, torch.zeros(4, 10), truth=truth)


@pytest.mark.parametrize("std", [-1.0, float("nan"), float("inf")])
def test_impossible_noise(A, std):
    with pytest.raises(mp.InputError, match="noise standard deviation"):
        mp.Problem(A, torch.zeros(4, 10), noise_std=std)


def test_fingerprint(A):
    y = torch.rand(1, 1, 4, 10)
    prints = {sha256(y), sha256(y.double()), sha256(y.mT), sha256(y + 1e-7), sha256(y.reshape(1, 1, 10, 4))}
    assert len(prints) == 5
    strided = torch.rand(1, 1, 10, 4).mT
    assert sha256(strided) == sha256(strided.contiguous())
    problem = mp.Problem(A, y)
    assert problem.fingerprint == sha256(y) == mp.Problem(A, y[0, 0]).fingerprint
    assert problem.same_as(mp.Problem(A, y.clone())) and not problem.same_as(mp.Problem(A, y + 1))
    other = mp.operators.ParallelBeam(image_shape=(6, 7), angles_deg="0:90:4", detector_count=10)
    assert not problem.same_as(mp.Problem(other, y))


def test_is_frozen_and_moves(A):
    problem = mp.Problem(A, torch.zeros(4, 10), truth=torch.ones(6, 7), noise_std=0.1)
    with pytest.raises(AttributeError):
        problem.y = torch.ones(4, 10)
    there = problem.to("cpu")
    assert there.noise_std == 0.1 and torch.equal(there.truth, problem.truth)


def test_simulate(A):
    image = np.ones((6, 7), np.uint8)
    problem = mp.simulate(image, A, mp.noise.Gaussian(std=0.5), seed=4, source={"kind": "sample", "name": "ones"})
    again = mp.simulate(torch.ones(1, 1, 6, 7), A, mp.noise.Gaussian(std=0.5), seed=4)
    assert torch.equal(problem.y, again.y) and problem.noise_std == 0.5
    assert not torch.equal(problem.y, mp.simulate(image, A, mp.noise.Gaussian(std=0.5), seed=5).y)
    assert problem.source["image"] == {"kind": "sample", "name": "ones"} and problem.source["seed"] == 4
    assert problem.source["image_sha256"] == sha256(problem.truth)
    clean = mp.simulate(image, A)
    assert torch.equal(clean.y, A(clean.truth)) and clean.noise_std == 0
    with pytest.raises(mp.InputError, match="image of shape"):
        mp.simulate(np.ones((7, 6)), A)
    with pytest.raises(mp.InputError):
        mp.simulate(np.full((6, 7), np.nan), A)


def test_fingerprint_reads_the_memory_itself():
    """The same number as of a copy, for any layout and type; 1 copy of 64 MB would show in the traced memory."""
    import hashlib
    import tracemalloc

    for x in (torch.rand(3, 4).T, torch.rand(2, 3, dtype=torch.complex64), torch.rand(5)[::2], torch.tensor(2.0)):
        array = x.contiguous().numpy()
        text = f"{array.dtype.str}{list(array.shape)}".encode() + array.tobytes()
        assert sha256(x) == hashlib.sha256(text).hexdigest()
    large = torch.zeros(4, 2000, 2000)
    tracemalloc.start()
    sha256(large)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_samples_and_their_noise():
    mask = [[k % 4 == 0] * 16 for k in range(16)]
    A = mp.operators.MRICartesian(image_shape=(16, 16), mask="custom", mask_values=mask, coils=2)
    y = torch.zeros(1, 1, *A.range_shape, dtype=torch.complex64)
    problem = mp.Problem(A, y, noise_std=0.5)
    assert problem.sample_count == 2 * 4 * 16
    assert problem.noise_norm == pytest.approx(0.5 * 128**0.5)
    whole = mp.Problem(mp.operators.Identity(image_shape=(3, 4)), torch.zeros(3, 4))
    assert whole.sample_count == 12 and whole.noise_norm != whole.noise_norm


def test_the_noise_is_estimated_once_for_all_runs_and_devices(A, monkeypatch):
    """A run moves its problem to a device, which may be where it is; what it finds there is known afterwards."""
    calls, estimate = [], type(A).estimate_std
    monkeypatch.setattr(type(A), "estimate_std", lambda self, y: calls.append(1) or estimate(self, y))
    y = 0.1 * torch.randn(2, 1, 4, 10, generator=torch.Generator().manual_seed(0))
    problem = mp.Problem(A, y)
    first = mp.reconstruct(problem, mp.methods.TV(iterations=2))
    again = mp.reconstruct(problem, mp.methods.TV(iterations=2))
    assert len(calls) == 2, "one for each item"
    assert torch.equal(first.x, again.x)
    assert problem.to("cpu").std.tolist() == problem.std.tolist() == [estimate(A, item[None]) for item in y]
    assert len(calls) == 2
    assert mp.Problem(A, 2 * y).std.tolist() == pytest.approx((2 * problem.std).tolist())
