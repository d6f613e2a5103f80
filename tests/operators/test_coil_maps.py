"""Simulated coils, and sensitivities estimated from the k-space of coils that are known."""

import numpy as np
import pytest

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.phantom import shepp_logan
from napari_mlpatch.io.resize import resize
from napari_mlpatch.operators.coil_maps import calibration_region, estimate_sensitivities, mask_of, simulated_coils


def kspace_of(image, maps):
    shifted = np.fft.fft2(np.fft.ifftshift(maps * image, axes=(1, 2)), norm="ortho")
    return np.fft.fftshift(shifted, axes=(1, 2))


def central(shape, size):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(n // 2 - size // 2, n // 2 - size // 2 + size) for n in shape)] = True
    return mask


@pytest.mark.parametrize("coils", [1, 2, 8])
@pytest.mark.parametrize("shape", [(20, 31), (7, 7)])
def test_simulated_coils(coils, shape):
    maps = simulated_coils(coils, shape)
    assert maps.shape == (coils, *shape)
    np.testing.assert_allclose((np.abs(maps) ** 2).sum(0), 1, rtol=1e-12)


def test_simulated_coils_are_smooth_and_differ():
    maps = simulated_coils(8, (64, 64))
    assert np.abs(np.diff(maps, axis=1)).max() < 0.1
    gram = maps.reshape(8, -1) @ maps.reshape(8, -1).conj().T / 64**2
    assert np.linalg.cond(gram) < 1e3


@pytest.mark.parametrize("shape", [(96, 80), (71, 90)])
@pytest.mark.parametrize("noise", [0.0, 0.002])
def test_estimated_sensitivities(shape, noise):
    image = resize(shepp_logan(128), shape) * np.exp(0.7j * np.linspace(-1, 1, shape[1]))
    maps = simulated_coils(6, shape)
    k = kspace_of(image, maps)
    rng = np.random.default_rng(0)
    k = (k + noise * (rng.normal(size=k.shape) + 1j * rng.normal(size=k.shape))) * central(shape, 24)
    found = estimate_sensitivities(k.astype(np.complex64))
    assert found.dtype == np.complex64 and found.shape == k.shape
    np.testing.assert_allclose((np.abs(found) ** 2).sum(0), 1, atol=5e-3)
    inside = np.abs(image) > 0.05
    overlap = np.abs((found.conj() * maps).sum(0))[inside]  # 1 where they agree, up to a phase
    assert overlap.mean() > 0.999 and np.quantile(overlap, 0.01) > 0.99
    combined = (found.conj() * maps * image).sum(0)[inside]
    assert np.abs(np.angle(combined)).mean() < 0.1, "slow phase belongs to the maps"


def test_mask_of():
    k = np.zeros((2, 3, 4), complex)
    k[1, 2, 3] = 1j
    assert mask_of(k).sum() == 1 and mask_of(k)[2, 3]


@pytest.mark.parametrize("shape", [(64, 50), (33, 41)])
def test_calibration_region(shape):
    mask = central(shape, 12)
    mask[0] = True
    rows, columns = calibration_region(mask)
    assert mask[rows, columns].all() and mask[rows, columns].shape in ((12, 12), (11, 11), (12, 11), (11, 12))
    lines = np.zeros(shape, bool)
    lines[:, shape[1] // 2 - 8 : shape[1] // 2 + 8] = True
    rows, columns = calibration_region(lines)
    assert lines[rows, columns].shape == (32, 16)


def test_unusable_kspace():
    k = np.ones((2, 40, 40), complex)
    with pytest.raises(InputError, match=r"fully sampled centre of k-space has 4 x 4 samples; at least 8 x 8"):
        estimate_sensitivities(k, central((40, 40), 4))
    k[:, 20, 20] = 0
    with pytest.raises(InputError, match="0 x 0 samples"):
        estimate_sensitivities(k)
    with pytest.raises(InputError, match="must be complex"):
        estimate_sensitivities(k.real)
