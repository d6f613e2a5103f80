"""The units that reconstructors see: those of pictures of about 1, an operator of norm 1."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.phase import phase_of
from napari_mlpatch.networks.scaling import along, normalised


@pytest.fixture
def A():
    return mp.operators.ParallelBeam(image_shape=(12, 14), angles_deg="0:180:9", detector_count=20)


@pytest.fixture
def y(A):
    x = (
        torch.rand(3, 2, 12, 14, generator=torch.Generator().manual_seed(0))
        * torch.tensor([1.0, 30.0, 0.0])[:, None, None, None]
    )
    return A(x)


def test_each_item_has_its_scale(A, y):
    given, unit, scale = normalised(y, A)
    assert unit.norm == pytest.approx(1.0)
    for k in range(2):
        back = A.T(y[k : k + 1]) / A.norm**2
        assert float(scale[k]) == pytest.approx(3 * float(back.square().mean().sqrt()), rel=1e-5)
        torch.testing.assert_close(normalised(y[k : k + 1], A)[2], scale[k : k + 1])
    assert scale[2] == 1 and not given[2].any()
    torch.testing.assert_close(given * along(scale, y) * A.norm, y)


@pytest.mark.parametrize("factor", [1e-6, 1e5])
def test_nothing_depends_on_units(A, y, factor):
    given, _, scale = normalised(y, A)
    more, _, larger = normalised(factor * y, A)
    torch.testing.assert_close(more, given)
    torch.testing.assert_close(larger[:2], factor * scale[:2])
    other, _, smaller = normalised(y, factor * A)
    torch.testing.assert_close(other, given)
    torch.testing.assert_close(smaller[:2], scale[:2] / factor)


def test_without(A, y):
    given, _, scale = normalised(y, A, normalise=False)
    torch.testing.assert_close(given, y / A.norm)
    assert torch.equal(scale, torch.ones(3))


@pytest.mark.parametrize("normalise", [True, False])
def test_complex_pictures_are_turned_to_be_as_real_as_possible(normalise):
    A = mp.operators.MRICartesian(image_shape=(8, 8), acceleration=2, seed=0)
    y = A(torch.randn(2, 1, 8, 8, dtype=torch.complex64, generator=torch.Generator().manual_seed(0)))
    given, unit, scale = normalised(y, A, normalise)
    size = normalised(y, A)[2].abs() if normalise else torch.ones(2)
    torch.testing.assert_close(scale, size * phase_of(A.T(y)))
    torch.testing.assert_close(phase_of(unit.T(given)), torch.ones(2, dtype=torch.complex64), atol=1e-4, rtol=0)
    torch.testing.assert_close(given * along(scale, y) * A.norm, y)
    torch.testing.assert_close(along(scale, y.real), along(size, y.real), msg="a real picture has no phase")


def test_e_and_b_modes_are_not_turned():
    A = mp.operators.KaiserSquires(image_shape=(8, 8))
    y = A(torch.randn(2, 1, 8, 8, dtype=torch.complex64, generator=torch.Generator().manual_seed(0)))
    assert normalised(y, A)[2].dtype == torch.float32


def test_an_operator_that_measures_nothing(A, y):
    A.__dict__["norm"] = 0.0
    with pytest.raises(InputError, match="norm 0, by which nothing can be divided"):
        normalised(y, A)
