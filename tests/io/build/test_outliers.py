"""Zingers and hot pixels of a sinogram: found and replaced, and nothing else is."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.io.build.outliers import find_outliers, replace_outliers

N, BINS = 96, 140


def pictures():
    """Objects that make narrow and sharp things in a sinogram."""
    r, c = np.mgrid[:N, :N] - (N - 1) / 2
    disc = (np.hypot(r, c) < 40) * 1.0
    box = ((np.abs(r) < 30) & (np.abs(c) < 24)) * 1.0
    plate, bead, beads = np.zeros((N, N)), np.zeros((N, N)), disc.copy()
    plate[48, 10:85] = 1.0
    bead[20, 33] = 1.0
    beads[30, 70] = beads[70, 20] = beads[50, 50] = 40.0
    return {"disc": disc, "box": box, "plate": plate, "bead": bead, "metal beads": beads}


def scan(x, views):
    angles = np.arange(views) * (180.0 / views)
    A = mp.operators.ParallelBeam(image_shape=(N, N), angles_deg=angles, detector_count=BINS)
    return A(torch.tensor(x, dtype=torch.float32)[None, None]), angles


@pytest.mark.parametrize("views", [36, 120, 360])
@pytest.mark.parametrize("name", pictures())
def test_objects_stay(name, views):
    """Without noise, with Gaussian noise, and with that of few photons."""
    y, angles = scan(pictures()[name], views)
    lines = (y * (3.0 / float(y.max()))).clamp(min=0)
    for noisy in (
        y,
        mp.noise.Gaussian(relative=0.02)(y, 0),
        mp.noise.Gaussian(relative=0.5)(y, 1),
        mp.noise.PoissonTransmission(photons=60)(lines, 2),
        mp.noise.PoissonTransmission(photons=1e4)(lines, 3),
    ):
        assert not find_outliers(noisy[0, 0].numpy(), angles).any()


@pytest.mark.parametrize("kind", [mp.noise.Gaussian(std=1.0), mp.noise.PoissonTransmission(photons=4.0)])
def test_noise_stays(kind):
    """Less than one sample in 10^5, here none in 10^6."""
    y = kind(torch.ones(1, 1, 1000, 1000), 0)[0, 0].numpy()
    assert not find_outliers(y, np.linspace(0, 180, 1000, endpoint=False)).any()


@pytest.mark.parametrize("views", [60, 240])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_zingers_are_found_and_replaced(views, sign):
    y, angles = scan(pictures()["disc"] + 0.5 * pictures()["box"], views)
    y = mp.noise.Gaussian(relative=0.01)(y, 0)[0, 0].numpy()
    hit = np.zeros(y.shape, bool)
    hit[7, 60] = hit[25, 20] = hit[41, 100] = True
    hit[50, 80:82] = True  # one that two bins share
    spoilt = np.where(hit, y + sign * 0.5 * y.max(), y).astype(np.float32)
    found = find_outliers(spoilt, angles)
    assert np.array_equal(found, hit)
    fixed = replace_outliers(spoilt, found)
    assert np.array_equal(fixed[~hit], spoilt[~hit])
    assert np.abs(fixed - y)[hit].max() < 0.05 * y.max()


def test_rows_in_any_order():
    y, angles = scan(pictures()["metal beads"], 90)
    y = y[0, 0].numpy().copy()
    y[33, 64] += 3 * y.max()
    order = np.random.default_rng(0).permutation(90)
    found = find_outliers(y[order], angles[order])
    assert found.sum() == 1 and found[list(order).index(33), 64]


@pytest.fixture
def spoilt(tmp_path):
    y = mp.noise.Gaussian(relative=0.02)(scan(pictures()["disc"], 60)[0], 0)[0, 0].numpy().copy()
    y[20, 50] = 6 * y.max()
    np.save(tmp_path / "scan.npy", y)
    return tmp_path / "scan.npy", "0:180:60"


def test_a_file_with_an_outlier(spoilt):
    """Told where it is left, replaced where that is wanted; the recipe's options say so."""
    path, angles = spoilt
    found = mp.io.read_measurement(path, angles_deg=angles)
    assert any("row 20, bin 50" in note and "outliers = 10" in note for note in found.notes)
    assert float(found.y.max()) > 200
    fixed = mp.io.read_measurement(path, angles_deg=angles, outliers=10)
    assert any("replaced" in note for note in fixed.notes) and fixed.source["options"]["outliers"] == 10
    assert float(fixed.y.max()) < 90
    x, y = (mp.reconstruct(p, mp.methods.FBP(), seed=0).x for p in (found, fixed))
    truth = torch.tensor(pictures()["disc"], dtype=torch.float32)
    errors = [float((v[0, 0, 22:118, 22:118] - truth).norm() / truth.norm()) for v in (x, y)]
    assert errors[1] < 0.2 and errors[0] > 1.5 * errors[1]


@pytest.mark.parametrize("wrong", [0, -1.0, float("nan"), "many"])
def test_impossible_deviations(spoilt, wrong):
    with pytest.raises(mp.InputError, match="outliers"):
        mp.io.read_measurement(spoilt[0], angles_deg=spoilt[1], outliers=wrong)


def test_the_smallest_sinograms():
    assert not find_outliers(np.ones((2, 30)), np.arange(2.0)).any()
    assert not find_outliers(np.ones((30, 5)), np.arange(30.0)).any()
    assert not find_outliers(np.zeros((30, 30)), np.arange(30.0)).any()
