"""Weak lensing: the transfer function, closed forms of a lens, the round trip, masks and bad input."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.operators.kaiser_squires import KaiserSquires, transfer
from napari_mlpatch.solvers.shifted import solve_shifted

SHAPES = [(16, 16), (15, 17), (12, 20), (9, 14), (1, 8), (2, 5)]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda s: f"{s[0]}x{s[1]}")


def convergence(*shape, dtype=torch.float64):
    kappa = torch.randn(1, 1, *shape, dtype=dtype)
    return kappa - kappa.mean()


@each_shape
@pytest.mark.parametrize("signs", ["++", "+-", "-+", "--"])
def test_transfer_has_modulus_one(shape, signs):
    D = transfer(shape, signs)
    assert D[0, 0] == 0
    rest = np.abs(D.ravel()[1:])
    assert np.abs(rest - 1).max() < 1e-12
    minus = np.roll(D[::-1, ::-1], 1, (0, 1))  # D(-k): equal, so that real maps have shears of real components
    assert np.abs(D - minus).max() < 1e-12


@each_shape
def test_a_wave_is_sheared_along_its_direction(shape):
    """E-mode shear of cos(k x) is cos(k x) exp(2 i phi), phi being the angle of k from the columns' axis."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    A = KaiserSquires(image_shape=shape)
    for ky, kx in ((0, 1), (1, 0), (1, 1), (1, -1), (-1, 2)):
        if 2 * abs(ky) >= shape[0] or 2 * abs(kx) >= shape[1]:
            continue
        wave = np.cos(2 * np.pi * (ky * rows / shape[0] + kx * columns / shape[1]) + 0.3)
        phi = np.arctan2(ky / shape[0], kx / shape[1])
        gamma = A(torch.from_numpy(wave)[None, None])[0, 0].numpy()
        assert np.allclose(gamma, wave * np.exp(2j * phi), atol=1e-12)


def test_a_round_lens_shears_tangentially():
    """Inside a Gaussian lens gamma is ``-(mean inside - kappa) exp(2 i phi)``, tangential and without B mode."""
    n, width = 255, 8.0
    y, x = np.mgrid[:n, :n] - (n - 1) / 2
    r2 = x**2 + y**2
    kappa = np.exp(-r2 / (2 * width**2))
    mean_inside = 2 * width**2 / np.maximum(r2, 1e-9) * (1 - kappa)
    expected = -(mean_inside - kappa) * np.exp(2j * np.arctan2(y, x))
    A = KaiserSquires(image_shape=(n, n))
    gamma = A(torch.from_numpy(kappa)[None, None])[0, 0].numpy()
    near = (r2 > 0) & (r2 < (3 * width) ** 2)
    assert np.abs(gamma - expected)[near].max() < 0.01  # the images of the lens in the periods beside it


@each_shape
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_round_trip(shape, dtype):
    A, kappa = KaiserSquires(image_shape=shape), convergence(*shape, dtype=dtype)
    x = A.pinv(A(kappa + 0.7))
    bound = 1e-6 if dtype == torch.float32 else 1e-12
    assert (x.real - kappa).norm() < bound * kappa.norm()  # all but the mean
    assert x.imag.norm() < bound * kappa.norm()
    assert torch.equal(A.picture(x), x.real) and torch.equal(A.more_pictures(x)["B mode"], x.imag)
    assert torch.equal(A.picture(kappa), kappa) and A.more_pictures(kappa) == {}


def test_e_and_b_modes_do_not_mix():
    A = KaiserSquires(image_shape=(24, 18))
    e, b = convergence(24, 18), convergence(24, 18)
    x = A.pinv(A(torch.complex(e, b)))
    assert torch.allclose(x.real, e) and torch.allclose(x.imag, b)


def test_signs_are_those_of_the_components():
    kappa = convergence(14, 17)
    gamma = KaiserSquires(image_shape=(14, 17))(kappa)
    for signs, expected in (
        ("+-", gamma.conj()),
        ("-+", -gamma.conj()),
        ("--", -gamma),
    ):
        A = KaiserSquires(image_shape=(14, 17), signs=signs)
        assert torch.allclose(A(kappa), expected)
        assert torch.allclose(A.pinv(expected).real, kappa)


