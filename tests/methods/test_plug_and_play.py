"""Plug-and-play methods with denoisers of which the limit is known."""

import time
import warnings

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.metrics import psnr
from napari_mlpatch.denoisers import Scaled, denoiser, transformed
from napari_mlpatch.methods.plug_and_play import schedule, value_range
from napari_mlpatch.solvers.cg import cg
from napari_mlpatch.solvers.tv_prox import tv_prox

SIZE = 16


@pytest.fixture(scope="module")
def problem():
    image = torch.zeros(SIZE, SIZE, dtype=torch.float64)
    image[4:12, 5:11] = 1.0
    A = mp.operators.ParallelBeam(image_shape=(SIZE, SIZE), angles_deg=tuple(range(0, 180, 9)), detector_count=26)
    return mp.simulate(image, A, mp.noise.Gaussian(std=0.05), seed=1)


def fixed(cls, **change):
    """At one noise level from the first iteration on, so that alpha stays what it is."""
    return cls(**({"iterations": 400, "sigma_start": 0.05, "sigma": 0.05, "falling": 0, "tolerance": 0.0} | change))


def test_admm_with_a_linear_denoiser_is_tikhonov(problem, monkeypatch):
    monkeypatch.setattr("napari_mlpatch.methods.plug_and_play.value_range", lambda x: (0.0, 1.0))
    method = fixed(mp.methods.PnPADMM, inner_iterations=40, trust=10.0, iterations=150)
    x = mp.reconstruct(problem, method, lambda v, sigma: v / 1.5).x.double()
    alpha = method.trust * (problem.noise_std / method.sigma) ** 2
    n = SIZE * SIZE
    gram = problem.A.normal(torch.eye(n, dtype=torch.float64).reshape(n, 1, SIZE, SIZE)).reshape(n, n)
    b = problem.A.T(problem.y).flatten()
    exact = torch.linalg.solve(gram + 0.5 * alpha * torch.eye(n, dtype=torch.float64), b)
    assert (x.flatten() - exact).norm() < 1e-4 * exact.norm()


def test_admm_with_the_proximal_map_of_tv_is_tv(problem, monkeypatch):
    monkeypatch.setattr("napari_mlpatch.methods.plug_and_play.value_range", lambda x: (0.0, 1.0))
    method = fixed(mp.methods.PnPADMM, inner_iterations=20, trust=10.0, iterations=80)
    alpha = method.trust * (problem.noise_std / method.sigma) ** 2
    denoise = lambda v, sigma: tv_prox(v, 0.02, iterations=60, tolerance=1e-6)  # noqa: E731
    x = mp.reconstruct(problem, method, denoise).x
    expected = mp.reconstruct(problem, mp.methods.TV(weight=0.02 * alpha, iterations=1000, tolerance=1e-6)).x
    assert (x - expected).norm() < 1e-3 * expected.norm()


def test_proximal_gradient_with_a_linear_denoiser_is_its_fixed_point(problem, monkeypatch):
    monkeypatch.setattr("napari_mlpatch.methods.plug_and_play.value_range", lambda x: (0.0, 1.0))
    x = mp.reconstruct(problem, fixed(mp.methods.PnPPGM, iterations=600), lambda v, sigma: v / 1.02).x.double()
    size = problem.A.norm**2
    step = x - (problem.A.normal(x) - problem.A.T(problem.y)) / size
    assert (step / 1.02 - x).norm() < 1e-5 * x.norm()


@pytest.mark.parametrize("cls", [mp.methods.PnPADMM, mp.methods.PnPHQS])
def test_better_than_the_quick_picture(problem, cls):
    quick = mp.reconstruct(problem, mp.methods.FBP())
    assert mp.reconstruct(problem, cls(denoiser="tv")).metrics["psnr"] > quick.metrics["psnr"] + 1


def test_direct(problem):
    result = mp.reconstruct(problem, mp.methods.Direct(denoiser="tv"))
    assert result.metrics["psnr"] > mp.reconstruct(problem, mp.methods.FBP()).metrics["psnr"]
    seen = []
    mp.reconstruct(problem, mp.methods.Direct(sigma=0.1), lambda v, sigma: seen.append(sigma) or v)
    assert seen == [pytest.approx(0.1)]


