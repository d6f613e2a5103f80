"""The noise level of k-space and visibilities, of data whose noise is known; signal reaches their ends."""

import math
from functools import cache

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.operators import Interferometer, MRICartesian, MRINonCartesian
from napari_mlpatch.operators.kspace_noise import quietest_level
from napari_mlpatch.operators.redundancy import unexplained

N = 96
SIZE = {"image_shape": (N, N)}
FULL = {"mask": "custom", "mask_values": np.ones((N, N))}
LINES = {"acceleration": 8, "center_fraction": 0.04}
SCANS = {
    "one coil, all of k-space": MRICartesian(**SIZE, **FULL),
    "one coil, columns": MRICartesian(**SIZE),
    "one coil, rows in even steps": MRICartesian(**SIZE, mask="equispaced", direction="rows"),
    "one coil, Poisson disc": MRICartesian(**SIZE, mask="poisson-disc", **LINES),
    "four coils, all of k-space": MRICartesian(**SIZE, coils=4, **FULL),
    "four coils, columns": MRICartesian(**SIZE, coils=4),
    "eight coils, one row in eight": MRICartesian(**SIZE, coils=8, direction="rows", **LINES),
    "eight coils, Poisson disc": MRICartesian(**SIZE, coils=8, mask="poisson-disc", **LINES),
    "radial": MRINonCartesian(**SIZE, trajectory="radial", spokes=40),
    "golden angles, no oversampling": MRINonCartesian(**SIZE, spokes=40, readout=N),
    "golden angles, four coils": MRINonCartesian(**SIZE, spokes=24, coils=4),
    "spirals": MRINonCartesian(**SIZE, trajectory="spiral", spokes=6),
    "array": Interferometer(**SIZE),
    "array of a low source": Interferometer(**SIZE, declination_deg=-10.0, layout="spiral"),
    "short array run": Interferometer(**SIZE, hours=2.0, snapshots=30),
    "random visibilities": Interferometer(**SIZE, coverage="gaussian"),
}


@cache
def image(name):
    """From 0 to 1."""
    x = torch.from_numpy(np.array(mp.io.samples.image(name, N), np.float32))
    return (x - x.min()) / (x.max() - x.min())


@pytest.mark.parametrize(("name", "std"), [("shepp-logan", 0.003), ("camera", 0.003), ("camera", 0.03)])
@pytest.mark.parametrize("scan", SCANS)
def test_level_of_an_image_between_0_and_1(scan, name, std):
    problem = mp.simulate(image(name), SCANS[scan], mp.noise.Gaussian(std=std), seed=3)
    assert problem.A.estimate_std(problem.y) == pytest.approx(std, rel=0.25)


R, C = np.mgrid[:N, :N]
OF_FEW_FREQUENCIES = {
    "disc": np.hypot(R - N / 2, C - N / 2) < 0.35 * N,
    "stripes": 0.5 + 0.5 * np.sin(1.1 * C),
}


@pytest.mark.parametrize("name", OF_FEW_FREQUENCIES)
def test_level_of_pictures_that_least_squares_find_slowly(name):
    """What is fitted to few frequencies may amplify the others, and falls in steps, with plateaus between them."""
    A = Interferometer(**SIZE, layout="spiral", antennas=16)
    x = torch.from_numpy(OF_FEW_FREQUENCIES[name].astype(np.float32))
    problem = mp.simulate(x, A, mp.noise.Gaussian(std=0.003), seed=7)
    assert A.estimate_std(problem.y) == pytest.approx(0.003, rel=0.25)


def waves():
    """A smooth phase."""
    r, c = torch.meshgrid(torch.linspace(0, 1, N), torch.linspace(0, 1, N), indexing="ij")
    return torch.polar(torch.ones(N, N), 2.0 * torch.sin(3 * r + 1) + 4 * r * c)


