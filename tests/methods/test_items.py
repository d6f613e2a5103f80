"""Items of a batch are independent problems, and pictures have the units of their data: over methods and operators."""

import threading

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.steps import RANDOM, draws
from napari_mlpatch.denoisers import denoiser
from napari_mlpatch.methods.plug_and_play import value_range

O, M = mp.operators, mp.methods
SHAPE = (20, 18)
MASK = np.random.default_rng(0).random(SHAPE) < 0.7

OPERATORS = {
    "parallel-beam": O.ParallelBeam(image_shape=SHAPE, angles_deg="0:180:15", detector_count=28),
    "fan-beam": O.FanBeam(SHAPE, "0:360:20", 30, source_to_axis=40, source_to_detector=60, detector_pitch=1.5),
    "blur": O.Blur(image_shape=SHAPE, width=1.2),
    "blur-valid": O.Blur(image_shape=SHAPE, width=1.0, boundary="valid"),
    "inpainting": O.Inpainting(image_shape=SHAPE),
    "super-resolution": O.SuperResolution(image_shape=SHAPE),
    "compressed-sensing": O.CompressedSensing(image_shape=SHAPE, matrix="gaussian", ratio=0.5),
    "kaiser-squires": O.KaiserSquires(image_shape=SHAPE, mask="custom", mask_values=MASK),
    "mri": O.MRICartesian(image_shape=SHAPE, acceleration=2),
    "mri-coils": O.MRICartesian(image_shape=SHAPE, coils=3, acceleration=3),
    "mri-radial": O.MRINonCartesian(image_shape=SHAPE, spokes=14, coils=2),
    "radio": O.Interferometer(image_shape=SHAPE, antennas=8, snapshots=8),
    "stacked": O.Stacked(parts=(O.Blur(image_shape=SHAPE), O.Inpainting(image_shape=SHAPE))),
}
METHODS = {
    "tikhonov": M.Tikhonov(iterations=12),
    "tv": M.TV(iterations=12, tolerance=1e-2),
    "pnp-admm": M.PnPADMM(denoiser="tv", iterations=5, falling=2, tolerance=3e-2),
    "pnp-hqs": M.PnPHQS(denoiser="tv", iterations=4, falling=2, averaging=True),
    "pnp-pgm": M.PnPPGM(denoiser="tv", iterations=4, falling=2),
    "direct": M.Direct(denoiser="tv"),
}
each_operator = pytest.mark.parametrize("A", OPERATORS.values(), ids=OPERATORS)


def pictures(A, *strengths, seed=0, channels=1):
    """Different images with edges, one for each strength."""
    random = np.random.default_rng(seed)
    found = []
    for strength in strengths:
        image = np.zeros((channels, *A.domain_shape))
        for channel in image:
            for _ in range(4):
                r, c = (random.integers(0, n - 5) for n in A.domain_shape)
                channel[r : r + 5, c : c + 5] += random.uniform(0.3, 1.0)
        found.append(strength * torch.from_numpy(image))
    x = torch.stack(found)
    return x.to(torch.complex128) if A.complex_image else x


def measured(A, *strengths, channels=1):
    """Their noisy measurements, each with noise of its own strength."""
    y = A(pictures(A, *strengths, channels=channels))
    noise = torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(1))
    size = torch.tensor(strengths, dtype=torch.float64).reshape(-1, *[1] * (y.ndim - 1))
    noisy = y + 0.02 * size * noise
    return noisy if A.sampled is None else torch.where(A.sampled.expand(A.range_shape), noisy, 0.0)


def solved(A, y, method, std=None):
    return mp.reconstruct(mp.Problem(A, y, noise_std=std), method).x


def apart(a, b):
    return float((a - b).norm() / b.norm())


@each_operator
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_slice_in_a_stack_is_the_slice_alone(A, method):
    """Beside others of a hundred times and of a third of its strength, in any place."""
    y = measured(A, 100.0, 1.0, 0.3)
    stack = solved(A, y, method)
    for i in range(3):
        assert apart(stack[i], solved(A, y[i : i + 1], method)[0]) < 1e-5
    assert apart(solved(A, y[[1, 0]], method)[0], stack[1]) < 1e-5


CUT_OFF = {
    "parallel": O.ParallelBeam((64, 64), "0:180:60", 28),
    "fan": O.FanBeam((64, 64), "0:360:80", 28, source_to_axis=100, source_to_detector=150, detector_pitch=1.5),
    "curved": O.FanBeam((64, 64), "0:360:80", 28, 90, 180, detector_pitch=2, detector="curved"),
}
QUICK = {"ramp": M.FBP(), "hann": M.FBP(window="hann"), "sharp": M.FBP(window="ramp", cutoff=0.5)}


