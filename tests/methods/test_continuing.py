"""Continuing what has converged, saying what has not, and the limit of plug-and-play whatever the inner steps."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.run import Done, continued, run
from napari_mlpatch.solvers.cg import CgStep

M = mp.methods
LOOSE = {
    "tikhonov": M.Tikhonov(tolerance=1e-4),
    "tv": M.TV(tolerance=3e-2),
    "pnp-admm": M.PnPADMM(denoiser="tv", falling=2, tolerance=0.05, sigma=0.1),
    "pnp-hqs": M.PnPHQS(denoiser="tv", falling=2, tolerance=0.05, sigma=0.1),
    "pnp-pgm": M.PnPPGM(denoiser="tv", falling=2, tolerance=0.2, sigma=0.1),
}
each_method = pytest.mark.parametrize("method", LOOSE.values(), ids=LOOSE)


@pytest.fixture(scope="module")
def problem():
    x = torch.zeros(16, 16)
    x[4:11, 5:12] = 1.0
    A = mp.operators.ParallelBeam(image_shape=(16, 16), angles_deg="0:180:12", detector_count=24)
    return mp.simulate(x, A, mp.noise.Gaussian(relative=0.05), seed=1)


@each_method
def test_continuing_a_converged_result_is_that_result(problem, method):
    first = mp.reconstruct(problem, method)
    assert first.converged and 1 < first.iterations < method.iterations and first.remark == ""
    recipe = continued(first.recipe, method.iterations + 20)
    *_, last = run(recipe, problem, state=first.state, history=first.history)
    assert isinstance(last, Done)
    again = last.result
    assert again.converged and torch.equal(again.x, first.x) and again.recipe.stopped_at is None
    assert again.iterations == first.iterations and again.history == first.history
    *_, replayed = run(again.recipe, problem)
    assert torch.equal(replayed.result.x, first.x)


@each_method
def test_the_limit_of_iterations_is_told(problem, method):
    short = mp.reconstruct(problem, type(method)(**{"iterations": 1, "tolerance": 1e-8} | _denoiser(method)))
    assert not short.converged and "Not converged: the limit of 1 iterations" in short.remark


def _denoiser(method):
    return {"denoiser": "tv"} if hasattr(method, "denoiser") else {}


O, SHAPE = mp.operators, (12, 10)
INEXACT = {
    "parallel": O.ParallelBeam(SHAPE, "0:180:9", 17),
    "limited angle": O.ParallelBeam(SHAPE, "0:70:7", 17),
    "narrow detector": O.ParallelBeam(SHAPE, "0:180:12", 8),
    "fan": O.FanBeam(SHAPE, "0:360:9", 20, source_to_axis=20, source_to_detector=30, detector_pitch=1.5),
    "valid blur": O.Blur(SHAPE, width=1.0, boundary="valid"),
    "blur and mask": O.Stacked(parts=(O.Blur(SHAPE, width=1.0), O.Inpainting(SHAPE))),
    "two coils": O.MRICartesian(SHAPE, coils=2, acceleration=2),
    "eight coils": O.MRICartesian(SHAPE, coils=8, acceleration=4),
    "radial": O.MRINonCartesian(SHAPE, spokes=7, coils=2),
    "radio": O.Interferometer(SHAPE, antennas=7, snapshots=4),
}


@pytest.mark.parametrize("A", INEXACT.values(), ids=INEXACT)
def test_no_inner_steps_change_the_limit(A, monkeypatch):
    """Of a denoiser that takes two thirds, it solves ``(AᵀA + alpha / 2) x = Aᵀy``: also by single steps of CG."""
    monkeypatch.setattr("napari_mlpatch.methods.plug_and_play.value_range", lambda x: (0.0, 1.0))
    assert not A.closed_form
    n, kind = SHAPE[0] * SHAPE[1], torch.complex128 if A.complex_image else torch.float64
    truth = torch.zeros(1, 1, *SHAPE, dtype=kind)
    truth[..., 3:9, 2:7] = 1.0
    y = A(truth)
    y = y + 0.02 * y.abs().square().mean().sqrt() * torch.randn_like(y)
    if A.sampled is not None:
        y = torch.where(A.sampled.expand(A.range_shape), y, 0.0)
    matrix = A(torch.eye(n, dtype=kind).reshape(n, 1, *SHAPE)).flatten(1).T
    gram, b = matrix.mH @ matrix, matrix.mH @ y.flatten()
    if not A.complex_image:
        gram, b = gram.real, b.real
    std = 0.2 * A.norm
    exact = torch.linalg.solve(gram + 0.5 * (std / 0.5) ** 2 * torch.eye(n, dtype=kind), b)
    zero = 0.5 if A.complex_image else 0.0  # to which parts of complex pictures are mapped
    for steps in (100, 6, 1):
        method = M.PnPADMM(
            sigma_start=0.5, sigma=0.5, falling=0, iterations=300, tolerance=1e-6, inner_iterations=steps
        )
        x = mp.reconstruct(mp.Problem(A, y, noise_std=std), method, lambda v, sigma: zero + (v - zero) / 1.5).x
        assert (x.flatten() - exact).norm() < 1e-3 * exact.norm()


class Mean(Operator):
    """Half the value and half of the next one along the last axis, in any number of axes."""

    def __init__(self, *shape):
        self.domain_shape = self.range_shape = shape

    def _apply(self, x):
        return 0.5 * (x + x.roll(1, -1))

    def _adjoint(self, y):
        return 0.5 * (y + y.roll(-1, -1))


@pytest.mark.parametrize("shape", [(12,), (4, 5, 6)])
@pytest.mark.parametrize("method", [M.Tikhonov(weight=0.1), M.TV(weight=0.05), M.PnPADMM(denoiser="tv", iterations=2)])
def test_signals_and_volumes(shape, method):
    """Channels are not mixed, and slices are."""
    A = Mean(*shape)
    y = torch.rand(1, 2, *shape, dtype=torch.float64)
    *_, last = (i for i in method.solve(mp.Problem(A, y, noise_std=0.1)) if i is not None)
    assert last.x.shape == y.shape and last.x.isfinite().all()
    if isinstance(method, M.Tikhonov):
        units = torch.eye(y[0, 0].numel(), dtype=torch.float64).reshape(-1, 1, *shape)
        matrix = A(units).flatten(1).T
        D = [torch.diff(units, dim=axis).flatten(1).T for axis in range(-len(shape), 0)]
        gram = matrix.T @ matrix + 0.1 * sum(d.T @ d for d in D)
        for channel in (0, 1):
            exact = torch.linalg.solve(gram, matrix.T @ y[0, channel].flatten())
            assert (last.x[0, channel].flatten() - exact).norm() < 1e-4 * exact.norm()


@pytest.mark.parametrize("name", ["wavelets", "nl-means"])
def test_denoisers_of_pictures_refuse_volumes(name):
    with pytest.raises(mp.InputError, match="pictures of two axes"):
        list(M.Direct(denoiser=name).solve(mp.Problem(Mean(3, 4, 5), torch.rand(3, 4, 5))))
    assert "two axes" in M.PnPADMM(averaging=True).unsuitable(Mean(3, 4, 5))


LARGER = {
    "parallel": O.ParallelBeam((32, 28), "0:180:30", 44),
    "fan": O.FanBeam((32, 28), "0:360:40", 50, source_to_axis=60, source_to_detector=90, detector_pitch=1.5),
    "valid blur": O.Blur((32, 28), width=1.0, boundary="valid"),
    "blur and mask": O.Stacked(parts=(O.Blur((32, 28), width=1.0), O.Inpainting((32, 28)))),
    "eight coils, 8x": O.MRICartesian((32, 28), coils=8, acceleration=8),
    "radial": O.MRINonCartesian((32, 28), spokes=16, coils=2),
    "radio": O.Interferometer((32, 28), antennas=12, snapshots=12),
}


@pytest.mark.parametrize("A", LARGER.values(), ids=LARGER)
def test_the_usual_steps_are_as_good_as_exact_ones(A, monkeypatch):
    """After 24 iterations, beside data steps solved with a dense factorisation."""
    assert not A.closed_form
    rows, columns = A.domain_shape
    n, kind = rows * columns, torch.complex128 if A.complex_image else torch.float64
    truth = torch.zeros(rows, columns, dtype=kind)
    truth[6:24, 5:21], truth[11:17, 9:14], truth[20:23, 22:26] = 0.6, 1.0, 0.8
    noisy = mp.simulate(truth, A, mp.noise.Gaussian(relative=0.02), seed=3)
    method = M.PnPADMM(denoiser="tv", iterations=24)
    usual = mp.reconstruct(noisy, method).metrics["psnr"]

    matrix = A(torch.eye(n, dtype=kind).reshape(n, 1, rows, columns)).flatten(1).T
    gram = matrix.mH @ matrix if A.complex_image else (matrix.mH @ matrix).real

    def dense(A, b, alpha, x, **_):
        shift = float(torch.as_tensor(alpha).max()) * torch.eye(n, dtype=gram.dtype)
        found = torch.linalg.solve(gram + shift, b.flatten().to(gram.dtype)).to(b.dtype).reshape(b.shape)
        yield CgStep(found, b.new_zeros(()), torch.zeros(1, dtype=torch.float64), 1)

    monkeypatch.setattr("napari_mlpatch.methods.plug_and_play.solve_shifted", dense)
    exact = mp.reconstruct(noisy, method).metrics["psnr"]
    assert usual > exact - 0.2