@pytest.mark.parametrize(
    "scan", [name for name in SCANS if "array" not in name and "visib" not in name and not name.startswith("one coil,")]
)
def test_level_of_a_complex_image(scan):
    if scan == "golden angles, no oversampling":
        pytest.skip("nothing is redundant: see the next test")
    problem = mp.simulate(image("camera") * waves(), SCANS[scan], mp.noise.Gaussian(std=0.003), seed=3)
    assert problem.A.estimate_std(problem.y) == pytest.approx(0.003, rel=0.25)


def test_one_coil_and_a_complex_image():
    """All of k-space shows the quiet parts of the picture; lines of it show rows that are empty."""
    x = image("shepp-logan") * waves()
    for A in (SCANS["one coil, all of k-space"], SCANS["one coil, rows in even steps"]):
        problem = mp.simulate(x, A, mp.noise.Gaussian(std=0.003), seed=3)
        assert 0.002 < problem.A.estimate_std(problem.y) < 0.0045
    A = SCANS["one coil, Poisson disc"]
    assert quietest_level(mp.simulate(x, A).y, A._mask) == math.inf


@pytest.mark.parametrize("phase", [0.0, 1.0, 2.5])
def test_a_constant_phase_is_found(phase):
    x = image("camera") * torch.polar(torch.tensor(1.0), torch.tensor(phase))
    problem = mp.simulate(x, SCANS["one coil, Poisson disc"], mp.noise.Gaussian(std=0.01), seed=1)
    assert problem.A.estimate_std(problem.y) == pytest.approx(0.01, rel=0.15)


