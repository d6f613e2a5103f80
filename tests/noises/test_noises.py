"""Noise models: reproducible, of the moments they promise, and clear about what they cannot do."""

import dataclasses
import json
import math

import numpy as np
import pytest
import scipy.stats
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.declare import build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.noise_level import from_smooth
from napari_mlpatch.core.registry import noises
from napari_mlpatch.noise import Noise, NoNoise, Poisson, PoissonGaussian, PoissonTransmission, ShapeNoise
from napari_mlpatch.noises.log_counts import mean_square_of_log

EXAMPLES = {
    "none": NoNoise(),
    "gaussian": mp.noise.Gaussian(relative=0.1),
    "poisson": Poisson(counts=500.0),
    "poisson-gaussian": PoissonGaussian(counts=500.0, readout=3.0),
    "poisson-transmission": PoissonTransmission(photons=5000.0),
    "shape-noise": ShapeNoise(pixel_size_arcmin=1.0),
}
each_noise = pytest.mark.parametrize("noise", EXAMPLES.values(), ids=EXAMPLES)


def smooth():
    """Non-negative line integrals, between 0.5 and 2.5."""
    t = torch.linspace(0, 6.28, 400)
    return 1.5 + (torch.sin(t)[:, None] * torch.cos(2 * t)[None, :])[None, None]


def test_every_noise_has_an_example():
    assert set(noises.names()) == set(EXAMPLES)


@each_noise
def test_same_seed_same_noise(noise):
    y = smooth()
    first = noise(y, 3)
    torch.manual_seed(99)
    assert torch.equal(noise(y, 3), first)
    assert isinstance(noise, NoNoise) or not torch.equal(noise(y, 4), first)


@each_noise
def test_global_random_numbers_are_left_alone(noise):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    noise(smooth(), 0)
    assert torch.equal(torch.rand(3), expected)


@each_noise
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shape_type_and_input(noise, dtype):
    y = smooth().to(dtype)
    before = y.clone()
    noisy = noise(y, 0)
    assert noisy.shape == y.shape and noisy.dtype == dtype and noisy.isfinite().all()
    assert torch.equal(y, before) and noisy.data_ptr() != y.data_ptr()


@each_noise
def test_level_is_the_standard_deviation(noise):
    y = smooth()
    error = noise(y, 1) - y
    assert float(error.square().mean().sqrt()) == pytest.approx(noise.level(y), rel=0.02, abs=1e-12)
    assert abs(float(error.mean())) <= 0.02 * noise.level(y)


@each_noise
def test_description(noise):
    assert build(noises, json.loads(json.dumps(describe(noise)))) == noise


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@each_noise
def test_same_noise_on_the_gpu(noise):
    assert torch.equal(noise(smooth().cuda(), 3).cpu(), noise(smooth(), 3))


def test_gaussian_moments():
    y = smooth()
    error = mp.noise.Gaussian(std=0.3)(y, 2) - y
    z = error / error.std()
    assert float(error.std()) == pytest.approx(0.3, rel=0.01)
    assert abs(float((z**3).mean())) < 0.03 and float((z**4).mean()) == pytest.approx(3, abs=0.1)
    neighbours = (z[..., 1:] * z[..., :-1]).mean()
    assert abs(float(neighbours)) < 0.01
    assert mp.noise.Gaussian(relative=0.2).level(-y) == pytest.approx(0.2 * 1.5, rel=0.01)
    assert mp.noise.Gaussian(relative=0.2, std=0.0).level(y) == 0


def test_gaussian_on_complex_data():
    y = torch.zeros(300, 300, dtype=torch.complex64)
    n = mp.noise.Gaussian(std=0.5)(y, 0)
    assert float(n.abs().square().mean().sqrt()) == pytest.approx(0.5, rel=0.01)
    assert float(n.real.std()) == pytest.approx(float(n.imag.std()), rel=0.02)


@pytest.mark.parametrize(("pixels", "sigma"), [(64, 0.0144), (128, 0.0288), (1024, 0.2306)])
def test_shape_noise_of_a_field_of_five_degrees(pixels, sigma):
    """Of a complex shear, real and imaginary part have sigma each; the E and the B mode have it as well."""
    noise = ShapeNoise(pixel_size_arcmin=300 / pixels)
    A = mp.operators.KaiserSquires(image_shape=(256, 256))
    n = noise(torch.zeros(1, 1, 256, 256, dtype=torch.complex64), 0)
    kappa = A.pinv(n)
    for part in (n.real, n.imag, kappa.real, kappa.imag):
        assert float(part.std()) == pytest.approx(sigma, rel=0.02)
    assert noise.level(n) == pytest.approx(2**0.5 * sigma, rel=5e-3)
    assert noise.level(n.real) == pytest.approx(sigma, rel=5e-3)


