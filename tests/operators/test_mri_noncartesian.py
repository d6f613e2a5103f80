"""Radial and spiral MRI against the dense matrix, against Cartesian MRI, and gridding of a smooth image."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.array import Array
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.operators import MRICartesian, MRINonCartesian

RNG = np.random.default_rng(0)
KINDS = {
    "radial": {"trajectory": "radial", "spokes": 7},
    "golden": {"spokes": 6, "readout": 11},
    "spiral": {"trajectory": "spiral", "spokes": 3},
    "custom": {"trajectory": "custom", "trajectory_values": RNG.uniform(-np.pi, np.pi, (5, 8, 2))},
}


def random_image(*shape):
    return RNG.normal(size=shape) + 1j * RNG.normal(size=shape)


def smooth(n):
    """Blobs inside a disc, with a phase: neither edges of the image nor corners of k-space matter."""
    r, c = np.mgrid[:n, :n] / n - 0.5
    x = np.exp(-((r - 0.1) ** 2 + (c + 0.08) ** 2) * 60) + 0.7 * np.exp(-((r + 0.15) ** 2 + (c - 0.1) ** 2) * 150)
    return torch.tensor(x * np.exp(1j * (r + 2 * c)))[None, None]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(12, 12), (9, 14)])
def test_values(kind, shape):
    maps, x = random_image(2, *shape), random_image(*shape)
    A = MRINonCartesian(image_shape=shape, sensitivities=Array(maps), **KINDS[kind])
    y = A(torch.tensor(x)[None, None])[0, 0].numpy()
    r, c = (np.arange(n) - n // 2 for n in shape)
    phase = A.omega[:, 0, None, None] * r[:, None] + A.omega[:, 1, None, None] * c
    expected = np.einsum("krc,src->sk", np.exp(-1j * phase), maps * x) / np.sqrt(x.size)
    assert y.shape == A.range_shape
    assert np.linalg.norm(y.reshape(2, -1) - expected) < 1e-5 * np.linalg.norm(expected)


def test_at_the_frequencies_of_the_grid_it_is_cartesian():
    rows, columns = 8, 10
    r, c = ((np.arange(n) - n // 2) * 2 * np.pi / n for n in (rows, columns))
    omega = np.stack(np.broadcast_arrays(r[:, None], c), -1)
    about = {"image_shape": (rows, columns), "coils": 3}
    A = MRINonCartesian(**about, trajectory="custom", trajectory_values=Array(omega))
    full = MRICartesian(**about, acceleration=1, center_fraction=1)
    x = torch.tensor(random_image(2, 1, rows, columns))
    assert A.range_shape == full.range_shape
    assert (A(x) - full(x)).norm() < 3e-5 * x.norm()
    assert (A.normal(x) - x).norm() < 1e-6 * x.norm()
    assert A.column_norm == pytest.approx(1.0)


@pytest.mark.parametrize(
    "change", [{"trajectory": "radial", "spokes": 76}, {"spokes": 110}, {"trajectory": "spiral", "spokes": 6}], ids=str
)
@pytest.mark.parametrize("coils", [1, 3])
def test_gridding_of_a_full_scan(change, coils):
    A, x = MRINonCartesian(image_shape=(48, 48), coils=coils, **change), smooth(48)
    found = A.pinv(A(x))
    assert (found - x).norm() < 0.02 * x.norm()
    assert (A.T(A(x)) - x).norm() > 0.5 * x.norm(), "without density compensation it is blurred"


def test_repeated_spokes_share_their_weight():
    once = MRINonCartesian(image_shape=(16, 16), trajectory="radial", spokes=25)
    twice = np.repeat(once.omega.reshape(25, 32, 2), 2, axis=0)
    A = MRINonCartesian(image_shape=(16, 16), trajectory="custom", trajectory_values=Array(twice))
    np.testing.assert_allclose(A.density.reshape(25, 2, 32).sum(1).ravel(), once.density, rtol=1e-4)


def test_suggested_scan_leaves_out_three_in_four():
    A = MRINonCartesian(**MRINonCartesian.suggest((64, 64)))
    full = 64 * np.pi / 2
    assert A.range_shape[0] > 1 and 3.5 < full / A.range_shape[1] < 4.5


def test_noise_is_estimated_from_the_rim():
    problem = mp.simulate(smooth(48), MRINonCartesian(image_shape=(48, 48)), mp.noise.Gaussian(std=0.05), seed=2)
    assert problem.A.estimate_std(problem.y) == pytest.approx(0.05, rel=0.1)


def test_data_picture():
    A = MRINonCartesian(image_shape=(20, 30), trajectory="custom", trajectory_values=[[0, 0], [np.pi / 2, 0], [0, -3]])
    seen = A.data_picture(torch.tensor([[[[[3.0 + 4.0j, 0, 1]]]]]))
    assert seen.shape == (1, 1, 20, 30)
    assert np.argwhere(seen[0, 0].numpy() > 0).tolist() == [[10, 1], [10, 15]]
    assert float(seen.max()) == pytest.approx(np.log(1001))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"trajectory": "custom"}, "go together"),
        ({"trajectory_values": np.zeros((4, 2))}, "go together"),
        ({"trajectory": "custom", "trajectory_values": np.full((4, 2), 3.3)}, "4 of 4 samples lie outside the grid"),
        ({"trajectory": "custom", "trajectory_values": np.zeros((4, 3))}, r"\[samples, 2\], got float64"),
        ({"trajectory": "custom", "trajectory_values": np.zeros((1, 2, 4, 2))}, r"give \[spokes, readout, 2\]"),
        ({"trajectory": "custom", "trajectory_values": np.full((4, 2), np.inf)}, "NaN or infinite"),
        ({"sensitivities": np.ones((2, 9, 8))}, "sensitivities have shape"),
        ({"spokes": 0}, "greater than or equal to 1"),
        ({"spokes": 100_000, "readout": 1000}, "100000000 samples are too many"),
    ],
)
def test_bad_parameters(change, words):
    with pytest.raises(InputError, match=words):
        MRINonCartesian(**({"image_shape": (8, 9)} | change))
