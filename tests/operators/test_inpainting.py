"""Missing pixels: the masks, and what is filled in."""

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

import napari_mlpatch as mp
from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.operators import Inpainting

SHAPE = (50, 64)


def runs(line):
    """Lengths of the pieces of a line of bools."""
    return np.diff(np.flatnonzero(np.concatenate([[True], line[1:] != line[:-1], [True]])))


@pytest.mark.parametrize("mask", ["random", "blocks", "stripes"])
@pytest.mark.parametrize("kept", [0.25, 0.5, 1.0])
def test_share_of_what_is_kept(mask, kept):
    m = Inpainting(image_shape=SHAPE, mask=mask, kept=kept, size=4).sampled
    assert m.dtype == torch.bool and m.shape == SHAPE
    assert float(m.double().mean()) == pytest.approx(kept, abs=0.04 if mask == "blocks" else 1e-9)


def test_shapes_of_what_is_missing():
    blocks = Inpainting(image_shape=SHAPE, mask="blocks", size=5).sampled.numpy()
    stripes = Inpainting(image_shape=SHAPE, mask="stripes", size=8).sampled.numpy()
    assert all(length % 5 == 0 for line in (*blocks[:, :60], *blocks.T) for length in runs(line))
    assert (stripes == stripes[0]).all() and (runs(stripes[0]) % 8 == 0).all()


def test_seeds():
    one, again, other = (Inpainting(image_shape=SHAPE, seed=seed).sampled for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_a_painted_mask():
    painted = np.zeros(SHAPE, int)
    painted[10:20, 5:9] = 3
    A = Inpainting(image_shape=SHAPE, mask="custom", missing=painted)
    x = torch.rand(1, 1, *SHAPE)
    assert torch.equal(A(x)[0, 0] == 0, torch.from_numpy(painted != 0))
    assert torch.equal(A.sampled, torch.from_numpy(painted == 0))


def test_what_is_missing_may_be_anything():
    A = Inpainting(image_shape=SHAPE, kept=0.3)
    y = torch.rand(1, 1, *SHAPE)
    filled = A.pinv(y)
    y[..., ~A.sampled] = torch.nan
    assert torch.equal(A.pinv(y), filled) and A.T(y).isfinite().all() and A.estimate_std(y) > 0


@pytest.mark.parametrize(
    "parameters", [{"kept": 0.5}, {"kept": 0.1}, {"mask": "blocks"}, {"mask": "stripes", "size": 2}]
)
def test_pinv_keeps_what_is_known_and_fills_smoothly(parameters):
    """It is nearer to a smooth image than the nearest known pixel is."""
    row, column = torch.meshgrid(torch.arange(50.0), torch.arange(64.0), indexing="ij")
    x = (torch.sin(row / 12) * torch.cos(column / 15))[None, None]
    A = Inpainting(image_shape=SHAPE, **parameters)
    filled = A.pinv(A(x))
    assert torch.equal(A(filled), A(x))
    i, j = distance_transform_edt(~A.sampled.numpy(), return_distances=False, return_indices=True)
    nearest = x[..., torch.from_numpy(i), torch.from_numpy(j)]
    inside = slice(10, -10)  # at the image's edge nobody knows better
    assert (filled - x)[..., inside, inside].norm() < 0.9 * (nearest - x)[..., inside, inside].norm()


def test_pinv_of_a_flat_image_is_flat():
    A = Inpainting(image_shape=(33, 47), kept=0.01)
    x = torch.full((1, 1, 33, 47), 2.0, dtype=torch.float64)
    assert torch.allclose(A.pinv(A(x)), x)


@pytest.mark.parametrize("parameters", [{"kept": 0.5}, {"kept": 0.1}, {"mask": "blocks"}, {"mask": "stripes"}])
def test_noise_of_a_photograph(parameters):
    x = torch.from_numpy(mp.io.samples.image("camera", size=256))
    A = Inpainting(image_shape=(256, 256), **parameters)
    problem = mp.simulate(x, A, mp.noise.Gaussian(std=0.1))
    assert A.estimate_std(problem.y) == pytest.approx(0.1, rel=0.12)


def test_lonely_pixels_tell_no_noise():
    missing = np.ones((8, 8))
    missing[::3, ::3] = 0
    A = Inpainting(image_shape=(8, 8), mask="custom", missing=missing)
    assert A.estimate_std(torch.rand(1, 1, 8, 8)) == 0.0


def test_the_last_alpha_is_not_taken_for_another():
    A, b = Inpainting(image_shape=SHAPE), torch.rand(1, 1, *SHAPE)
    for alpha in (1.0, 0.1, 1.0):
        assert torch.allclose(A.solve_shifted(b, alpha), b / (A.sampled + alpha))
    assert A.solve_shifted(b.double(), 0.5).dtype == torch.float64


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"mask": "custom"}, "missing is missing"),
        ({"missing": np.zeros(SHAPE)}, "mask = 'random'"),
        ({"mask": "custom", "missing": np.zeros((3, 4))}, "3 x 4, the image 50 x 64"),
        ({"mask": "custom", "missing": np.ones(SHAPE)}, "marks every pixel"),
        ({"kept": 0.0}, "kept"),
        ({"size": 0}, "size"),
    ],
)
def test_bad_input(parameters, words):
    with pytest.raises(InputError, match=words):
        build(operators, {"name": "inpainting", "params": {"image_shape": SHAPE, **parameters}})
