"""Operators one after another and times a number, beside their matrices; recipes that nest; what does not fit."""

import json

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.declare import build, describe, parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.registry import operators
from napari_mlpatch.operators import CompressedSensing, Identity, KaiserSquires, ParallelBeam
from napari_mlpatch.operators.composed import Composed, Scaled

SHAPE = (6, 8)
BEAM = ParallelBeam(image_shape=SHAPE, angles_deg="0:180:5", detector_count=11)
LENS = KaiserSquires(image_shape=SHAPE)
SENSING = CompressedSensing(image_shape=SHAPE)
SAME = Identity(image_shape=SHAPE)
SINOGRAM = Identity(image_shape=(5, 11))


def units(*shape, dtype=torch.float64):
    n = torch.Size(shape).numel()
    return torch.eye(n, dtype=dtype).reshape(n, 1, *shape)


def matrix(A, dtype=torch.float64):
    return A(units(*A.domain_shape, dtype=dtype)).flatten(1).T


def test_composed_is_the_product_of_the_matrices():
    for outer, inner in ((SINOGRAM, BEAM), (SENSING, 2.0 * SAME), (CompressedSensing(image_shape=(5, 11)), BEAM)):
        A = outer @ inner
        assert (A.domain_shape, A.range_shape) == (inner.domain_shape, outer.range_shape)
        assert torch.allclose(matrix(A), matrix(outer) @ matrix(inner), atol=1e-12)
        y = units(*A.range_shape)
        assert torch.allclose(A.T(y).flatten(1), matrix(A), atol=1e-12)


def test_arithmetic():
    A = 3.0 * (SINOGRAM @ BEAM)
    assert Scaled(operator=Composed(outer=SINOGRAM, inner=BEAM), factor=3.0) == A
    assert (2 * BEAM).factor == 2.0
    with pytest.raises(TypeError):
        BEAM @ 3.0
    with pytest.raises(TypeError):
        "2" * BEAM


@pytest.mark.parametrize(
    ("outer", "inner", "image", "data"),
    [
        (SAME, SAME, None, None),
        (LENS, SAME, True, True),
        (SAME, LENS, True, True),
        (LENS, LENS, True, True),
        (BEAM, SAME, False, False),
        (SINOGRAM, BEAM, False, False),
        (KaiserSquires(image_shape=(5, 11)), BEAM, False, True),
        (KaiserSquires(image_shape=(5, 11)), SINOGRAM @ BEAM, False, True),
    ],
)
def test_real_and_complex(outer, inner, image, data):
    """What the images and data are; the adjoint is that of the real inner product where images are real."""
    A = outer @ inner
    assert (A.complex_image, A.complex_data) == (image, data)
    x = torch.randn(1, 1, *A.domain_shape, dtype=torch.complex128 if image else torch.float64)
    y = torch.randn_like(A(x))
    assert y.is_complex() == bool(data)
    back = A.T(y)
    assert back.is_complex() == x.is_complex() == A.normal(x).is_complex() == A.pinv(y).is_complex()
    there, back = torch.vdot(A(x).flatten(), y.flatten()), torch.vdot(x.flatten(), back.flatten())
    assert torch.allclose(there if image else there.real, back)


def test_normal_uses_the_fast_ones():
    A = SINOGRAM @ BEAM
    x = torch.rand(1, 1, *SHAPE)
    assert torch.allclose(A.normal(x), BEAM.T(BEAM(x)), rtol=1e-4, atol=1e-4)
    assert torch.equal((2.0 * BEAM).normal(x), 4.0 * BEAM.normal(x))


def test_quick_pictures():
    y = BEAM(torch.rand(1, 1, *SHAPE))
    assert torch.equal((SINOGRAM @ BEAM).pinv(y), BEAM.pinv(y))
    assert torch.allclose((4.0 * BEAM).pinv(4.0 * y), BEAM.pinv(y))


def test_scaled():
    A = -2.5 * LENS
    x = torch.randn(1, 1, *SHAPE, dtype=torch.complex128)
    assert torch.allclose(A(x), -2.5 * LENS(x)) and torch.allclose(A.T(x), -2.5 * LENS.T(x))
    assert A.closed_form and not (2.0 * BEAM).closed_form
    solved = A.solve_shifted(x, 0.3)
    assert torch.allclose(A.normal(solved) + 0.3 * solved, x)
    assert A.norm == pytest.approx(2.5 * LENS.norm) and A.column_norm == pytest.approx(2.5 * LENS.column_norm)
    assert A.estimate_std(-2.5 * x) == pytest.approx(2.5 * LENS.estimate_std(x))
    assert torch.equal(A.picture(x), x.real) and set(A.more_pictures(x)) == {"B mode"}


