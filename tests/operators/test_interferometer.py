"""Radio interferometry against the dense matrix, the beam of a point source, and bad coverage."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.array import Array
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.operators import Interferometer

KINDS = {
    "gaussian": {"coverage": "gaussian"},
    "array": {"antennas": 5, "snapshots": 6},
    "spiral": {"antennas": 7, "snapshots": 3, "layout": "spiral", "declination_deg": -10},
    "custom": {"coverage": "custom", "coverage_values": [[0, 0], [3.1, -3.1], [-1, 2], [np.pi, 0]]},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(12, 12), (9, 14)])
def test_values(kind, shape):
    A = Interferometer(image_shape=shape, **KINDS[kind])
    x = torch.rand(1, 1, *shape, dtype=torch.float64)
    r, c = (np.arange(n) - n // 2 for n in shape)
    phase = A.omega[:, 0, None, None] * r[:, None] + A.omega[:, 1, None, None] * c
    expected = np.einsum("krc,rc->k", np.exp(-1j * phase), x[0, 0].numpy()) / np.sqrt(x.numel())
    found = A(x)[0, 0].numpy()
    assert found.shape == A.range_shape
    assert np.linalg.norm(found - expected) < 1e-5 * np.linalg.norm(expected)


def test_number_of_visibilities():
    assert Interferometer(image_shape=(16, 16), coverage="gaussian").range_shape == (128,)
    assert Interferometer(image_shape=(16, 16), coverage="gaussian", samples=7).range_shape == (7,)
    assert Interferometer(image_shape=(16, 16), antennas=10, snapshots=3).range_shape == (135,)


@pytest.mark.parametrize("extent", [0.3, 1.0])
def test_the_longest_baseline_stays_on_the_grid(extent):
    A = Interferometer(image_shape=(16, 20), antennas=6, extent=extent)
    assert np.hypot(*A.omega.T).max() == pytest.approx(extent * np.pi)


def test_a_full_plane_gives_the_image_back():
    """Half of the frequencies of the grid: real images have the others as conjugates."""
    k = (np.arange(15) - 7) * 2 * np.pi / 15
    plane = np.stack(np.meshgrid(k, k, indexing="ij"), -1).reshape(-1, 2)
    A = Interferometer(image_shape=(15, 15), coverage="custom", coverage_values=Array(plane[112:]))
    x = torch.rand(2, 1, 15, 15, dtype=torch.float64)
    twice = 2 * A.T(A(x)) - x.mean((-2, -1), keepdim=True)  # zero frequency counts once
    assert (twice - x).norm() < 5e-5 * x.norm()


def test_dirty_image_of_a_point_source():
    x = torch.zeros(1, 1, 48, 48)
    x[..., 20, 30] = 1
    A = Interferometer(image_shape=(48, 48), coverage="gaussian", samples=20_000)
    dirty = A.pinv(A(x))
    assert int(dirty.argmax()) == 20 * 48 + 30
    assert float(dirty.max()) == pytest.approx(1.0, abs=0.15)
    assert float(dirty.sum()) == pytest.approx(1.0, abs=0.1), "flux is that of zero frequency"


@pytest.mark.parametrize("coverage", [{}, {"hours": 1.0, "antennas": 7}, {"coverage": "gaussian", "samples": 500}])
@pytest.mark.parametrize("place", [(24, 24), (5, 40)])
def test_a_point_source_peaks_at_its_flux_per_beam(coverage, place):
    """The dirty beam over its peak, wherever the source: ``sum w cos(k · d) / sum w`` at the distance d."""
    A = Interferometer(image_shape=(48, 50), brightness="beam", **coverage)
    x = torch.zeros(1, 1, 48, 50, dtype=torch.float64)
    x[0, 0, *place] = 2.5
    dirty = A.pinv(A(x))[0, 0]
    assert float(dirty[place]) == pytest.approx(2.5, rel=1e-5) and float(dirty.max()) < 2.5 * (1 + 1e-5)
    r, c = np.mgrid[:48, :50]
    phase = (A.omega[:, 0] * (r - place[0])[..., None]) + A.omega[:, 1] * (c - place[1])[..., None]
    beam = (np.cos(phase) * A.density).sum(-1) / A.density.sum()
    np.testing.assert_allclose(dirty.numpy(), 2.5 * beam, atol=1e-4)
    plain = Interferometer(image_shape=(48, 50), **coverage)
    assert float(plain.pinv(plain(x))[0, 0][place]) == pytest.approx(2.5 * A.beam_peak, rel=1e-5)


def test_noise_is_estimated_from_long_baselines():
    x = torch.zeros(1, 1, 48, 48)
    r, c = torch.meshgrid(torch.arange(48) - 24, torch.arange(48) - 20, indexing="ij")
    x[0, 0] = torch.exp(-(r**2 + c**2) / 40.0)
    problem = mp.simulate(x, Interferometer(image_shape=(48, 48)), mp.noise.Gaussian(std=0.02), seed=2)
    assert problem.A.estimate_std(problem.y) == pytest.approx(0.02, rel=0.1)


def test_data_picture_shows_conjugates():
    A = Interferometer(image_shape=(20, 30), coverage="custom", coverage_values=[[np.pi / 2, 0]])
    seen = A.data_picture(torch.tensor([[[2.0j]]]))[0, 0].numpy()
    assert np.argwhere(seen > 0).tolist() == [[5, 15], [15, 15]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"coverage": "custom"}, "go together"),
        ({"coverage_values": np.zeros((4, 2))}, "go together"),
        ({"coverage": "custom", "coverage_values": np.array([[0, 3.3]])}, "1 of 1 samples lie outside the grid"),
        ({"coverage": "custom", "coverage_values": np.zeros((2, 4, 2))}, r"give \[samples, 2\]"),
        ({"coverage": "custom", "coverage_values": np.zeros((4, 2), complex)}, "must be real numbers"),
        ({"extent": 1.2}, "less than or equal to 1"),
        ({"antennas": 1}, "greater than or equal to 2"),
        ({"antennas": 512, "snapshots": 1000}, "130816000 visibilities are too many"),
        ({"declination_deg": 91}, "less than or equal to 90"),
    ],
)
def test_bad_parameters(change, words):
    with pytest.raises(InputError, match=words):
        Interferometer(**({"image_shape": (8, 9)} | change))
