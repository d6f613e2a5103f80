"""The noise of a regularised solution, against the eigenvalues of dense matrices."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.methods.effective_noise import noise_of_solution

SHAPE = (20, 18)
OPERATORS = {
    "parallel": mp.operators.ParallelBeam(SHAPE, "0:180:12", 28),
    "coils": mp.operators.MRICartesian(SHAPE, coils=4, acceleration=4),
    "blur": mp.operators.Blur(SHAPE, width=1.5, boundary="valid"),
    "inpainting": mp.operators.Inpainting(SHAPE),
}


@pytest.mark.parametrize("alpha", [1e-3, 0.1])
@pytest.mark.parametrize("A", OPERATORS.values(), ids=OPERATORS)
def test_the_sum_over_eigenvalues(A, alpha):
    n = SHAPE[0] * SHAPE[1]
    kind = torch.complex128 if A.complex_image else torch.float64
    matrix = A.normal(torch.eye(n, dtype=kind).reshape(n, 1, *SHAPE)).reshape(n, n)
    alpha *= float(torch.linalg.eigvalsh(matrix).mean())
    s = torch.linalg.eigvalsh(matrix).clamp(min=0)
    exact = float((s / (s + alpha) ** 2).mean().sqrt())
    y = torch.zeros(2, 1, *A.range_shape, dtype=torch.complex128 if A.complex_data else torch.float64)
    *_, found = noise_of_solution(A, y, torch.tensor([alpha, 4 * alpha], dtype=torch.float64), 0.0)
    assert float(found[0]) == pytest.approx(exact, rel=0.15), "one random probe"
    assert found[1] < found[0]


def test_the_last_level_of_many_coils_far_undersampled():
    """A denoiser that is told too little noise leaves the artefacts of what the coils tell apart badly."""
    x = torch.from_numpy(np.array(mp.io.samples.image("ct-slice", size=64), np.float32))
    A = mp.operators.MRICartesian((64, 64), coils=8, acceleration=8)
    problem = mp.simulate(x, A, mp.noise.Gaussian(relative=0.02), seed=0)
    network = mp.weights.find("drunet-gray-small")
    found = mp.reconstruct(problem, mp.methods.PnPADMM(), network)
    before = mp.reconstruct(problem, mp.methods.PnPADMM(sigma=0.01), network)
    assert found.history[-1]["sigma"] > 0.015
    assert found.metrics["psnr"] > before.metrics["psnr"] + 1.0


def test_where_all_is_seen_alike_the_level_is_as_before():
    x = torch.from_numpy(np.array(mp.io.samples.image("camera", size=32), np.float32))
    A = mp.operators.Inpainting((32, 32), kept=0.3)
    problem = mp.simulate(x, A, mp.noise.Gaussian(std=0.03), seed=0)
    last = mp.reconstruct(problem, mp.methods.PnPADMM(denoiser="tv")).history[-1]["sigma"]
    low, high = mp.methods.plug_and_play.value_range(A.pinv(problem.y))
    assert last == pytest.approx(0.7 * 0.03 / A.column_norm / (high - low), rel=1e-6)
