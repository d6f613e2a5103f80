"""The published rows, for one noise seed and therefore with wider tolerances, and what they are made of."""

import math

import numpy as np
import pytest
import torch

from napari_mlpatch import reproduce
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.reproduce import shepp_logan


@pytest.mark.parametrize(
    ("row", "tolerance"),
    [
        ("fbp", 0.25),
        pytest.param("tv", 0.6, marks=pytest.mark.slow),
        pytest.param("tv-anisotropic", 1.2, marks=pytest.mark.slow),
    ],
)
def test_published_rows(row, tolerance):
    found = reproduce.run(row, seeds=1)
    assert found["ours"] == pytest.approx(found["published"], abs=tolerance)
    assert found["also"]["converged"] == 1.0
    assert found["passed"] == (abs(found["ours"] - found["published"]) <= found["tolerance"])


def test_shape_of_the_answer():
    found = reproduce.run("fbp", seeds=2)
    assert found["row"] == "fbp"
    assert found["seeds"] == len(found["values"]) == 2
    assert found["ours"] == pytest.approx(np.mean(found["values"]))
    assert found["std"] == pytest.approx(np.std(found["values"], ddof=1))
    assert found["values"][0] != found["values"][1]
    assert math.isnan(reproduce.run("fbp", seeds=1)["std"])


def test_an_unknown_row_names_the_known_ones():
    with pytest.raises(InputError, match="tv-anisotropic"):
        reproduce.run("fpb")
    with pytest.raises(InputError, match="At least one"):
        reproduce.run("fbp", seeds=0)


def test_the_problem_is_the_published_one():
    A, problem = shepp_logan.geometry(), shepp_logan.problem(0)
    assert A.image_shape == (128, 128)
    assert len(A.angles_deg) == 30
    assert (A.angles_deg[0], A.angles_deg[-1]) == (3.0, 177.0)
    assert A.detector_count * A.detector_pitch == pytest.approx(181.02)
    assert A.norm**2 == pytest.approx(3748.5, rel=1e-3)  # as ASTRA's "linear" matrix has it
    assert set(torch.unique((problem.truth * 10).round()).tolist()) <= {0.0, 1.0, 2.0, 3.0, 4.0, 10.0}
    assert problem.noise_std == pytest.approx(0.05 * float(A(problem.truth).abs().mean()))


def test_the_weights_in_the_docstring_are_those_used():
    """‖·‖² in the weighted norm, divided by 2c: written out once more with the factor 9.65 = 1 / c."""
    assert shepp_logan.converted_weight(0.26) == pytest.approx(0.26 * 9.6537 / 2, rel=1e-4)
    for published in (0.26, 0.3):
        assert f"{shepp_logan.converted_weight(published):.4f} for" in shepp_logan.__doc__.replace("\n", " ")


def interpolated(shape, angle, bins, pitch=1.0, pixel=1.0):
    return shepp_logan.Interpolating(
        image_shape=shape, angles_deg=(angle,), detector_count=bins, detector_pitch=pitch, pixel_size=pixel
    )


def test_interpolating_sums_rows_and_columns():
    x = torch.rand(1, 1, 5, 7, dtype=torch.float64)
    assert torch.allclose(interpolated((5, 7), 0.0, 7)(x)[0, 0, 0], x[0, 0].sum(0))
    assert torch.allclose(interpolated((5, 7), 90.0, 5)(x)[0, 0, 0].flip(0), x[0, 0].sum(1))
    assert torch.allclose(interpolated((5, 7), 0.0, 7, 0.5, 0.5)(x)[0, 0, 0], 0.5 * x[0, 0].sum(0))


def test_interpolating_along_a_diagonal():
    x = torch.rand(1, 1, 4, 4, dtype=torch.float64)
    ray = float(interpolated((4, 4), 45.0, 1)(x))
    assert ray == pytest.approx(math.sqrt(2) * float(x[0, 0].trace()))


@pytest.mark.parametrize("angle", [0.0, 17.0, 44.0, 46.0, 100.0, 170.0])
def test_interpolating_has_an_exact_adjoint_and_keeps_the_mass(angle):
    A = interpolated((9, 12), angle, 31)
    x, y = torch.rand(2, 3, 9, 12, dtype=torch.float64), torch.rand(2, 3, 1, 31, dtype=torch.float64)
    assert float((A(x) * y).sum()) == pytest.approx(float((x * A.T(y)).sum()), rel=1e-12)
    assert torch.allclose(A(x).sum((-1, -2)), x.sum((-1, -2)), rtol=0.1)  # a ray integral, sampled at the bins
    assert torch.allclose(A.normal(x), A.T(A(x)))
