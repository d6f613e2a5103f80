"""The microscope shows what the network reads."""

import csv

import numpy as np
import pytest
import torch

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.explore import microscope


@pytest.fixture(scope="module")
def network():
    """With a stretched geometry, and blocks that move the samples of each pixel."""
    torch.manual_seed(0)
    made = networks.build(
        "mlpatch",
        {"rings": 4, "rays": 5, "head": "mlp", "widths": [16], "deformations": 1, "max_offset": 1.5},
    )
    with torch.no_grad():
        made.points[..., 0] *= 2.0  # type: ignore[index]
        for block in made.deformations:  # type: ignore[union-attr]
            for weight in block.weights:
                weight.copy_(torch.randn_like(weight))
    return made.requires_grad_(False).eval()


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).random((20, 23), dtype=np.float32)


def test_look(network, image):
    patch = microscope.look(network, image, 9.0, 11.0, 0.1)
    x = torch.from_numpy(image)[None, None]
    assert patch.points.shape == patch.initial.shape == (4, 5, 2) and patch.after.shape == patch.before.shape == (4, 5)
    assert patch.seen == pytest.approx(image[9, 11], abs=1e-5)
    assert patch.output == pytest.approx(float(network(x, 0.1)[0, 0, 9, 11]), abs=1e-5)
    assert np.allclose(patch.initial[0], [9.0, 11.0])  # the first ring is the centre
    assert patch.before[0] == pytest.approx(image[9, 11], abs=1e-5)
    assert np.allclose(patch.points, network.patch_points(torch.tensor([[9.0, 11.0]]), x, 0.1)[0, 0].numpy())
    assert patch.moved.max() > 0.1


def test_shape_of_a_known_patch():
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    turn = np.radians(30.0)
    ellipse = np.stack([3.0 * np.cos(angle), np.sin(angle)], -1)
    turned = ellipse @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    points = turned.reshape(4, 10, 2) + np.array([5.0, 6.0])
    zero = np.zeros((4, 10))
    patch = microscope.Patch(5.0, 6.0, points, points, zero, zero, 0.0, 0.0)
    assert patch.shape["anisotropy"] == pytest.approx(3.0)
    assert patch.shape["orientation"] == pytest.approx(30.0)
    assert patch.shape["radius"] == pytest.approx(np.linalg.norm(ellipse, axis=1).mean())
    assert not patch.moved.any()


def test_overview_is_what_single_looks_and_gradients_say(network, image):
    maps = microscope.overview(network, image, 0.1)
    assert {m.shape for m in maps.values()} == {image.shape}
    patch = microscope.look(network, image, 12.0, 7.0, 0.1)
    for name in ("radius", "anisotropy", "orientation"):
        assert maps[name][12, 7] == pytest.approx(patch.shape[name], rel=1e-3, abs=1e-3)
    x = torch.from_numpy(image)[None, None].requires_grad_()
    network.at(x, torch.tensor([[12.0, 7.0]]), 0.1).sum().backward()  # through the whole image, by grid_sample
    assert x.grad is not None
    slopes = x.grad[0, 0]
    assert maps["sensitivity"][12, 7] == pytest.approx(float(slopes[12, 7]), rel=1e-2, abs=1e-3)
    r, c = torch.meshgrid(torch.arange(20.0), torch.arange(23.0), indexing="ij")
    reach = ((slopes**2 * ((r - 12) ** 2 + (c - 7) ** 2)).sum() / (slopes**2).sum()).sqrt()
    assert maps["reach"][12, 7] == pytest.approx(float(reach), rel=1e-2)
    assert maps["reach"].max() <= np.sqrt(2) * network.receptive_field()


def test_export(network, image, tmp_path):
    patches = [microscope.look(network, image, r, 5.0, 0.1) for r in (4.0, 8.5)]
    microscope.write_csv(tmp_path / "patches.csv", patches)
    rows = list(csv.DictReader((tmp_path / "patches.csv").open()))
    assert len(rows) == 2 * 20
    assert float(rows[-1]["row"]) == 8.5 and int(rows[-1]["ray"]) == 4
    assert float(rows[-1]["value_after"]) == pytest.approx(patches[1].after[3, 4], rel=1e-4)
    with pytest.raises(InputError, match="cannot be written"):
        microscope.write_csv(tmp_path / "no" / "where.csv", patches)


def test_bad_input(network, image):
    with pytest.raises(InputError, match="outside the image"):
        microscope.look(network, image, 30.0, 2.0, 0.1)
    with pytest.raises(InputError, match="real image"):
        microscope.look(network, np.zeros((3, 20, 20)), 1.0, 1.0, 0.1)
    whole = networks.build("mlpatch", {"rings": 2, "rays": 3, "head": "mlp", "widths": [4], "filter_size": 20})
    with pytest.raises(InputError, match="whole image"):
        microscope.overview(whole, image, 0.1)  # type: ignore[arg-type]