@pytest.mark.parametrize("A", CUT_OFF.values(), ids=CUT_OFF)
@pytest.mark.parametrize("method", [*QUICK.values(), METHODS["tv"], METHODS["direct"]], ids=[*QUICK, "tv", "direct"])
def test_so_it_is_beside_objects_wider_than_the_detector(A, method):
    """Rows that end in air, beside such that are continued, by few bins and by many."""
    r, c = np.mgrid[:64, :64] - 31.5
    discs = [(np.hypot(r - 0.3, c + 0.4) < radius) * 1.0 for radius in (8, 16, 31)]
    discs.append((np.hypot(r, c / 1.5) < 13) + 0.5 * (np.hypot(r - 3, c) < 4))
    y = A(torch.from_numpy(np.stack(discs))[:, None])
    bins = A._truncation(y).bins
    assert bins[0] == 0 and min(bins[1:]) > 0 and max(bins) > 16
    stack = solved(A, y, method, 0.02)
    for i in range(4):
        assert apart(stack[i], solved(A, y[i : i + 1], method, 0.02)[0]) < 1e-5
    if "FBP" in type(method).__name__:
        channels = A.fbp(y.reshape(2, 2, *A.range_shape), method.window, method.cutoff)
        assert apart(channels.reshape(stack.shape), stack) < 1e-10


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_so_it_is_with_several_channels_and_in_single_precision(method):
    A = OPERATORS["parallel-beam"]
    y = measured(A, 100.0, 1.0, channels=2).float()
    stack = solved(A, y, method)
    assert stack.shape == (2, 2, *SHAPE) and stack.dtype == torch.float32
    assert apart(stack[1], solved(A, y[1:], method)[0]) < 1e-5


@pytest.mark.parametrize("name", ["wavelets", "nl-means", "network"])
def test_so_it_is_with_every_denoiser(name):
    A = OPERATORS["mri-coils"]
    y = measured(A, 100.0, 1.0)
    method = M.PnPADMM(denoiser=name, iterations=2)
    network = mp.weights.find("mlpatch-gray-small") if name == "network" else None
    stack, alone = (mp.reconstruct(mp.Problem(A, data), method, network).x for data in (y, y[1:]))
    assert apart(stack[1:], alone) < 1e-5


# In single precision by powers of two, which change no digit, so that only overflow is left. Other factors round
# differently, which may move a stopping point of the denoiser, itself in single precision, by an iteration.
in_other_units = pytest.mark.parametrize(
    ("scale", "kind", "bound"),
    [
        (1e-6, torch.float64, 1e-4),
        (1e6, torch.float64, 1e-4),
        (2.0**-20, torch.float32, 1e-6),
        (2.0**20, torch.float32, 1e-6),
    ],
)


@each_operator
@in_other_units
def test_pictures_scale_with_the_data(A, scale, kind, bound):
    y = measured(A, 1.0).to(kind.to_complex() if A.complex_data else kind)
    for name, method in METHODS.items():
        std = 0.02 if kind == torch.float32 else None
        scaled = solved(A, scale * y, method, std and scale * std)
        assert apart(scaled / scale, solved(A, y, method, std)) < bound, name


@each_operator
@in_other_units
def test_pictures_scale_with_the_operator(A, scale, kind, bound):
    y = measured(A, 1.0).to(kind.to_complex() if A.complex_data else kind)
    for name, method in METHODS.items():
        assert apart(solved(scale * A, y, method, 0.02) * scale, solved(A, y, method, 0.02)) < bound, name


def test_where_an_inexact_data_step_ends_does_not_hang_on_rounding():
    """Some eighty steps of conjugate gradients for a few fan-beam views, which amplify rounding: no other end."""
    A, method = OPERATORS["fan-beam"], METHODS["pnp-admm"]
    y = measured(A, 1.0)
    alone = solved(A, y, method, 0.02)
    for scale in (0.1, 7.0):
        assert apart(solved(scale * A, y, method, 0.02) * scale, alone) < 2e-5


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("method", [*METHODS.values(), M.FBP()], ids=[*METHODS, "fbp"])
def test_the_unit_of_length_does_not_matter(method, scale):
    def scan(unit):
        return O.ParallelBeam(SHAPE, "0:180:15", 28, detector_pitch=unit, pixel_size=unit)

    y = measured(scan(1.0), 1.0)
    assert apart(solved(scan(scale), y, method, 0.02) * scale, solved(scan(1.0), y, method, 0.02)) < 1e-5