def test_direct_where_the_quick_picture_adapts_to_the_noise():
    """Wiener's filter damps pure noise far more than the noise of an image."""
    x = torch.from_numpy(mp.io.samples.image("camera", size=64))
    problem = mp.simulate(x, mp.operators.Blur(image_shape=(64, 64), width=1.0), mp.noise.Gaussian(std=0.02))
    quick = psnr(problem.A.pinv(problem.y), problem.truth, data_range=float(x.max() - x.min()))
    assert mp.reconstruct(problem, mp.methods.Direct(denoiser="tv")).metrics["psnr"] > quick + 1


@pytest.mark.parametrize("cls", [mp.methods.PnPADMM, mp.methods.Direct])
def test_the_estimate_counts_the_denoiser(problem, cls):
    def slow(x, sigma):
        assert x.shape == problem.truth.shape
        time.sleep(0.02)
        return x

    method = cls()
    assert mp.estimate(problem, method, slow).seconds >= 0.02 * getattr(method, "iterations", 1)
    assert mp.estimate(problem, method).seconds > 0  # no weights are chosen yet


def test_a_network_is_asked_for():
    with pytest.raises(mp.InputError, match="needs trained weights"):
        denoiser("network")


def test_schedule():
    levels = [schedule(0.4, 0.1, k, 4) for k in range(1, 8)]
    assert levels == pytest.approx([0.4, 0.4 / 2**0.5, 0.2, 0.2 / 2**0.5, 0.1, 0.1, 0.1])
    assert schedule(0.3, 0.3, 5, 0) == 0.3


def test_value_range_of_odd_pictures():
    assert value_range(torch.zeros(1, 1, 5, 5)) == (0.0, 1.0)
    assert value_range(torch.linspace(-1, 1, 10001)[None, None]) == pytest.approx((-0.99, 0.99))
    assert value_range(torch.full((1, 1, 4, 4), 3j))[0] == 0.0


def test_scaled_gives_the_denoiser_what_it_was_trained_on():
    seen = []

    def spy(x, sigma):
        seen.append((float(x.min()), float(x.max()), sigma, x.dtype))
        return x

    x = torch.tensor([[[[2.0, 6.0], [4.0, 3.0]]]], dtype=torch.float64)
    assert torch.allclose(Scaled(spy, 2.0, 6.0)(x, 1.0), x)
    z = torch.complex(x - 4.0, 4.0 - x)
    assert torch.allclose(Scaled(spy, 0.0, 2.0)(z, 1.0), z)
    assert seen == [(0.0, 1.0, 0.25, torch.float32), (0.0, 1.0, pytest.approx(0.25 / 2**0.5), torch.float32)]


def test_direct_tells_the_parts_of_a_complex_picture_their_own_noise():
    """A full k-space: the noise of the picture is that of the data, half of its variance in each part."""
    x = torch.from_numpy(mp.io.samples.image("camera", size=32)).to(torch.complex64)
    A = mp.operators.MRICartesian(image_shape=(32, 32), mask="custom", mask_values=np.ones((32, 32)))
    problem = mp.simulate(x, A, mp.noise.Gaussian(std=0.1), seed=0)
    seen = []
    mp.reconstruct(problem, mp.methods.Direct(), lambda v, sigma: seen.append(sigma) or v)
    noise = A.pinv(problem.y) - problem.truth
    _, high = value_range(A.pinv(problem.y))
    assert seen == [pytest.approx(float(noise.real.std()) / (2 * high), rel=0.1)]


def test_noise_beyond_that_of_the_training_is_remarked_once():
    network = mp.weights.find("mlpatch-gray-small")  # 0 to 0.3
    x = torch.rand(1, 1, 16, 16)
    loud, quiet = denoiser("network", network), denoiser("network", network)
    with pytest.warns(UserWarning, match=r"level 0\.45 .* 'mlpatch-gray-small' .*0 to 0\.3") as said:
        loud(x, 0.45)
        loud(x, 0.45)
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert quiet(x, 0.302).shape == x.shape


@pytest.mark.parametrize("turn", range(9))
def test_poses_are_undone(turn):
    x = torch.randn(2, 1, 6, 9)
    assert torch.equal(transformed(lambda v, sigma: v, x, 0.1, turn), x)