class Doubtful(Identity):
    """It has something to say of each measurement whose first sample is 3."""

    def remarks(self, y):
        return ("the data are odd",) if float(y.flatten()[0]) == 3 else ()

    def noise_remark(self, y):
        return "the level is odd" if float(y.flatten()[0]) == 3 else ""

    def noise_level(self, y):
        return 0.5, self.noise_remark(y)


def test_what_an_operator_has_to_say_is_said_of_those_made_of_it():
    """Of the data as it sees them: in its units, its part of them."""
    B, y = Doubtful(image_shape=SHAPE), torch.full((1, 1, *SHAPE), 3.0)
    both = mp.operators.Stacked(parts=(SAME, B))
    for A, data in ((-2.0 * B, -2.0 * y), (B @ SAME, y), (both, both(y))):
        assert A.remarks(data) == ("the data are odd",) and A.noise_remark(data) == "the level is odd"
        assert A.remarks(data / 3) == () and A.noise_remark(data / 3) == ""
    assert (-2.0 * B).noise_level(-2.0 * y) == (1.0, "the level is odd")
    assert (B @ SAME).noise_level(y) == (0.5, "the level is odd") and (2.0 * BEAM).noise_level(BEAM(y)) is None
    assert mp.Problem(-2.0 * B, -2.0 * y).remarks == ("the data are odd", "the level is odd")


def test_what_was_not_measured():
    mask = torch.rand(SHAPE) > 0.5
    A = 2.0 * (KaiserSquires(image_shape=SHAPE, mask="custom", mask_values=mask.float().numpy()) @ SAME)
    assert torch.equal(A.sampled, mask)


def test_descriptions_nest():
    A = 3.0 * (SINOGRAM @ BEAM)
    described = json.loads(json.dumps(describe(A)))
    assert described["params"]["operator"]["params"]["inner"] == describe(BEAM)
    again = build(operators, described)
    assert again == A and hash(again) == hash(A) and again.operator.inner == BEAM
    assert Scaled(operator=describe(A.operator), factor=3) == A
    assert [p.kind for p in parameters(Composed)] == ["operator", "operator"]


def test_runs_and_replays(tmp_path):
    A = 2.0 * (SINOGRAM @ BEAM)
    problem = mp.simulate(torch.rand(1, 1, *SHAPE), A, mp.noise.Gaussian(relative=0.01))
    result = mp.reconstruct(problem, mp.methods.Tikhonov())
    recipe = Recipe.from_json(result.recipe.to_json())
    assert build(operators, recipe.operator.model_dump()) == A
    mp.io.write_measurement(tmp_path / "m.h5", problem)
    assert mp.io.read_measurement(tmp_path / "m.h5").A == A


def test_not_in_forms():
    names = {
        cls.name
        for cls in operators
        if not cls.in_forms and cls.__module__.startswith("napari_mlpatch.operators.")  # not that of reproduce.py
    }
    assert names == {"composed", "scaled", "stacked"}


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("composed", {"outer": BEAM, "inner": BEAM}, r"data of shape \[5, 11\].*images of shape \[6, 8\]"),
        ("composed", {"outer": BEAM, "inner": LENS}, "KaiserSquires makes complex data, ParallelBeam takes only real"),
        ("composed", {"outer": BEAM}, "'inner' is missing"),
        ("composed", {"outer": 3, "inner": BEAM}, "outer: A operator is described by"),
        ("composed", {"outer": {"name": "magic"}, "inner": BEAM}, "Unknown operator 'magic'"),
        (
            "composed",
            {"outer": {"name": "identity"}, "inner": BEAM},
            "outer: operator 'identity'.*image_shape.*missing",
        ),
        ("scaled", {"operator": BEAM, "factor": 0.0}, "factor is zero"),
        ("scaled", {"operator": BEAM, "factor": float("nan")}, "finite"),
    ],
)
def test_bad_input(name, params, words):
    with pytest.raises(InputError, match=words):
        build(operators, {"name": name, "params": params})
