"""Ring correlation and radial spectrum against their closed forms, and halves of data against the whole."""

import math

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.frc import RingCorrelation, halves, ring_correlation
from napari_mlpatch.core.metrics import evaluate
from napari_mlpatch.core.spectrum import radial_power, ring_of
from napari_mlpatch.core.without_truth import ring_correlation_of_halves


def filtered(x, gain):
    """x with the amplitude of each frequency (cycles per pixel) multiplied by a gain."""
    f = np.hypot(np.fft.fftfreq(x.shape[0])[:, None], np.fft.fftfreq(x.shape[1])[None])
    return torch.as_tensor(np.fft.ifft2(np.fft.fft2(x) * gain(f)).real)


def test_white_noise_has_its_variance_at_every_frequency():
    f, power = radial_power(2.0 * torch.randn(40, 64, 64))
    assert f[0] == 0 and f[-1] == 0.5 and len(f) == 33
    assert torch.allclose(power[8:], torch.tensor(4.0, dtype=torch.float64), rtol=0.15)
    assert float(power[2:].mean()) == pytest.approx(4.0, rel=0.03)


def test_a_spectrum_is_found_and_keeps_the_power():
    x = filtered(np.random.default_rng(0).standard_normal((64, 96)), lambda f: 1 / (1 + 8 * f))
    f, power = radial_power(x, taper=0.0)
    assert torch.allclose(power[6:], (1 / (1 + 8 * f[6:])) ** 2, rtol=0.35)
    wave = torch.sin(2 * math.pi * 8 * torch.arange(64) / 64).expand(64, 64)
    assert int(radial_power(wave)[1].argmax()) == 8
    power = torch.fft.fft2(x - x.mean()).abs().square().mean() / x.numel()
    assert float(power) == pytest.approx(float(x.var(correction=0)), rel=1e-9)
    assert ring_of((4, 4)).tolist() == [[0, 1, 2, 1], [1, 1, 2, 1], [2, 2, 3, 2], [1, 1, 2, 1]]


def test_ring_correlation_of_a_known_pair():
    """Signal of power S(f) and independent noise of variance v: ``S / (S + v)``; 1/7 where S = v / 6."""
    random = np.random.default_rng(1)
    signal = filtered(random.standard_normal((256, 256)), lambda f: np.exp(-8 * f))
    a, b = (signal + 0.05 * torch.as_tensor(random.standard_normal((256, 256))) for _ in range(2))
    found = ring_correlation(a, b, taper=0.0)
    power = torch.exp(-16 * found.frequency)
    expected = power / (power + 0.05**2)
    assert torch.allclose(found.correlation[5:], expected[5:], atol=0.12)
    crossing = math.log(6 / 0.05**2) / 16
    assert found.resolution() == pytest.approx(1 / crossing, rel=0.06)
    assert found.resolution("half-bit") > found.resolution()
    assert ring_correlation(a, a).correlation == pytest.approx(np.ones(129))


def test_thresholds_and_resolution():
    f = torch.arange(6).double() / 10
    curve = RingCorrelation(
        f, torch.tensor([1.0, 0.9, 0.8, 0.1, 0.6, 0.5]).double(), torch.tensor([1, 8, 16, 16, 32, 32])
    )
    assert curve.resolution() == 2.0, "one ring that dips alone"
    below = RingCorrelation(f, torch.tensor([1.0, 1.0, 8 / 7 - 6 / 7, 0.0, 0.0, 0.0]).double(), curve.count)
    assert below.resolution() == pytest.approx(1 / 0.25), "halfway between two rings"
    assert RingCorrelation(f, 0 * f, curve.count).resolution() == math.inf
    # half a bit: SNR = sqrt(2) - 1 of the whole, half of it in each half data set, for many values
    snr = (math.sqrt(2) - 1) / 2
    many = RingCorrelation(f, f, torch.full((6,), 10**12)).threshold("half-bit")
    assert float(many[0]) == pytest.approx(snr / (snr + 1), abs=1e-4)


def test_impossible_pairs():
    with pytest.raises(mp.InputError, match="one shape"):
        ring_correlation(torch.rand(8, 8), torch.rand(8, 9))
    with pytest.raises(mp.InputError, match="power spectrum"):
        radial_power(torch.rand(8))


OPERATORS = [
    mp.operators.ParallelBeam((24, 24), "0:180:31", 35),
    mp.operators.FanBeam((24, 24), "0:360:40", 41, 60, 120),
    mp.operators.MRICartesian(image_shape=(24, 24), coils=5),
    mp.operators.MRINonCartesian(image_shape=(24, 24), spokes=21),
    mp.operators.Interferometer(image_shape=(24, 24), antennas=5, snapshots=7),
    mp.operators.Inpainting(image_shape=(24, 24)),
    3.0 * mp.operators.Inpainting(image_shape=(24, 24)) @ mp.operators.Blur(image_shape=(24, 24)),
]


@pytest.mark.parametrize("A", OPERATORS, ids=lambda A: type(A).__name__)
def test_halves_measure_what_the_whole_does(A):
    """Each half of the clean data is what its operator makes of the picture, and together they are all of it."""
    x = torch.rand(2, 1, *A.domain_shape, dtype=torch.complex128 if A.complex_image else torch.float64)
    whole = mp.Problem(A, A(x))
    first, second = halves(whole)
    for half in (first, second):
        assert torch.allclose(half.A(x), half.y, atol=1e-9 * float(whole.y.abs().max()))
        assert half.A.domain_shape == A.domain_shape
    power = [float(half.y.abs().square().sum()) for half in (first, second)]
    assert sum(power) == pytest.approx(float(whole.y.abs().square().sum()), rel=1e-9) and min(power) > 0.05 * sum(power)
    assert first.sample_count + second.sample_count == whole.sample_count


@pytest.mark.parametrize(
    "A",
    [
        mp.operators.Blur(image_shape=(9, 9)),
        mp.operators.MRICartesian(image_shape=(9, 9)),
        mp.operators.ParallelBeam((9, 9), (0.0,), 13),
    ],
)
def test_what_has_no_halves_says_so(A):
    x = torch.rand(1, 1, 9, 9, dtype=torch.complex64 if A.complex_image else torch.float32)
    with pytest.raises(mp.InputError, match="cannot be divided"):
        halves(mp.Problem(A, A(x)))


def test_more_noise_resolves_less():
    A = mp.operators.ParallelBeam(image_shape=(64, 64), angles_deg="0:180:90", detector_count=92)
    x = mp.io.samples.image("shepp-logan", 64)
    found = []
    for relative in (0.01, 0.2):
        problem = mp.simulate(x, A, mp.noise.Gaussian(relative=relative), seed=0)
        result = mp.reconstruct(problem, mp.methods.FBP())
        assert "frc" not in evaluate(result.x, problem)
        found.append(ring_correlation_of_halves(result.recipe, problem).resolution())
    assert 2.0 <= found[0] < found[1] < 64