def test_poisson_variance_follows_the_signal():
    y = torch.tensor([0.0, 1.0, 4.0]).repeat_interleave(50_000)[None, None, None]
    noisy = Poisson(counts=100.0)(y, 0).flatten().unflatten(0, (3, -1)).double()
    assert (noisy[0] == 0).all()
    counts = noisy * 25  # the brightest value, 4, is 100 counts
    assert torch.allclose(counts, counts.round(), atol=1e-4)
    for row, expected in ((1, 25.0), (2, 100.0)):
        assert float(counts[row].mean()) == pytest.approx(expected, rel=0.01)
        assert float(counts[row].var()) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("counts", [1.0, 1e6, 1e15])
def test_poisson_at_both_ends(counts):
    noisy = Poisson(counts=counts)(smooth(), 0)
    assert noisy.isfinite().all() and (noisy >= 0).all()
    assert (noisy - smooth()).abs().max() < 12 * 2.5 / math.sqrt(counts) + 1e-5


def test_poisson_of_nothing():
    assert (Poisson()(torch.zeros(1, 1, 5, 5), 0) == 0).all() and Poisson().level(torch.zeros(1, 1, 5, 5)) == 0


def test_poisson_needs_a_positive_signal():
    y = smooth()
    y[..., 0] = -0.2
    with pytest.raises(mp.InputError, match=r"smallest value is -0\.2"):
        Poisson()(y, 0)
    y[..., 0] = -0.05  # the undershoot of a band-limited projector at a sharp edge
    noisy = Poisson()(y, 0)
    assert noisy.isfinite().all() and not noisy[..., 0].any()
    with pytest.raises(mp.InputError, match="complex"):
        Poisson()(y.to(torch.complex64), 0)


def test_signal_to_noise_ratio():
    y = smooth().to(torch.complex64) * (1 + 2j)
    noise = mp.noise.Gaussian(snr_db=20.0)
    n = (noise(y, 1) - y).to(torch.complex128)
    assert noise.level(y) == pytest.approx(0.1 * float(y.abs().square().mean().sqrt()), rel=1e-5)
    assert float(n.abs().square().mean().sqrt()) == pytest.approx(noise.level(y), rel=0.01)
    assert float(n.real.std()) == pytest.approx(noise.level(y) / math.sqrt(2), rel=0.01)
    with pytest.raises(InputError, match="not both"):
        mp.noise.Gaussian(std=1.0, snr_db=20.0)


def test_read_out_adds_to_the_counts():
    y = torch.full((1, 1, 300, 300), 2.0)
    noise = PoissonGaussian(counts=400.0, readout=15.0)
    n = (noise(y, 0) - y).double()
    assert noise.level(y) == pytest.approx(2.0 / 400.0 * math.sqrt(400.0 + 15.0**2))
    assert float(n.std()) == pytest.approx(noise.level(y), rel=0.02) and abs(float(n.mean())) < 1e-3


def test_transmission():
    """Variance of the line integral: one over the expected photons."""
    y = torch.tensor([0.0, 1.0, 3.0]).repeat_interleave(50_000)[None, None, None]
    noisy = PoissonTransmission(photons=1e5)(y, 0).flatten().unflatten(0, (3, -1)).double()
    for row, line in enumerate((0.0, 1.0, 3.0)):
        assert float(noisy[row].mean()) == pytest.approx(line, abs=2e-3)
        assert float(noisy[row].var()) == pytest.approx(math.exp(line) / 1e5, rel=0.03)


@pytest.mark.parametrize(("line", "message"), [(20.0, "Fewer than one photon"), (-30.0, "more photons than were sent")])
def test_transmission_of_the_impossible(line, message):
    with pytest.raises(mp.InputError, match=message):
        PoissonTransmission()(torch.full((1, 1, 4, 4), line), 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: mp.noise.Gaussian(relative=-0.1),
        lambda: mp.noise.Gaussian(std=math.nan),
        lambda: Poisson(counts=0),
        lambda: Poisson(counts=1e20),
        lambda: PoissonTransmission(photons=math.inf),
    ],
)
def test_impossible_parameters(make):
    with pytest.raises(InputError):
        make()


@pytest.mark.parametrize("std", [0.01, 0.3])
def test_estimate_of_the_noise(std):
    y = smooth()
    assert from_smooth(mp.noise.Gaussian(std=std)(y, 0)) == pytest.approx(std, rel=0.05)
    assert from_smooth(y) < 1e-3
    assert from_smooth(torch.rand(1, 1, 4, 2)) == 0


def test_estimate_of_the_noise_of_a_scan():
    A = mp.operators.ParallelBeam(image_shape=(64, 64), angles_deg="0:180:60", detector_count=92)
    x = torch.zeros(64, 64)
    x[16:48, 20:44] = 1.0
    problem = mp.simulate(x, A, mp.noise.Gaussian(relative=0.05), seed=0)
    assert from_smooth(problem.y) == pytest.approx(problem.noise_std, rel=0.15)


