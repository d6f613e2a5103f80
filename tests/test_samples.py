"""Each bundled sample loads, is what its description says, and is credited."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.core.declare import describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io import samples
from napari_mlpatch.paths import bundled


def test_names():
    assert {"tooth", "htc2022", "cosmos-shear", "brain-kspace"} == set(samples.names("measurement"))
    images = {"shepp-logan", "shepp-logan-128", "body-slice", "ct-slice", "camera", "astronaut", "kappa"}
    assert images == set(samples.names("image"))
    assert samples.names() == samples.names("image") + samples.names("measurement")


@pytest.mark.parametrize("name", samples.names("image"))
def test_images(name):
    sample, image = samples.describe(name), samples.load(name)
    assert image.dtype == np.float32 and image.shape == sample.shape
    low, high = (float(word) for word in sample.values.split(",")[0].split(" to "))
    assert image.min() == pytest.approx(low, abs=0.05) and image.max() == pytest.approx(high, abs=0.05)


@pytest.mark.parametrize("name", samples.names("image"))
def test_image_sizes_keep_the_mean(name):
    small = samples.load(name, size=96)
    assert small.shape == (96, 96) and small.dtype == np.float32
    assert small.mean() == pytest.approx(samples.load(name).mean(), rel=0.01, abs=1e-6)


@pytest.mark.parametrize("name", samples.names("measurement"))
def test_measurements(name):
    sample, problem = samples.describe(name), samples.load(name)
    assert problem.y.shape == (1, 1, *sample.shape) and problem.y.dtype in (torch.float32, torch.complex64)
    assert problem.A.range_shape == sample.shape
    assert samples.measurement(name).missing == ()
    again = mp.io.open_source(problem.source)
    assert torch.equal(again.y, problem.y) and again.A == problem.A


def test_the_tooth_is_reconstructed():
    problem = samples.load("tooth")
    assert abs(problem.A.axis_bin - 296) <= 0.7
    x = problem.A.pinv(problem.y)[0, 0].numpy()
    assert np.quantile(x, 0.97) > 5 * np.abs(np.median(x)) + 0.003  # a bright tooth in dark air


def test_the_disc_is_reconstructed():
    problem = samples.load("htc2022")
    x = problem.A.pinv(problem.y)[0, 0].numpy()
    rows, columns = np.mgrid[:512, :512] - 255.5
    radius = np.hypot(rows, columns) * problem.A.pixel_size
    inside, outside = x[radius < 30], x[(radius > 38) & (radius < 40)]
    assert np.median(inside) == pytest.approx(0.035, rel=0.2)  # acrylic, 1 / mm
    assert abs(np.median(outside)) < 0.004  # the disc has a diameter of 70 mm


def test_the_shear_of_cosmos_shows_mass():
    """Smoothed over 8 pixels, mass (the E mode) stands out of noise (the B mode), and has peaks rather than holes."""
    problem = samples.load("cosmos-shear")
    assert problem.y.is_complex() and int(problem.A.mask_values.values.sum()) == 198_781
    x = problem.A.pinv(problem.y)[0, 0]
    inside = problem.A.sampled.numpy()
    e, b = (gaussian_filter(part.numpy(), 8)[inside] for part in (x.real, x.imag))
    assert e.std() > 1.2 * b.std()
    assert (e**3).mean() > 0


def test_the_brain_is_reconstructed():
    problem = samples.load("brain-kspace")
    x = problem.A.pinv(problem.y)[0, 0].abs().numpy()
    assert float(problem.A.sampled.float().mean()) == pytest.approx(0.124, abs=1e-3)
    rows, columns = np.mgrid[-1:1:230j, -1:1:180j]
    head, air = x[np.hypot(rows, columns * 1.2) < 0.7], x[np.hypot(rows, columns) > 1.2]
    assert np.median(head) > 10 * np.median(air)


def test_units_of_the_ct_slice():
    image = samples.load("ct-slice")
    assert np.median(image[:40, :40]) == pytest.approx(0, abs=0.01)  # air
    assert np.median(image[image > 0.8]) == pytest.approx(1.0, abs=0.1)  # tissue, mostly water


def test_everything_is_credited_and_small():
    folder = bundled("sample_data")
    files = [path for path in folder.iterdir() if path.is_file()]
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in files) < 4 * 2**20
    for path in files:
        assert path.name == "README.md" or path.name in readme, f"{path.name} has no credit line"
    for name in samples.names():
        assert name in readme and samples.describe(name).credit


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: samples.load("mouth"), "no sample 'mouth'. There are: shepp-logan"),
        (lambda: samples.image("tooth"), "is a measurement"),
        (lambda: samples.problem("camera"), "is an image"),
        (lambda: samples.image("camera", size=4), "from 16 to 4096, got 4"),
        (lambda: samples.image("camera", size=10**9), "from 16 to 4096"),
        (lambda: samples.problem("tooth", centre=3), "Unknown option.*centre"),
        (lambda: samples.problem("tooth", slice=2), "from 0 to 1"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()


@pytest.mark.parametrize("name", io.simulations.names())
def test_simulated_samples_are_made_again(name):
    problem = samples.problem(name)
    assert problem.truth is not None and problem.noise_std > 0
    again = mp.io.open_source(problem.source, operator=describe(problem.A), noise=describe(problem.noise))
    assert torch.equal(again.y, problem.y)
    with pytest.raises(InputError, match="takes no options"):
        samples.problem(name, center=3)


def test_shepp_logan_30_is_the_problem_of_the_literature():
    from napari_mlpatch.operators.parallel_beam import ParallelBeam
    from napari_mlpatch.reproduce import shepp_logan

    expected, found = shepp_logan.problem(0, ParallelBeam), samples.problem("shepp-logan-30")
    assert torch.equal(found.truth, expected.truth)
    assert torch.allclose(found.y, expected.y, atol=1e-4 * float(expected.y.abs().max()))
