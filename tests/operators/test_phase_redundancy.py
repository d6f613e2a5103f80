"""The noise of large scans of one coil is told by parts of them: as well, and with no more work than there is bound."""

import math

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.operators import MRICartesian, phase_redundancy, redundancy
from napari_mlpatch.operators.kspace_doubt import UPPER_BOUND
from napari_mlpatch.operators.phase_redundancy import ENOUGH, LARGEST, smooth_phase_level


def scanned(std, shape, *, rough=False, seed=4, **scan):
    """The camera, stretched, with a phase."""
    A = MRICartesian(image_shape=shape, **scan)
    x = torch.from_numpy(np.array(mp.io.samples.image("camera", max(shape)), np.float32))[None, None]
    x = torch.nn.functional.interpolate(x / x.max(), shape, mode="area")[0, 0]
    r, c = torch.meshgrid(*(torch.linspace(0, 1, n) for n in shape), indexing="ij")
    phase = 6 * torch.sin(40 * r) * torch.sin(35 * c + r) if rough else 2 * torch.sin(3 * r + 1) + 4 * r * c
    return A, mp.simulate(torch.polar(x, phase), A, mp.noise.Gaussian(std=std), seed=seed).y


@pytest.fixture
def sizes(monkeypatch):
    """Samples of the scans of which least squares are solved."""
    found = []

    def counted(A, y, **more):
        found.append(y[0].numel())
        return redundancy.unexplained(A, y, **more)

    monkeypatch.setattr(phase_redundancy, "unexplained", counted)
    return found


@pytest.mark.parametrize("std", [0.003, 0.03])
@pytest.mark.parametrize("shape", [(320, 320), (333, 250), (250, 333)])
@pytest.mark.parametrize("scan", [{}, {"mask": "equispaced", "direction": "rows"}], ids=["columns", "rows"])
def test_large_scans_in_lines_tell_their_level_by_some_lines_of_the_picture(sizes, std, shape, scan):
    A, y = scanned(std, shape, **scan)
    assert smooth_phase_level(A, y, A._mask) == pytest.approx(std, rel=0.15)
    assert sizes and max(sizes) <= ENOUGH
    assert A.noise_remark(y) == ""


def test_very_large_ones_take_no_more_work(sizes):
    A, y = scanned(0.01, (900, 900))
    assert smooth_phase_level(A, y, A._mask) == pytest.approx(0.01, rel=0.15)
    assert sizes and max(sizes) <= LARGEST


def test_a_rough_phase_of_a_large_scan_is_still_doubted(sizes):
    A, y = scanned(0.003, (320, 320), rough=True)
    assert A.estimate_std(y) > 1.5 * 0.003 and A.noise_remark(y) == UPPER_BOUND
    assert sizes and max(sizes) <= ENOUGH


def test_many_points_keep_their_upper_bound(sizes):
    A, y = scanned(0.003, (288, 288), mask="poisson-disc")
    assert smooth_phase_level(A, y, A._mask) == math.inf and not sizes
    assert A.estimate_std(y) > 0.003 and A.noise_remark(y) == UPPER_BOUND


@pytest.mark.parametrize("shape", [(96, 96), (320, 320)])
def test_noise_that_a_part_of_k_space_does_not_have_is_no_noise_of_all(shape):
    """Rows that were filled with zeros though they count as measured: lines of the picture mix them with the others."""
    A, y = scanned(0.01, shape)
    y[..., : shape[0] // 4, :] = 0
    y[..., -shape[0] // 4 :, :] = 0
    assert smooth_phase_level(A, y, A._mask) == math.inf