@each_noise
def test_variance_is_the_mean_square_of_the_noise(noise):
    """At each sample; the same at all where the model says nothing."""
    y = torch.tensor([0.0, 0.3, 1.0, 2.5])[None, None, None]
    many = y.repeat_interleave(40_000, -1)
    measured = (noise(many, 1) - many).double().square().unflatten(-1, (4, -1)).mean(-1)
    variance = noise.variance(y)
    expected = torch.full_like(measured, noise.level(many) ** 2) if variance is None else variance
    assert torch.allclose(measured, expected.double(), rtol=0.04)
    assert float(expected.mean()) == pytest.approx(noise.level(many) ** 2, rel=1e-5)


@pytest.mark.parametrize("n", [1.0, 1.7, 5.0, 30.0, 99.0, 101.0, 1e3, 1e5])
def test_mean_square_of_the_logarithm_of_counts(n):
    """The definition as a sum, over 12 standard deviations."""
    counts = np.arange(max(0, int(n - 12 * n**0.5)), int(n + 12 * n**0.5 + 40))
    square = (np.log(np.maximum(counts, 1)) - np.log(n)) ** 2
    expected = float((scipy.stats.poisson.pmf(counts, n) * square).sum())
    assert float(mean_square_of_log(torch.tensor([n]))) == pytest.approx(expected, rel=3e-4)


@pytest.mark.parametrize("photons", [5.0, 20.0, 300.0, 1e4, 1e6])
@pytest.mark.parametrize("model", [PoissonTransmission, Poisson, PoissonGaussian])
def test_chi_square_of_the_truth(model, photons):
    """Of a disc whose thickest part lets through (about) one photon, the truth's is 1."""
    n = 96
    r = np.hypot(*(np.mgrid[:n, :n] - (n - 1) / 2))
    x = torch.tensor((r < 36) * (0.97 * math.log(photons) / 73), dtype=torch.float32)
    A = mp.operators.ParallelBeam(image_shape=(n, n), angles_deg="0:180:120", detector_count=140)
    problem = mp.simulate(x, A, model(photons), seed=4)
    assert 0.95 < mp.metrics.reduced_chi_square(problem.truth, problem) < 1.05
    assert 0.95 < float((problem.y - A(problem.truth)).double().square().mean()) / problem.noise_std**2 < 1.05
    worse = mp.metrics.reduced_chi_square(2 * problem.truth, problem)
    assert worse > 1.1
    blind = dataclasses.replace(problem, truth=None)
    assert 0.95 < mp.metrics.reduced_chi_square(problem.truth, blind) < 1.05
    assert mp.metrics.reduced_chi_square(2 * problem.truth, blind) > 1.1
    assert mp.metrics.evaluate(problem.truth, problem)["reduced_chi_square"] < 1.05


def test_variance_refuses_nothing():
    """A poor reconstruction may predict what the model could not measure."""
    y = torch.tensor([-800.0, -1.0, 0.0, 900.0])[None, None, None]
    for noise in EXAMPLES.values():
        variance = noise.variance(y)
        assert variance is None or ((variance >= 0).all() and variance.isfinite().all())


@each_noise
def test_each_item_of_a_batch_has_its_own_level(noise):
    y = torch.cat([smooth(), 0.2 * smooth(), smooth().roll(100, -1)])
    one = noise.each(y[:1], torch.Generator().manual_seed(3))
    torch.testing.assert_close(one, noise.sample(y[:1], torch.Generator().manual_seed(3)))
    found = noise.each(y, torch.Generator().manual_seed(3))
    assert found.shape == y.shape
    for item, clean in zip(found, y, strict=True):
        level = float((item - clean).double().square().mean().sqrt())
        assert level == pytest.approx(noise.level(clean[None]), rel=0.03, abs=1e-12)


@pytest.mark.parametrize("noise", [mp.noise.Gaussian(std=0.3), mp.noise.Gaussian(snr_db=20.0), ShapeNoise()])
def test_each_item_of_complex_data(noise):
    y = torch.stack([smooth()[0], 4.0 * smooth()[0]]) * torch.exp(torch.tensor(0.7j))
    for item, clean in zip(noise.each(y, torch.Generator().manual_seed(0)), y, strict=True):
        level = float((item - clean).abs().square().mean().sqrt())
        assert level == pytest.approx(noise.level(clean), rel=0.02)


def test_a_model_that_only_samples_has_levels_for_each_item():
    class Uniform(Noise):
        def sample(self, y, generator):
            return y + y.abs().max() * (torch.rand(y.shape, generator=generator) - 0.5)

    y = torch.cat([smooth(), 0.2 * smooth()])
    noise = Uniform().each(y, torch.Generator().manual_seed(0)) - y
    for part, clean in zip(noise, y, strict=True):
        assert float(part.std()) == pytest.approx(float(clean.max()) / 12**0.5, rel=0.02)


def test_counting_noise_of_complex_batches_is_refused():
    with pytest.raises(InputError, match="complex"):
        Poisson().each(smooth().to(torch.complex64), torch.Generator())
