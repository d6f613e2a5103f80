"""Cartesian MRI against NumPy's transforms with shifts written out, and against dense matrices."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.array import Array
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.operators import MRICartesian
from napari_mlpatch.operators.coil_maps import simulated_coils
from napari_mlpatch.solvers.shifted import solve_shifted

RNG = np.random.default_rng(0)


def centred(x):
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(x, axes=(-2, -1)), norm="ortho"), axes=(-2, -1))


def random_image(*shape):
    return RNG.normal(size=shape) + 1j * RNG.normal(size=shape)


@pytest.mark.parametrize("shape", [(8, 8), (7, 10), (9, 5), (1, 6)])
def test_values(shape):
    maps, mask, x = random_image(3, *shape), RNG.integers(0, 2, shape), random_image(*shape)
    mask[shape[0] // 2, shape[1] // 2] = 1
    A = MRICartesian(image_shape=shape, mask="custom", mask_values=Array(mask), sensitivities=Array(maps))
    y = A(torch.tensor(x)[None, None])
    assert y.shape == (1, 1, 3, *shape)
    np.testing.assert_allclose(y[0, 0].numpy(), mask * centred(maps * x), atol=1e-12)


def test_zero_frequency_is_in_the_middle():
    A = MRICartesian(image_shape=(6, 9), acceleration=1, center_fraction=1)
    y = A(torch.ones(1, 1, 6, 9, dtype=torch.float64))[0, 0, 0]
    assert y[3, 4].real == pytest.approx(54**0.5) and float(y.abs().sum()) == pytest.approx(54**0.5)


@pytest.mark.parametrize("kind", ["variable-density", "equispaced", "poisson-disc"])
def test_masks(kind):
    A = MRICartesian(image_shape=(32, 40), mask=kind, acceleration=4, coils=2)
    assert A.sampled.shape == (32, 40) and A.sampled.float().mean() == pytest.approx(0.25)
    assert A.column_norm == pytest.approx(0.5)
    assert MRICartesian(image_shape=(32, 40), mask=kind, acceleration=4, seed=1).sampled.ne(A.sampled).any()


def test_fully_sampled_is_unitary():
    for coils in (1, 4):
        A = MRICartesian(image_shape=(11, 8), acceleration=1, center_fraction=1, coils=coils)
        x = torch.tensor(random_image(1, 1, 11, 8))
        for found in (A.pinv(A(x)), A.normal(x)):
            assert (found - x).abs().max() < 1e-12
        assert A.norm == pytest.approx(1.0, rel=1e-5)


def test_pinv_divides_by_what_the_coils_see():
    maps = 3.0 * simulated_coils(3, (8, 9)) * np.linspace(1, 2, 9)
    maps[:, :, 0] = 0
    A = MRICartesian(image_shape=(8, 9), acceleration=1, center_fraction=1, sensitivities=Array(maps))
    x = torch.tensor(random_image(1, 1, 8, 9))
    expected = x.clone()
    expected[..., 0] = 0
    assert (A.pinv(A(x)) - expected).abs().max() < 1e-12


def test_closed_form_is_conjugate_gradients():
    A = MRICartesian(image_shape=(24, 20), mask="poisson-disc")
    b = torch.tensor(random_image(1, 1, 24, 20))
    closed = A.solve_shifted(b, 0.1)

    class Open(MRICartesian):
        closed_form = False

    cg = Open(image_shape=(24, 20), mask="poisson-disc")
    for step in solve_shifted(cg, b, 0.1, torch.zeros_like(b), iterations=50, tolerance=1e-10):
        x = step.x
    assert (x - closed).norm() < 1e-8 * closed.norm()
    assert A.closed_form and not MRICartesian(image_shape=(24, 20), coils=2).closed_form
    with pytest.raises(NotImplementedError):
        MRICartesian(image_shape=(24, 20), coils=2).solve_shifted(b, 0.1)


def test_normal_symbol_is_the_nearest_circulant():
    """Its eigenvalues are the diagonal of AᵀA in the Fourier basis, here of both signs of k at once."""
    A = MRICartesian(image_shape=(8, 9), mask="poisson-disc", acceleration=2, coils=3)
    waves = np.fft.fft2(np.eye(72).reshape(72, 8, 9), norm="ortho").conj()
    x = torch.tensor(waves)[:, None]
    diagonal = (x.conj() * A.normal(x)).sum((1, 2, 3)).real.numpy().reshape(8, 9)
    even = 0.5 * (diagonal + np.roll(diagonal[::-1, ::-1], 1, axis=(0, 1)))
    symbol = A.normal_symbol(torch.device("cpu"), torch.float64).numpy()
    np.testing.assert_allclose(symbol, even[:, :5], atol=1e-12)


def test_noise_is_estimated_from_what_was_measured():
    x = torch.zeros(64, 64)
    x[20:40, 24:44] = 1
    A = MRICartesian(image_shape=(64, 64), coils=4, mask="poisson-disc", acceleration=3)
    problem = mp.simulate(x, A, mp.noise.Gaussian(std=0.1), seed=1)
    assert problem.A.estimate_std(problem.y) == pytest.approx(0.1, rel=0.15)


def test_data_picture():
    A = MRICartesian(image_shape=(10, 12), coils=3)
    y = A(torch.tensor(random_image(2, 1, 10, 12)))
    seen = A.data_picture(y)
    assert seen.shape == (2, 1, 10, 12)
    np.testing.assert_allclose(seen.amax((-2, -1)), np.log(1001), rtol=1e-6)
    assert not seen[..., ~A.sampled].any() and not A.data_picture(torch.zeros_like(y)).any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mask": "custom"}, "go together"),
        ({"mask_values": np.ones((8, 9))}, "go together"),
        ({"mask": "custom", "mask_values": np.ones((9, 8))}, r"mask has shape \[9, 8\], the image \[8, 9\]"),
        ({"mask": "custom", "mask_values": np.zeros((8, 9))}, "zero everywhere"),
        ({"mask": "custom", "mask_values": np.full((8, 9), np.nan)}, "NaN or infinite"),
        ({"sensitivities": np.ones((2, 9, 8))}, r"sensitivities have shape \[2, 9, 8\], but \[coils, 8, 9\]"),
        ({"sensitivities": np.ones((8, 9))}, "sensitivities have shape"),
        ({"sensitivities": np.zeros((2, 8, 9))}, "all sensitivities are zero"),
        ({"sensitivities": np.ones((2, 8, 9)), "coils": 3}, "coils = 3, but there are sensitivities of 2"),
        ({"acceleration": 8, "center_fraction": 0.5}, "center_fraction = 0.5 takes 4 of 9 lines"),
        ({"acceleration": 0.5}, "greater than or equal to 1"),
        ({"coils": 0}, "greater than or equal to 1"),
        ({"mask": "circle"}, "variable-density"),
    ],
)
def test_bad_parameters(change, words):
    with pytest.raises(InputError, match=words):
        MRICartesian(**({"image_shape": (8, 9)} | change))


def test_its_symbol_is_made_once(monkeypatch):
    A, made = MRICartesian(image_shape=(12, 10), coils=3), []
    original = MRICartesian._circulant
    monkeypatch.setattr(MRICartesian, "_circulant", lambda self: made.append(1) or original(self))
    for _ in range(3):
        A.normal_symbol(torch.device("cpu"), torch.float32)
    assert made == [1]


@pytest.mark.parametrize("acceleration", [1, 2])
def test_each_item_has_its_own_shift(acceleration):
    """Also where all of k-space is measured, and the division is by one number."""
    A = MRICartesian((12, 10), acceleration=acceleration, mask="equispaced")
    b = torch.randn(3, 1, 12, 10, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
    alphas = torch.tensor([1e-3, 0.5, 7.0], dtype=torch.float64).reshape(-1, 1, 1, 1)
    x = A.solve_shifted(b, alphas)
    torch.testing.assert_close(A.normal(x) + alphas * x, b, rtol=1e-12, atol=1e-12)
