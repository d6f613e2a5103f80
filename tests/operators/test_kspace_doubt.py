"""The noise of one coil's k-space of complex pictures that have no quiet part: found, or said to be doubtful."""

import math

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.operators import MRICartesian, mri_cartesian, redundancy
from napari_mlpatch.operators.kspace_doubt import UPPER_BOUND
from napari_mlpatch.operators.kspace_noise import quadrature_level, quietest_level

N = 96
SIZE = {"image_shape": (N, N)}
ALL = MRICartesian(**SIZE, mask="custom", mask_values=np.ones((N, N)))
PARTS = {
    "columns": MRICartesian(**SIZE),
    "rows in even steps": MRICartesian(**SIZE, mask="equispaced", direction="rows"),
    "points": MRICartesian(**SIZE, mask="poisson-disc"),
}


def sample(name):
    x = torch.from_numpy(np.array(mp.io.samples.image(name, N), np.float32))
    return (x - x.min()) / (x.max() - x.min())


def texture(seed=0):
    """From 0 to 1, with detail of all sizes in every place."""
    radius = np.hypot(*(np.fft.fftfreq(N)[index] * N for index in (np.s_[:, None], np.s_[None, :])))
    spectrum = np.fft.fft2(np.random.default_rng(seed).normal(size=(N, N))) / (1 + radius / 6) ** 1.2
    x = np.fft.ifft2(spectrum).real
    return torch.from_numpy((x - x.min()) / np.ptp(x)).float()


def place():
    return torch.meshgrid(torch.linspace(0, 1, N), torch.linspace(0, 1, N), indexing="ij")


def turned(x, phase):
    return torch.polar(x, phase)


R, C = place()
PHASES = {
    "waves": 2.0 * torch.sin(3 * R + 1) + 4 * R * C,
    "ramp": 6 * R - 4 * C,
    "bump": 2.5 * torch.exp(-((R - 0.4) ** 2 + (C - 0.6) ** 2) / 0.05),
}


def measured(A, x, std, seed=3):
    return mp.simulate(x, A, mp.noise.Gaussian(std=std), seed=seed).y


@pytest.mark.parametrize("std", [0.003, 0.01, 0.03])
@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)
@pytest.mark.parametrize(
    "x", [texture(), sample("camera"), sample("shepp-logan")], ids=["texture", "camera", "phantom"]
)
def test_all_of_k_space_of_a_picture_with_a_smooth_phase(x, phase, std):
    y = measured(ALL, turned(x, phase), std)
    assert ALL.estimate_std(y) == pytest.approx(std, rel=0.3)
    assert ALL.noise_remark(y) == ""


def test_the_quietest_part_alone_is_many_times_too_high():
    y = measured(ALL, turned(texture(), PHASES["waves"]), 0.003)
    assert quietest_level(y, ALL._mask) > 5 * 0.003


@pytest.mark.parametrize("scale", [1e-6, 1e5])
@pytest.mark.parametrize("angle", [0.0, 1.0, 3.0])
def test_units_and_a_constant_phase_change_nothing(scale, angle):
    y = measured(ALL, turned(texture(), PHASES["waves"]), 0.01)
    factor = scale * torch.polar(torch.tensor(1.0), torch.tensor(angle))
    assert ALL.estimate_std(factor * y) == pytest.approx(scale * ALL.estimate_std(y), rel=1e-3)


@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)
@pytest.mark.parametrize("name", ["shepp-logan", "camera"])
def test_noise_of_one_phase_is_no_noise_at_right_angles_to_it(name, phase):
    """A noisy magnitude with a smooth phase: next to nothing of its noise is out of phase."""
    x = sample(name) + 0.05 * torch.randn(N, N, generator=torch.Generator().manual_seed(0))
    y = ALL(turned(torch.ones(N, N), phase)[None, None] * x)
    assert quadrature_level(y, ALL._mask) == math.inf
    assert 0.5 * 0.05 < ALL.estimate_std(y) < 1.5 * 0.05


@pytest.mark.parametrize("scan", [ALL, *PARTS.values()], ids=["all", *PARTS])
@pytest.mark.parametrize("name", ["shepp-logan", "camera", "ct-slice"])
def test_nothing_is_said_of_pictures_of_one_phase(scan, name):
    for std in (0.003, 0.01, 0.03):
        for angle in (0.0, 2.0):
            y = measured(scan, turned(sample(name), torch.full((N, N), angle)), std)
            assert scan.noise_remark(y) == ""
            assert scan.estimate_std(y) == pytest.approx(std, rel=0.25)


def test_nothing_is_said_of_several_coils():
    A = MRICartesian(**SIZE, coils=4)
    assert A.noise_remark(measured(A, turned(texture(), PHASES["waves"]), 0.003)) == ""


TOO_FEW = {
    "one column in eight": MRICartesian(**SIZE, acceleration=8, center_fraction=0.04),
    "points at random": MRICartesian(**SIZE, mask="custom", mask_values=np.random.default_rng(3).random((N, N)) < 0.25),
}
ROUGH = 6.0 * torch.sin(40 * R) * torch.sin(35 * C + R)


@pytest.mark.parametrize("scan", TOO_FEW.values(), ids=TOO_FEW)
@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)
def test_what_may_be_far_too_high_is_said(scan, phase):
    y = measured(scan, turned(texture(), phase), 0.003)
    assert scan.estimate_std(y) > 1.5 * 0.003, "else it need not be said"
    problem = mp.Problem(scan, y)
    assert problem.remarks == (UPPER_BOUND,)
    assert mp.Problem(scan, y, noise_std=0.003).remarks == ()