@pytest.mark.parametrize("name", ["nl-means", "wavelets"])
def test_denoisers_of_scikit_image(name):
    truth = torch.zeros(1, 1, 48, 48)
    truth[..., 12:36, 12:36] = 1.0
    noisy = truth + 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    cleaned = denoiser(name)(noisy, 0.1)
    assert cleaned.shape == truth.shape and cleaned.dtype == torch.float32
    assert (cleaned - truth).norm() < 0.6 * (noisy - truth).norm()


def test_bfloat16(problem, monkeypatch):
    """About as good as float32 where the machine has it; told where it would be computed in software."""
    network = mp.weights.find("mlpatch-ct-small")
    methods = [mp.methods.Direct(precision=precision) for precision in ("float32", "bfloat16")]
    monkeypatch.setattr("napari_mlpatch.denoisers.network.has_bfloat16", lambda kind: True)
    fine, rough = (mp.reconstruct(problem, method, network).x for method in methods)
    assert 0 < float((fine - rough).norm() / fine.norm()) < 0.02
    monkeypatch.setattr("napari_mlpatch.denoisers.network.has_bfloat16", lambda kind: False)
    with pytest.warns(UserWarning, match="bfloat16 in software"):
        mp.reconstruct(problem, methods[1], network)


@pytest.mark.parametrize(
    ("name", "there", "expected"),
    [
        ("mlpatch-ct", True, "bfloat16"),
        ("mlpatch-ct", False, "float32"),
        ("mlpatch-ct-small", True, "float32"),
        ("drunet-gray-small", True, "float32"),
    ],
)
def test_the_precision_is_chosen_and_stated_in_the_recipe(problem, monkeypatch, name, there, expected):
    monkeypatch.setattr("napari_mlpatch.denoisers.precision.has_bfloat16", lambda kind: there)
    recipe = mp.Recipe.of(problem, mp.methods.PnPADMM(), weights=mp.weights.find(name).card.sha256)
    started = next(iter(mp.run(recipe, problem, network=mp.weights.find(name))))
    assert started.recipe.method.params["precision"] == expected


def test_monitors(problem):
    """The distance of the two halves falls, and the residual is that of the result."""
    result = mp.reconstruct(problem, mp.methods.PnPADMM(denoiser="tv", iterations=30, falling=4, sigma=0.05))
    rows = result.history
    assert rows[-1]["split"] < 0.3 * rows[0]["split"]
    assert rows[-1]["relative_residual"] == pytest.approx(result.metrics["relative_residual"], rel=1e-3)


@pytest.mark.parametrize("alpha", [1e-3, 1e-2, 0.1, 0.5])
def test_two_steps_of_conjugate_gradients_on_a_mask(alpha):
    """AᵀA has two eigenvalues, 0 and 1: in exact arithmetic two steps solve the data step."""
    A = mp.operators.Inpainting(image_shape=(32, 32), kept=0.3, seed=0)
    b = torch.randn(1, 1, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    *_, last = cg(lambda x: A.T(A(x)) + alpha * x, b, torch.zeros_like(b), iterations=10, tolerance=1e-12)
    assert last.k <= 2
    expected = b / (A.T(A(torch.ones_like(b))) + alpha)
    assert torch.allclose(last.x, expected, rtol=1e-9)


def test_tv_of_a_step_moves_both_sides_together():
    """By weight times the edge's length over the area of each side (Strong & Chan, Inverse Problems 19, 2003)."""
    step = torch.zeros(1, 1, 8, 12, dtype=torch.float64)
    step[..., 6:] = 1.0
    x = tv_prox(step, 0.3, iterations=2000, tolerance=1e-10)
    expected = step + torch.where(step > 0, -0.3 / 6, 0.3 / 6)
    assert (x - expected).abs().max() < 1e-4
    assert torch.equal(tv_prox(step, 0.0), step)
    both = tv_prox(torch.complex(step, torch.zeros_like(step)), 0.3, iterations=2000, tolerance=1e-10)
    assert (both.real - expected).abs().max() < 1e-4 and both.imag.abs().max() == 0


@pytest.mark.parametrize("cls", [mp.methods.PnPADMM, mp.methods.PnPHQS, mp.methods.PnPPGM])
def test_a_trust_far_too_large_is_refused(problem, cls):
    single = mp.Problem(problem.A, problem.y.float(), noise_std=problem.noise_std)
    with pytest.raises(mp.InputError, match="smaller trust"):
        mp.reconstruct(single, cls(denoiser="tv", trust=1e300))
