"""Evaluating an MLPatch network between the pixels."""

import math

import numpy as np
import pytest
import torch

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.explore import zoom
from napari_mlpatch.explore.zoom import bicubic, fine_grid, refinements, strips


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = networks.build("mlpatch", {"rings": 3, "rays": 4, "head": "mlp", "widths": [8], "subtract_mean": True})
    return made.requires_grad_(False)


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).random((20, 26)).astype(np.float32)


def test_factor_one_is_the_networks_output(network, image):
    out = network(torch.from_numpy(image)[None, None], 0.1)[0, 0].numpy()
    assert np.allclose(zoom.zoom(network, image, 0.1, 1), out, atol=1e-5)


@pytest.mark.parametrize("factor", [2, 3.7, 8])
def test_each_pixel_is_the_network_at_its_centre(network, image, factor):
    fine = zoom.zoom(network, image, 0.1, factor)
    assert fine.shape == (math.floor(20 * factor), math.floor(26 * factor))
    for i, j in ((0, 0), (5, 11), (fine.shape[0] - 1, fine.shape[1] - 1)):
        place = torch.tensor([[(i + 0.5) / factor - 0.5, (j + 0.5) / factor - 0.5]])
        assert fine[i, j] == pytest.approx(float(network.at(torch.from_numpy(image)[None, None], place, 0.1)), abs=1e-5)


def test_a_window_is_a_part_of_the_whole(network, image, monkeypatch):
    whole = zoom.zoom(network, image, 0.1, 4)
    window = (3.5, 10.5, 7.5, 99.0)  # between pixels; juts out on the right
    monkeypatch.setattr(zoom, "POSITIONS_AT_ONCE", 100)
    assert np.allclose(zoom.zoom(network, image, 0.1, 4, window), whole[16:32, 44:], atol=1e-5)
    grid = fine_grid(image.shape, 4, window)
    assert grid.origin == (3.625, 10.625)  # the first centre, an eighth of a pixel inside
    assert len(list(strips(network, image, 0.1, grid))) > 5


def test_a_constant_network_sees_the_centroid_where_it_is():
    """A grid's pixels cover the area of the image: the centre of mass of a smooth spot stays where it was."""
    rows, columns = np.mgrid[:24, :24]
    spot = np.exp(-((rows - 10.25) ** 2 + (columns - 13.5) ** 2) / 18).astype(np.float32)
    for factor in (2, 3.7):
        grid = fine_grid(spot.shape, factor)
        fine = bicubic(spot, grid).astype(float)
        centres = grid.centres().reshape(*fine.shape, 2).numpy()
        mass = (fine[..., None] * centres).sum((0, 1)) / fine.sum()
        assert mass == pytest.approx((10.25, 13.5), abs=0.02)


def test_bicubic_keeps_the_image_at_factor_one(image):
    assert np.allclose(bicubic(image, fine_grid(image.shape, 1)), image, atol=1e-5)


def test_refinements_end_with_the_fine_picture(network, image, monkeypatch):
    monkeypatch.setattr(zoom, "QUICK_PIXELS", 600)
    monkeypatch.setattr(zoom, "POSITIONS_AT_ONCE", 500)
    window = (2.0, 3.0, 12.0, 15.0)
    found = list(refinements(network, image, 0.1, window, 8))
    assert found[0][0].factor < found[1][0].factor == 8 and len(found) > 4
    last, middle = found[-1][1], found[len(found) // 2][1]
    assert np.allclose(last, zoom.zoom(network, image, 0.1, 8, window), atol=1e-5)
    assert np.allclose(middle[:5], last[:5]) and np.corrcoef(middle.ravel(), last.ravel())[0, 1] > 0.95
    monkeypatch.setattr(zoom, "MOST_REFINED", 1920)
    assert list(refinements(network, image, 0.1, window, 8))[-1][0].factor == pytest.approx(4, rel=0.1)
    monkeypatch.setattr(zoom, "MOST_REFINED", 100)
    with pytest.raises(InputError, match="holds 143 pixels, 100 can be refined"):
        next(refinements(network, image, 0.1, window, 8))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"factor": 0.5}, "from 1 to 64, got 0.5"),
        ({"factor": math.nan}, "got nan"),
        ({"factor": 65}, "got 65"),
        ({"window": (30, 0, 40, 9)}, "lies outside the image, whose rows go from -0.5 to 19.5"),
        ({"window": (5, 0, 5, 9)}, "each edge before its opposite one"),
        ({"window": (5, 0, math.inf, 9)}, "each edge before its opposite one"),
        ({"window": (5.1, 5.1, 5.2, 5.2)}, "No pixel centre"),
        ({"image": np.zeros((3, 40))}, "The image has 3 x 40 pixels"),
        ({"image": np.zeros((3, 4, 5))}, "shape [3, 4, 5]"),
        ({"image": np.full((20, 20), np.nan)}, "NaN"),
        ({"sigma": -0.1}, "must not be negative, got -0.1"),
        ({"network": networks.build("dncnn", {"depth": 3, "width": 2})}, "A DnCNN knows only the pixel grid"),
    ],
)
def test_bad_input(network, image, change, words):
    with pytest.raises(InputError) as error:
        zoom.zoom(**({"network": network, "image": image, "sigma": 0.1, "factor": 2} | change))
    assert words in str(error.value)