@pytest.mark.parametrize("scan", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("x", [texture(), sample("camera")], ids=["texture", "camera"])
def test_so_is_that_of_parts_of_k_space_and_a_rough_phase(scan, x):
    y = measured(scan, turned(x, ROUGH), 0.003)
    assert scan.estimate_std(y) > 1.5 * 0.003 and scan.noise_remark(y) == UPPER_BOUND


@pytest.mark.parametrize("std", [0.003, 0.03])
@pytest.mark.parametrize("scan", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("phase", ["waves", "ramp"])
@pytest.mark.parametrize("name", ["texture", "camera"])
def test_parts_of_k_space_of_a_picture_with_a_smooth_phase(name, phase, scan, std):
    """Within a factor of 1.5, and nothing is said; or said, as of few pictures of this size."""
    x = texture() if name == "texture" else sample(name)
    y = measured(scan, turned(x, PHASES[phase]), std)
    level, known = scan.estimate_std(y), not scan.noise_remark(y)
    assert std / 1.5 < level < 1.5 * std if known else level > std / 1.5
    assert known or phase == "ramp" or scan is not PARTS["columns"]


@pytest.mark.parametrize("mask", ["variable-density", "equispaced", "poisson-disc"])
def test_parts_of_k_space_of_a_larger_picture_tell_the_level(mask):
    n = 160
    r, c = torch.meshgrid(torch.linspace(0, 1, n), torch.linspace(0, 1, n), indexing="ij")
    x = turned(
        torch.from_numpy(np.array(mp.io.samples.image("camera", n), np.float32)), 2 * torch.sin(3 * r) + 4 * r * c
    )
    A = MRICartesian(image_shape=(n, n), mask=mask)
    y = measured(A, x / x.abs().max(), 0.005)
    assert A.estimate_std(y) == pytest.approx(0.005, rel=0.2) and A.noise_remark(y) == ""


@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)
@pytest.mark.parametrize("scan", PARTS.values(), ids=PARTS)
def test_noise_of_one_phase_is_not_taken_for_none(scan, phase):
    """Where parts of k-space come from a noisy magnitude, the smooth phase explains its noise."""
    x = sample("camera") + 0.05 * torch.randn(N, N, generator=torch.Generator().manual_seed(0))
    y = scan(turned(torch.ones(N, N), phase)[None, None] * x)
    assert scan.estimate_std(y) > 0.5 * 0.05


@pytest.mark.parametrize("scan", [ALL, *PARTS.values()], ids=["all", *PARTS])
@pytest.mark.parametrize("angle", [0.0, 1.0, 2.0])
def test_so_is_that_of_detail_where_all_of_the_data_is_explained(scan, angle):
    """Computed from a texture without any noise: of it, nothing but rounding is left over, white or not."""
    y = scan(turned(texture(), torch.full((N, N), angle))[None, None])
    assert scan.estimate_std(y) > 0.01 and scan.noise_remark(y) == UPPER_BOUND


@pytest.mark.parametrize("first", ["std", "remarks"])
def test_the_level_and_its_doubt_are_found_at_once(monkeypatch, first):
    """Of each item once, whoever asks first; they are what the operator says on its own."""
    calls = []
    monkeypatch.setattr(
        mri_cartesian, "unexplained", lambda *args, **more: calls.append(1) or redundancy.unexplained(*args, **more)
    )
    scan = PARTS["columns"]
    plain = measured(scan, turned(sample("camera"), torch.full((N, N), 1.0)), 0.01)
    y = torch.cat([plain, measured(scan, turned(texture(), ROUGH), 0.003)])
    problem = mp.Problem(scan, y)
    getattr(problem, first)
    assert len(calls) == 2
    std, remarks = problem.std, problem.remarks
    assert problem.noise_remark == UPPER_BOUND and len(calls) == 2
    assert std.tolist() == [scan.estimate_std(item) for item in y.split(1)]
    assert remarks == (UPPER_BOUND,) == (scan.noise_remark(y),) and mp.Problem(scan, plain).remarks == ()
    calls.clear()
    assert mp.Problem(scan, y, noise_std=0.1).noise_remark == "" and calls == []


def test_of_several_coils_only_the_level_takes_work(monkeypatch):
    A, calls = MRICartesian(**SIZE, coils=4), []
    monkeypatch.setattr(
        mri_cartesian, "unexplained", lambda *args, **more: calls.append(1) or redundancy.unexplained(*args, **more)
    )
    problem = mp.Problem(A, measured(A, turned(texture(), PHASES["waves"]), 0.003))
    assert problem.remarks == () and calls == []
    assert float(problem.std) == A.estimate_std(problem.y) and len(calls) == 2


def test_so_is_that_of_a_rough_phase():
    y = measured(ALL, turned(texture(), ROUGH), 0.003)
    assert ALL.estimate_std(y) > 1.5 * 0.003 and ALL.noise_remark(y) == UPPER_BOUND


def test_where_noise_is_all_that_is_left_of_k_space_nothing_is_said():
    """As strong noise drowns detail, it can be read off its ends."""
    y = measured(PARTS["points"], turned(sample("shepp-logan"), PHASES["waves"]), 0.5)
    assert PARTS["points"].noise_remark(y) == ""
    assert PARTS["points"].estimate_std(y) == pytest.approx(0.5, rel=0.15)


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (20, 18), (31, 48)])
def test_any_shape(shape):
    for A in (MRICartesian(image_shape=shape), MRICartesian(image_shape=shape, acceleration=1)):
        x = torch.rand(2, 1, *shape, generator=torch.Generator().manual_seed(0))
        y = A(x.to(torch.complex64))
        assert math.isfinite(A.estimate_std(y)) and A.noise_remark(y) in ("", UPPER_BOUND)
        assert A.estimate_std(0 * y) == 0.0