@pytest.mark.parametrize("shape", [(31, 48), (40, 33)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_level_scales_with_the_data_in_any_shape(shape, dtype):
    x = torch.rand(2, 1, *shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    for A in (
        MRICartesian(image_shape=shape, coils=3),
        MRICartesian(image_shape=shape),
        MRINonCartesian(image_shape=shape, spokes=20),
        Interferometer(image_shape=shape, antennas=12),
    ):
        y = mp.simulate(x, A, mp.noise.Gaussian(std=0.02), seed=0).y
        level = A.estimate_std(y)
        assert level == pytest.approx(0.02, rel=0.3)
        assert A.estimate_std(1e5 * y) == pytest.approx(1e5 * level, rel=1e-3)
        assert A.estimate_std(0 * y) == 0.0


class Dense(Operator):
    """A matrix, badly conditioned."""

    domain_shape, range_shape = (30,), (80,)

    def __init__(self):
        random = np.random.default_rng(0)
        self.matrix = torch.from_numpy(random.normal(size=(80, 30)) * np.logspace(0, -2, 30))

    def _apply(self, x):
        return x @ self.matrix.mT

    def _adjoint(self, y):
        return y @ self.matrix


def test_unexplained_agrees_with_least_squares():
    """The residual's energy over the number of values that no image explains, but for the largest tenth of them."""
    A = Dense()
    random = np.random.default_rng(1)
    x, noise = random.normal(size=(50, 1, 30)) * 10, random.normal(size=(50, 1, 80)) * 0.1
    y = torch.from_numpy(x) @ A.matrix.mT + torch.from_numpy(noise)
    fit = np.linalg.lstsq(A.matrix.numpy(), y[:, 0].numpy().T, rcond=None)[0]
    residual = y[:, 0].numpy().T - A.matrix.numpy() @ fit
    level, share = unexplained(A, y)
    assert level == pytest.approx(math.sqrt((residual**2).sum() / (50 * 50)), rel=0.02)
    assert share == pytest.approx(50 / 80, rel=0.05)


def test_nothing_unexplained():
    A = SCANS["one coil, Poisson disc"]
    y = mp.simulate(image("camera"), A, mp.noise.Gaussian(std=0.1), seed=0).y
    assert unexplained(A, y)[0] == math.inf, "a complex image explains every sample of a single coil"


def computed(A, x):
    """k-space of a picture with its noise, of single precision."""
    return A(x[None, None].to(torch.complex64))


def noisy(name, std, *, seed=0):
    return image(name) + std * torch.randn(N, N, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("phase", [0.0, 1.0])
@pytest.mark.parametrize("std", [0.02, 0.1])
@pytest.mark.parametrize("name", ["shepp-logan", "camera"])
@pytest.mark.parametrize("scan", ["one coil, all of k-space", "one coil, columns"])
def test_level_of_k_space_computed_from_a_real_picture(scan, name, std, phase):
    """Opposite samples are conjugate, noise and all, so that a real image explains the noise as well.

    Where only lines are measured, their outer ones still hold signal: too high at a low level.
    """
    y = computed(SCANS[scan], noisy(name, std) * torch.polar(torch.tensor(1.0), torch.tensor(phase)))
    level = SCANS[scan].estimate_std(y)
    assert 0.7 * std < level < (2.0 if "columns" in scan and std < 0.1 else 1.3) * std


@pytest.mark.parametrize("scan", ["one coil, all of k-space", "one coil, columns"])
def test_level_of_k_space_computed_from_a_magnitude(scan):
    """Noise in the air of a magnitude has 0.655 of the level, that of the object all of it."""
    x = torch.complex(noisy("shepp-logan", 0.05), noisy("shepp-logan", 0.05, seed=1) - image("shepp-logan")).abs()
    assert 0.65 * 0.05 < SCANS[scan].estimate_std(computed(SCANS[scan], x)) < 1.3 * 0.05


def test_level_of_points_of_k_space_computed_from_a_real_picture():
    y = computed(SCANS["one coil, Poisson disc"], noisy("camera", 0.1))
    assert SCANS["one coil, Poisson disc"].estimate_std(y) == pytest.approx(0.1, rel=0.25)


@pytest.mark.parametrize("name", ["shepp-logan", "camera"])
@pytest.mark.parametrize(
    "scan", ["four coils, columns", "eight coils, Poisson disc", "radial", "golden angles, four coils"]
)
def test_level_of_undersampled_or_radial_data_computed_from_a_magnitude(scan, name):
    """Its image explains the noise as well; a sample's is that of the picture's noise, as the coils see it."""
    A, noise = SCANS[scan], noisy(name, 0.1) - image(name)
    pure = computed(A, noise)
    measured = pure.abs() > 0
    std = float(pure[measured].abs().square().mean().sqrt())
    level = A.estimate_std(computed(A, noisy(name, 0.1).abs()))
    assert 0.5 * std < level < 1.5 * std, "of a magnitude's noise, a part is lost in the air"


@pytest.mark.parametrize("imaginary", [0.0, 1.0])
@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_masked_or_clipped_parts_of_the_picture_do_not_count(imaginary, fill):
    """A disc of noise in a frame without any; where its noise is complex, no real picture explains it."""
    r = torch.arange(N) - N // 2
    noise = torch.complex(noisy("camera", 0.05), imaginary * (noisy("camera", 0.05, seed=1) - image("camera")))
    x = torch.where(r[:, None] ** 2 + r**2 < (0.4 * N) ** 2, noise, torch.tensor(fill, dtype=noise.dtype))
    A = SCANS["one coil, all of k-space"]
    std = 0.05 * math.hypot(1.0, imaginary)
    assert A.estimate_std(computed(A, x)) == pytest.approx(std, rel=0.35)
    assert A.estimate_std(1e-6 * computed(A, x)) == pytest.approx(1e-6 * std, rel=0.35)


def test_a_phantom_without_noise():
    A = SCANS["one coil, all of k-space"]
    assert A.estimate_std(computed(A, image("shepp-logan"))) < 1e-6
    assert A.estimate_std(computed(A, torch.ones(N, N))) < 1e-6
    assert A.estimate_std(computed(A, image("camera"))) < 0.003, "what the quietest part of the photograph holds"
