"""Noise of known strength on pictures with edges."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.noise_level import from_image, from_smooth


@pytest.fixture
def edges():
    x = torch.zeros(1, 1, 96, 96, dtype=torch.float64)
    x[..., ::6] = 1.0
    x[..., 30:60, :] += 2.0
    return x


def test_edges_along_the_axes_do_not_count(edges):
    noisy = edges + 0.1 * torch.randn_like(edges)
    assert from_image(noisy) == pytest.approx(0.1, rel=0.05)
    assert from_smooth(noisy) > 0.13
    assert from_image(edges) == 0.0


def test_complex_noise(edges):
    noise = torch.randn_like(edges.to(torch.complex128))
    assert from_image(edges + 0.3 * noise) == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("shape", [(2, 4000), (4000, 2)])
def test_narrow_pictures(shape):
    assert from_image(0.5 * torch.randn(1, 1, *shape)) == pytest.approx(0.5, rel=0.1)
    assert from_image(torch.ones(1, 1, 2, 2)) == 0.0


OPERATORS = {
    "identity": mp.operators.Identity(image_shape=(160, 160)),
    "blur": mp.operators.Blur(image_shape=(160, 160)),
    "inpainting": mp.operators.Inpainting(image_shape=(160, 160)),
    "super-resolution": mp.operators.SuperResolution(image_shape=(160, 160)),
    "parallel-beam": mp.operators.ParallelBeam(image_shape=(160, 160), angles_deg="0:180:90", detector_count=230),
}


@pytest.mark.parametrize("std", [0.01, 0.03])
@pytest.mark.parametrize("name", ["shepp-logan", "camera", "ct-slice"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_level_of_data_between_0_and_1(operator, name, std):
    """Detail that fills much of a picture does not count as noise."""
    A, x = OPERATORS[operator], torch.from_numpy(np.array(mp.io.samples.image(name, 160), np.float32))
    x = x / float(A(x[None, None]).max())
    y = mp.simulate(x, A, mp.noise.Gaussian(std=std), seed=0).y
    assert A.estimate_std(y) == pytest.approx(std, rel=0.35)


@pytest.mark.parametrize("size", [20, 50, 64, 128, 400])
def test_pure_noise(size):
    noise = torch.randn(3, 1, size, size, generator=torch.Generator().manual_seed(size))
    assert from_image(0.2 * noise) == pytest.approx(0.2, rel=0.06)


def test_parts_without_noise_do_not_count():
    """A frame of zeros around a noisy picture."""
    y = 1.0 + 0.1 * torch.randn(1, 1, 200, 200, generator=torch.Generator().manual_seed(0))
    y[..., :70, :], y[..., 150:, :] = 0.0, 1.0
    assert from_image(y) == pytest.approx(0.1, rel=0.25), "blocks at the rim hold a part of the frame"


@pytest.mark.parametrize("name", ["identity", "inpainting", "super-resolution"])
def test_an_estimate_that_is_too_high_is_told(name):
    """By more than a factor of 1.5, which detail everywhere makes it; not of noise alone, nor of a drawing."""
    operators = mp.operators
    A = {
        "identity": operators.Identity((96, 96)),
        "inpainting": operators.Inpainting((96, 96)),
        "super-resolution": operators.SuperResolution((192, 192)),
    }[name]
    r, c = np.mgrid[:1:96j, :1:96j] if name != "super-resolution" else np.mgrid[:1:192j, :1:192j]
    waves = np.sin(40 * r + 25 * np.sin(9 * c)) * np.cos(60 * c + 20 * np.sin(7 * r))
    pictures = {
        "texture": 0.5 + 0.3 * waves * (0.05 + r * c),
        "drawing": 1.0 * (np.hypot(r - 0.4, c - 0.5) < 0.3),
        "nothing": 0 * r,
    }
    for std in (0.003, 0.03):
        for kind, picture in pictures.items():
            problem = mp.simulate(torch.from_numpy(picture), A, mp.noise.Gaussian(std=std), seed=1)
            unknown = mp.Problem(A, problem.y)
            is_told = any("uncertain" in remark for remark in unknown.remarks)
            assert problem.remarks == ()
            ratio = float(unknown.std) / std
            assert is_told or ratio < 1.5, (kind, std)
            if kind != "texture":
                assert not is_told and ratio < 1.5, (kind, std)
            elif std == 0.003:
                assert is_told and ratio > 1.5


def test_small_pictures_and_random_measurements_are_told():
    A = mp.operators.Identity((24, 24))
    assert "uncertain" in mp.Problem(A, torch.rand(24, 24)).remarks[0]
    assert mp.Problem(A, torch.zeros(24, 24)).remarks == ()
    A = mp.operators.CompressedSensing((16, 16), ratio=0.5)
    problem = mp.Problem(A, A(torch.rand(1, 1, 16, 16)))
    assert "cannot be told" in problem.remarks[0] and float(problem.std) == 0
    assert mp.Problem(A, problem.y, noise_std=0.1).remarks == ()
