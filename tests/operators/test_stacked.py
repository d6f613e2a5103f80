"""Several operators on one image, beside their matrices one below the other."""

import json

import numpy as np
import pytest
import torch

from napari_mlpatch.core.declare import build, describe, parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.operators import CompressedSensing, Identity, KaiserSquires, ParallelBeam
from napari_mlpatch.operators.stacked import Stacked

SHAPE = (6, 8)
BEAM = ParallelBeam(image_shape=SHAPE, angles_deg="0:180:5", detector_count=11)
LENS = KaiserSquires(image_shape=SHAPE)
SENSING = CompressedSensing(image_shape=SHAPE)
SAME = Identity(image_shape=SHAPE)


def matrix(A, dtype=torch.float64):
    return A(torch.eye(48, dtype=dtype).reshape(48, 1, *SHAPE)).flatten(1).T


def test_is_the_matrices_one_below_the_other():
    A = Stacked(parts=(BEAM, SENSING, SAME))
    assert A.range_shape == (55 + 12 + 48,)
    M = matrix(A)
    assert torch.allclose(M, torch.cat([matrix(part) for part in A.parts]), atol=1e-12)
    y = torch.randn(2, 1, 115, dtype=torch.float64)
    assert torch.allclose(A.T(y).flatten(1), y[:, 0] @ M, atol=1e-12)
    assert A.column_norm == pytest.approx(float(M.square().sum() / 48) ** 0.5, rel=0.1)
    pieces = A.split(y)
    assert [p.shape[2:] for p in pieces] == [(5, 11), (12,), (6, 8)]
    mean = (BEAM.pinv(pieces[0]) + SENSING.pinv(pieces[1]) + SAME.pinv(pieces[2])) / 3
    assert torch.allclose(A.pinv(y), mean)


@pytest.mark.parametrize(
    ("parts", "image", "data"),
    [
        ((SAME, SAME), None, None),
        ((SAME, LENS), True, True),
        ((BEAM, SAME), False, False),
        ((BEAM, LENS, SAME), False, True),
    ],
)
def test_real_and_complex(parts, image, data):
    A = Stacked(parts=parts)
    assert (A.complex_image, A.complex_data) == (image, data)
    x = torch.randn(1, 1, *SHAPE, dtype=torch.complex128 if image else torch.float64)
    y = torch.randn_like(A(x))
    assert y.is_complex() == bool(data)
    assert A.T(y).is_complex() == A.normal(x).is_complex() == A.pinv(y).is_complex() == bool(image)
    there, back = torch.vdot(A(x).flatten(), y.flatten()), torch.vdot(x.flatten(), A.T(y).flatten())
    assert torch.allclose(there if image else there.real, back)


def test_what_was_not_measured():
    mask = np.arange(48).reshape(SHAPE) % 3 > 0
    masked = KaiserSquires(image_shape=SHAPE, mask="custom", mask_values=mask)
    assert Stacked(parts=(SAME, LENS)).sampled is None
    sampled = Stacked(parts=(LENS, masked)).sampled
    assert torch.equal(sampled, torch.cat([torch.ones(48) > 0, torch.from_numpy(mask).flatten()]))


def test_pictures_of_the_data():
    A = Stacked(parts=(BEAM, SENSING))
    y = A(torch.rand(1, 1, *SHAPE))
    seen = A.data_picture(y)
    assert seen.shape == (1, 1, 5 + 3, 11)
    assert torch.equal(seen[..., :5, :], A.split(y)[0])


def test_noise_level():
    A = Stacked(parts=(Identity(image_shape=(64, 64)),) * 2)
    y = 0.3 * torch.randn(1, 1, 2 * 64 * 64)
    assert A.estimate_std(y) == pytest.approx(0.3, rel=0.1)


def test_description():
    A = Stacked(parts=(BEAM, 2.0 * SAME))
    assert build(operators, json.loads(json.dumps(describe(A)))) == A
    assert [p.kind for p in parameters(Stacked)] == ["operators"]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((), "at least 1"),
        ((SAME, Identity(image_shape=(6, 7))), r"one shape, these take Identity \[6, 8\], Identity \[6, 7\]"),
        (({"name": "magic"},), "Unknown operator 'magic'"),
    ],
)
def test_bad_input(parts, words):
    with pytest.raises(InputError, match=words):
        build(operators, {"name": "stacked", "params": {"parts": parts}})