def test_an_unscaled_kernel_in_other_units():
    """Its quick picture divides by the kernel as a whole, the noise's share included."""
    kernel = np.outer([1, 2, 1], [1, 3, 1]) / 20
    y = measured(O.Blur(SHAPE, "custom", kernel_values=kernel, normalise=False), 1.0)
    found = [O.Blur(SHAPE, "custom", kernel_values=s * kernel, normalise=False).pinv(y) * s for s in (1e-6, 1.0, 1e6)]
    assert apart(found[0], found[1]) < 1e-10 and apart(found[2], found[1]) < 1e-10


def test_value_ranges_have_the_units_of_the_picture():
    x = torch.full((1, 1, 5, 5), -3.0)
    assert value_range(x) == (-3.0, 0.0) and value_range(1e-6 * x) == pytest.approx((-3e-6, 0.0))
    assert value_range(-x) == (0.0, 3.0)


@pytest.mark.parametrize("name", ["nl-means", "wavelets"])
@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (1, 1), (5, 7)])
@pytest.mark.filterwarnings("error")
def test_denoisers_take_small_pictures(name, shape):
    x = torch.rand(2, 1, *shape)
    clean = denoiser(name)(x, 0.1)
    assert clean.shape == x.shape and clean.isfinite().all()


@pytest.mark.parametrize("weights", ["drunet-gray-small", "dncnn-gray-small", "mlpatch-gray-small"])
def test_hot_and_dead_pixels_do_not_spoil_what_a_network_makes_of_the_rest(weights):
    A = O.Identity(image_shape=(48, 48))
    image = torch.from_numpy(mp.io.samples.image("camera", size=48))
    y = mp.simulate(image, A, mp.noise.Gaussian(std=0.05), seed=0).y
    hot = y.clone()
    hot[..., 20:22, 30:32], hot[..., 8, 8] = 3000.0, -500.0
    network, rest = mp.weights.find(weights), torch.ones(48, 48, dtype=torch.bool)
    rest[12:30, 22:40] = rest[:17, :17] = False

    def error(data, unit=1.0):
        x = mp.reconstruct(mp.Problem(A, unit * data, noise_std=unit * 0.05), M.Direct(), network).x / unit
        return float((x[0, 0] - image)[rest].square().mean().sqrt())

    assert error(hot) < 1.05 * error(y)
    assert error(hot, 1e4) == pytest.approx(error(hot), rel=1e-3)


ILL_CONDITIONED = {
    "compressed-sensing": O.CompressedSensing(image_shape=(24, 24), matrix="gaussian", ratio=0.25),
    "mri-cartesian": O.MRICartesian(image_shape=(24, 24)),
    "radio": O.Interferometer(image_shape=(24, 24)),
}


@pytest.mark.parametrize("A", ILL_CONDITIONED.values(), ids=ILL_CONDITIONED)
def test_light_weights_in_single_precision(A):
    """By powers of ten and beside others, without a noise level: rounding errors of the data do not show."""
    y = measured(A, 1.0, 100.0).to(torch.complex64 if A.complex_data else torch.float32)
    for name in ("tikhonov", "pnp-admm", "pnp-hqs") if A.closed_form else ("tikhonov",):
        method = METHODS[name]
        alone = solved(A, y[:1], method)
        assert alone.dtype == (torch.complex64 if A.complex_image else torch.float32)
        assert apart(solved(A, y, method)[0], alone[0]) < 1e-5, name
        for scale in (1e-6, 1e4, 1e6):
            assert apart(solved(A, scale * y[:1], method) / scale, alone) < 1e-5, name
            assert apart(solved(scale * A, scale * y[:1], method), alone) < 1e-5, name


@pytest.mark.parametrize("method", [*METHODS.values(), M.FBP()], ids=[*METHODS, "fbp"])
def test_no_method_of_ours_draws_from_the_global_random_numbers(method):
    """So it runs while another thread has them for itself, a training say."""
    A = OPERATORS["parallel-beam"]
    problem = mp.Problem(A, measured(A, 1.0), noise_std=0.02)
    assert not draws(method, None)
    before, ended = torch.get_rng_state(), []
    with RANDOM:
        thread = threading.Thread(target=lambda: ended.append(mp.reconstruct(problem, method)))
        thread.start()
        thread.join(120)
        assert ended
    assert torch.equal(before, torch.get_rng_state())