@pytest.mark.parametrize(("signs", "first", "second"), [("++", 1, 1), ("+-", 1, -1), ("-+", -1, 1), ("--", -1, -1)])
def test_signs_change_neither_mode(signs, first, second):
    """A catalogue of the same sky with other signs shows the same E and B modes."""
    e, b = convergence(14, 17), convergence(14, 17)
    gamma = KaiserSquires(image_shape=(14, 17))(torch.complex(e, b))
    A = KaiserSquires(image_shape=(14, 17), signs=signs)
    x = A.pinv(torch.complex(first * gamma.real, second * gamma.imag))
    assert torch.allclose(A.picture(x), e) and torch.allclose(A.more_pictures(x)["B mode"], b)


def test_closed_form_agrees_with_conjugate_gradients():
    A = KaiserSquires(image_shape=(20, 24))
    b = torch.randn(1, 1, 20, 24, dtype=torch.complex128) + 3.0
    masked = KaiserSquires(image_shape=(20, 24), mask="custom", mask_values=np.ones((20, 24)))
    assert A.closed_form and not masked.closed_form
    for alpha in (0.01, 1.0):
        slow = list(solve_shifted(masked, b, alpha, torch.zeros_like(b), tolerance=1e-9))[-1].x
        fast = A.solve_shifted(b, alpha)
        assert (fast - slow).norm() < 1e-6 * fast.norm()
    with pytest.raises(NotImplementedError, match="no closed form"):
        masked.solve_shifted(b, 1.0)


def test_mask():
    values = np.zeros((9, 12))
    values[2:7, 3:10] = 4.5  # galaxies for each pixel
    A = KaiserSquires(image_shape=(9, 12), mask="custom", mask_values=values)
    kappa = convergence(9, 12)
    whole = KaiserSquires(image_shape=(9, 12))(kappa)
    assert A.sampled is not None and torch.equal(A.sampled, torch.from_numpy(values > 0))
    assert torch.equal(A(kappa), whole * A.sampled)
    problem = mp.simulate(kappa, A, mp.noise.Gaussian(std=1.0))
    assert not problem.y[..., ~A.sampled].any()
    assert A.estimate_std(problem.y) == pytest.approx(float(problem.y[..., A.sampled].abs().square().mean().sqrt()))


def test_noise_level_without_a_mask():
    A = KaiserSquires(image_shape=(128, 128))
    t = torch.linspace(0, 12, 128)
    problem = mp.simulate(torch.sin(t)[:, None] * torch.cos(t), A, mp.noise.Gaussian(std=0.2))
    assert A.estimate_std(problem.y) == pytest.approx(0.2, rel=0.05)


def test_suggested_field():
    assert operators.get("kaiser-squires").suggest((100, 300)) == {"image_shape": (100, 300), "pixel_size_arcmin": 1.0}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"image_shape": (1, 1)}, "one pixel has no shear"),
        ({"image_shape": (0, 5)}, "between 1 and"),
        ({"pixel_size_arcmin": 0.0}, "greater than 0"),
        ({"mask": "custom"}, "no mask_values"),
        ({"mask_values": np.ones((8, 9))}, "the mask is none"),
        ({"mask": "custom", "mask_values": np.ones((9, 8))}, r"shape \[9, 8\], the image \[8, 9\]"),
        ({"mask": "custom", "mask_values": np.zeros((8, 9))}, "all zero"),
        ({"mask": "custom", "mask_values": -np.ones((8, 9))}, "zero or positive"),
        ({"mask": "custom", "mask_values": np.full((8, 9), np.nan)}, "NaN"),
        ({"signs": "+"}, "Input should be"),
    ],
)
def test_bad_input(parameters, words):
    with pytest.raises(InputError, match=words):
        KaiserSquires(**{"image_shape": (8, 9)} | parameters)
