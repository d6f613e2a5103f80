"""Regions of interest: how they are written, and figures in them against NumPy and scikit-image."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

import napari_mlpatch as mp
from napari_mlpatch.core.metrics import compare, compare_in_region, each, evaluate
from napari_mlpatch.core.region import mask_of, rectangle


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2:5,1:4", (slice(2, 5), slice(1, 4))),
        (" : , 3:", (slice(0, 9), slice(3, 7))),
        ("0:900,6:7", (slice(0, 9), slice(6, 7))),
    ],
)
def test_rectangle(text, expected):
    assert rectangle(text, (9, 7)) == expected
    mask = torch.zeros(9, 7, dtype=torch.bool)
    mask[expected] = True
    assert torch.equal(mask_of(text, (9, 7)), mask)
    assert torch.equal(mask_of(expected, (9, 7)), mask) and torch.equal(mask_of(mask.numpy(), (9, 7)), mask)


@pytest.mark.parametrize("wrong", ["", "1:2", "3:3,0:2", "9:12,0:1", "a:b,c:d", "-1:2,0:3", "5:2,0:3"])
def test_wrong_rectangles(wrong):
    with pytest.raises(mp.InputError, match="region"):
        rectangle(wrong, (9, 7))


def test_wrong_masks():
    with pytest.raises(mp.InputError, match="must be equal"):
        mask_of(torch.ones(7, 9), (9, 7))
    with pytest.raises(mp.InputError, match="no pixel"):
        mask_of(np.zeros((9, 7)), (9, 7))
    with pytest.raises(mp.InputError):
        mask_of("nonsense", (9, 7))


@pytest.fixture
def pair():
    truth = torch.rand(2, 1, 24, 31)
    return truth + 0.1 * torch.randn_like(truth), truth


def test_figures_in_a_region(pair):
    x, truth = pair
    rows, columns = slice(5, 20), slice(4, 9)
    found = compare_in_region(x, truth, "5:20,4:9", background="0:4,12:")
    a, b = (v.double().numpy()[:, 0, rows, columns].reshape(2, -1) for v in (x, truth))
    other = x.double().numpy()[:, 0, :4, 12:].reshape(2, -1)
    span = float(truth.max() - truth.min())
    assert found["psnr"] == pytest.approx(np.mean(10 * np.log10(span**2 / ((a - b) ** 2).mean(1))), abs=1e-4)
    errors, sizes = (np.linalg.norm(v, axis=1) for v in (a - b, b))
    assert found["nrmse"] == pytest.approx(np.mean(errors / sizes), rel=1e-5)
    assert found["mean"] == pytest.approx(a.mean(), rel=1e-6)
    assert found["std"] == pytest.approx(np.sqrt(a.var(1, ddof=1).mean()), rel=1e-6)
    expected = np.abs(a.mean(1) - other.mean(1)) / other.std(1, ddof=1)
    assert found["cnr"] == pytest.approx(expected.mean(), rel=1e-5)
    maps = [
        structural_similarity(t[0].numpy(), v[0].numpy(), data_range=span, full=True)[1]
        for v, t in zip(x, truth, strict=True)
    ]
    assert found["ssim"] == pytest.approx(np.mean([m[rows, columns] for m in maps]), abs=1e-5)


def test_the_whole_picture_as_a_region_is_the_whole_picture(pair):
    x, truth = pair
    found, whole = compare_in_region(x, truth, torch.ones(24, 31)), compare(x, truth)
    assert found == {key: pytest.approx(whole[key], abs=1e-6) for key in ("psnr", "ssim", "nrmse")} | {
        "mean": pytest.approx(float(x.mean()), rel=1e-5),
        "std": pytest.approx(float(x.flatten(1).var(1).mean().sqrt()), rel=1e-5),
    }, "no background, so no CNR"


def test_a_region_without_a_truth():
    A = mp.operators.Identity(image_shape=(12, 12))
    y = torch.randn(1, 1, 12, 12)
    found = evaluate(0.5 * y, mp.Problem(A, y), region="2:6,2:6")
    assert set(found) == {"relative_residual", "whiteness", "mean", "std", "cnr"}
    with pytest.raises(mp.InputError, match="A region is one of pictures"):
        compare_in_region(y[0], None, "2:6,2:6")


def test_each_item_has_its_own_and_their_mean_is_that_of_all(pair):
    x, truth = pair
    A = mp.operators.Identity(image_shape=(24, 31))
    problem = mp.Problem(A, truth + 0.1, truth=truth, noise_std=0.1)
    found, whole = each(x, problem, region="2:9,3:9"), evaluate(x, problem, region="2:9,3:9")
    assert len(found) == 2 and all(set(values) == set(whole) for values in found)
    for key in ("psnr", "ssim", "nrmse", "mean", "cnr", "whiteness", "reduced_chi_square", "data_range"):
        assert np.mean([values[key] for values in found]) == pytest.approx(whole[key], rel=1e-5)
