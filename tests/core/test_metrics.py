"""Figures of merit against scikit-image, and what is to be expected of the true image."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import normalized_root_mse, peak_signal_noise_ratio, structural_similarity

import napari_mlpatch as mp
from napari_mlpatch.core.metrics import (
    data_range_of,
    evaluate,
    nrmse,
    psnr,
    reduced_chi_square,
    relative_residual,
    ssim,
    whiteness,
)
from napari_mlpatch.core.residuals import residuals


@pytest.fixture
def pair():
    truth = torch.rand(3, 2, 24, 31)
    return truth + 0.1 * torch.randn_like(truth), truth


@pytest.mark.parametrize("data_range", [1.0, 2.0, 255.0])
def test_psnr(pair, data_range):
    x, truth = pair
    expected = [
        peak_signal_noise_ratio(t.numpy(), v.numpy(), data_range=data_range) for v, t in zip(x, truth, strict=True)
    ]
    assert psnr(x, truth, data_range=data_range) == pytest.approx(np.mean(expected), abs=1e-4)


@pytest.mark.parametrize("data_range", [1.0, 2.0])
def test_ssim(pair, data_range):
    x, truth = pair
    expected = [
        structural_similarity(t[c].numpy(), v[c].numpy(), data_range=data_range)
        for v, t in zip(x, truth, strict=True)
        for c in range(2)
    ]
    assert ssim(x, truth, data_range=data_range) == pytest.approx(np.mean(expected), abs=1e-5)
    assert ssim(truth, truth, data_range=1.0) == pytest.approx(1)


def test_nrmse(pair):
    x, truth = pair
    expected = [normalized_root_mse(t.numpy(), v.numpy()) for v, t in zip(x, truth, strict=True)]
    assert nrmse(x, truth) == pytest.approx(np.mean(expected), abs=1e-6)


def test_the_data_range_is_explicit(pair):
    x, truth = pair
    with pytest.raises(TypeError):
        psnr(x, truth)
    with pytest.raises(TypeError):
        ssim(x, truth)
    for bad in (0.0, -1.0, math.nan):
        with pytest.raises(mp.InputError, match="must be positive"):
            psnr(x, truth, data_range=bad)
    assert data_range_of(torch.tensor([-1.0, 3.0])) == 4
    assert psnr(x, truth, data_range=2) == pytest.approx(psnr(x, truth, data_range=1) + 20 * math.log10(2))


@pytest.mark.parametrize(
    "metric", [lambda x, t: psnr(x, t, data_range=1.0), lambda x, t: ssim(x, t, data_range=1.0), nrmse]
)
def test_shapes_must_be_equal(metric, pair):
    x, truth = pair
    with pytest.raises(mp.InputError, match="must be equal"):
        metric(x[:1], truth)


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_any_scale(pair, scale):
    x, truth = pair
    assert psnr(x * scale, truth * scale, data_range=scale) == pytest.approx(psnr(x, truth, data_range=1), abs=1e-3)
    assert nrmse(x * scale, truth * scale) == pytest.approx(nrmse(x, truth), rel=1e-4)


def test_perfect_and_tiny_images():
    x = torch.rand(1, 1, 5, 5)
    assert psnr(x, x, data_range=1) == math.inf
    assert nrmse(x, x) == 0
    assert math.isnan(ssim(x, x, data_range=1))  # smaller than the window


@pytest.fixture
def problem():
    A = mp.operators.ParallelBeam(image_shape=(40, 40), angles_deg="0:180:60", detector_count=58)
    x = torch.zeros(40, 40)
    x[10:30, 12:25] = 3.0
    return mp.simulate(x, A, mp.noise.Gaussian(relative=0.05), seed=0)


def test_truth_explains_the_data_up_to_the_noise(problem):
    assert reduced_chi_square(problem.truth, problem) == pytest.approx(1, abs=0.06)
    assert reduced_chi_square(1.2 * problem.truth, problem) > 3
    noise = problem.y - problem.A(problem.truth)
    assert relative_residual(problem.truth, problem) == pytest.approx(float(noise.norm() / problem.y.norm()))
    assert relative_residual(0 * problem.truth, problem) == pytest.approx(1)


def test_chi_square_needs_the_noise(problem):
    for std in (None, 0.0):
        unknown = mp.Problem(problem.A, problem.y, noise_std=std)
        assert math.isnan(reduced_chi_square(problem.truth, unknown))
        assert "reduced_chi_square" not in evaluate(problem.truth, unknown)


def test_evaluate(problem):
    x = problem.truth + 0.1 * torch.randn_like(problem.truth)
    found = evaluate(x, problem)
    assert found == {
        "relative_residual": relative_residual(x, problem),
        "reduced_chi_square": reduced_chi_square(x, problem),
        "whiteness": whiteness(x, problem),
        "psnr": psnr(x, problem.truth, data_range=3.0),
        "ssim": ssim(x, problem.truth, data_range=3.0),
        "nrmse": nrmse(x, problem.truth),
        "data_range": 3.0,
    }
    wider = evaluate(x, problem, data_range=6.0)
    assert wider["data_range"] == 6 and wider["psnr"] > found["psnr"]


def test_evaluate_without_truth_or_contrast(problem):
    assert set(evaluate(problem.truth, mp.Problem(problem.A, problem.y))) == {"relative_residual", "whiteness"}
    flat = mp.Problem(problem.A, problem.y, truth=torch.ones(40, 40))
    assert "psnr" not in evaluate(problem.truth, flat) and evaluate(problem.truth, flat)["data_range"] == 0
    nothing = mp.Problem(problem.A, 0 * problem.y)
    assert math.isnan(evaluate(problem.truth, nothing)["relative_residual"])


def test_residuals(problem):
    x = 0.9 * problem.truth
    found = residuals(x, problem)
    assert torch.equal(found["residual"], problem.A(x) - problem.y)
    assert torch.equal(found["backprojected"], problem.A.T(found["residual"]))
    assert torch.equal(found["error"], x - problem.truth)
    assert set(residuals(x, mp.Problem(problem.A, problem.y))) == {"residual", "backprojected"}


def test_one_table():
    """What is computed is in it, and what is in it is computed, shown and printed."""
    from napari_mlpatch.cli.output import metrics as printed
    from napari_mlpatch.core.metrics import METRICS, evaluate

    problem = mp.simulate(torch.rand(16, 16), mp.operators.Identity(image_shape=(16, 16)), mp.noise.Gaussian(), seed=0)
    found = evaluate(0.9 * problem.y, problem, region="2:14,:9")
    shown = [metric for metric in METRICS if metric.of is not None]
    assert set(found) - {"data_range"} == {metric.key for metric in shown}
    text = printed(found)
    for metric in shown:
        assert metric.title in text and metric.tooltip and metric.heading
        assert (
            ", data range" in next(line for line in text.splitlines() if metric.title in line)
        ) == metric.needs_range


def test_a_row_adds_a_metric(monkeypatch):
    from napari_mlpatch.cli.output import metrics as printed
    from napari_mlpatch.core import metrics

    def largest(x, truth, span):
        return float((x - truth).abs().max())

    row = metrics.Metric("largest_error", "largest error", "max", "{:.1f}", "lower", "max |x - truth|", of=largest)
    monkeypatch.setattr(metrics, "METRICS", (*metrics.METRICS, row))
    found = metrics.compare(torch.full((1, 1, 8, 8), 3.0), torch.zeros(1, 1, 8, 8))
    assert found["largest_error"] == 3.0 and "psnr" not in found, "no data range"
    assert "largest error" in printed(found)
