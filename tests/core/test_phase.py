"""The phase that makes complex pictures as real as possible."""

import cmath
import math

import pytest
import torch

from napari_mlpatch.core.noise_level import from_image, from_smooth
from napari_mlpatch.core.phase import phase_of
from napari_mlpatch.operators.push_pull import noise_among_kept

PHASES = [0.0, 0.4, 1.6, math.pi, 4.0, -0.01]


def pictures(*, seed=0, dtype=torch.complex128):
    """Bright discs with a smooth phase and noise, of different strengths."""
    r, c = torch.meshgrid(torch.linspace(-1, 1, 40), torch.linspace(-1, 1, 36), indexing="ij")
    random = torch.Generator().manual_seed(seed)
    x = ((r**2 + c**2 < 0.7) + 0.0) * torch.polar(torch.ones_like(r), r + 0.5 * c**2)
    x = torch.stack([x, 30.0 * x.mT.reshape(x.shape), 1e-8 * x])[:, None]
    return (x + 0.05 * x.abs().amax((2, 3), keepdim=True) * torch.randn(x.shape, generator=random)).to(dtype)


@pytest.mark.parametrize("angle", PHASES)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.complex128, 1e-12), (torch.complex64, 1e-6)])
def test_it_turns_with_the_picture(angle, dtype, bound):
    x, turn = pictures(dtype=dtype), cmath.exp(1j * angle)
    assert phase_of(x).dtype == dtype and phase_of(x).shape == (3,)
    assert (phase_of(turn * x) - turn * phase_of(x)).abs().max() < bound
    for k in range(3):
        assert torch.equal(phase_of(x[k : k + 1]), phase_of(x)[k : k + 1]), "an item alone"
    assert torch.equal(phase_of(x[0, 0]), phase_of(x[0, 0][None, None])), "a plane is one item"


def test_nothing_is_more_real():
    """Of a fine grid of phases none leaves less energy in the imaginary part; bright pixels are positive."""
    for x in pictures():
        best = (x / phase_of(x[None])[0]).imag.square().sum()
        for angle in torch.linspace(0, math.pi, 181):
            assert best <= (x * cmath.exp(-1j * float(angle))).imag.square().sum() * (1 + 1e-12)
        assert (x / phase_of(x[None])[0]).real.sum() > 0


@pytest.mark.parametrize("scale", [1e-36, 1.0, 1e36])
def test_real_numbers_stay_as_they_are(scale):
    x = scale * torch.rand(4, 1, 9, 8, generator=torch.Generator().manual_seed(0))
    x[1], x[2], x[3] = -x[1], 0.0, x[3] - x[3].mean() * 0.5
    assert phase_of(x.to(torch.complex64)).tolist() == [1, -1, 1, 1]
    whole = x.to(torch.complex64)
    assert torch.equal(whole[:1] * phase_of(whole[:1]).conj(), whole[:1])


def test_a_picture_without_a_mean_has_its_bright_pixels_positive():
    """As radio maps and k-space without its middle: the sum tells nothing."""
    x = torch.full((1, 1, 10, 10), -1.0, dtype=torch.complex128)
    x[..., 3, 4] = 99.0
    assert abs(x.sum()) < 1e-12
    assert phase_of(1j * x)[0] == pytest.approx(1j)


@pytest.mark.parametrize("angle", PHASES)
def test_levels_of_noise_do_not_hang_on_it(angle):
    y, turn = pictures()[:1], cmath.exp(1j * angle)
    mask = torch.rand(40, 36, generator=torch.Generator().manual_seed(1)) < 0.8
    for level in (from_smooth, from_image, lambda v: noise_among_kept(v, mask)):
        assert level(turn * y) == pytest.approx(level(y), rel=1e-9)
