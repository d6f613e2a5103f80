"""The lecture's figure: what is asked of its curves, and the curves of tiny networks."""

import numpy as np
import pytest
import torch
from PIL import Image

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.reproduce import equilibrium, run


def tiny(name, **params):
    torch.manual_seed(0)
    return networks.build(name, {"depth": 2, "width": 4, **params}).requires_grad_(False)


NETWORKS = {
    "deq-prox-deblur": tiny("de-prox"),
    "unrolled-prox-deblur": tiny("proximal-gradient", iterations=10),
    "spectral-denoiser-gray": tiny("spectral-cnn"),
}


def curves(flat, falling, between):
    lines = (np.full(100, flat), np.linspace(30.0, falling, 100), np.full(100, between))
    return dict(zip(equilibrium.NETWORKS, [line.tolist() for line in lines], strict=True))


def test_all_four_are_asked():
    assert equilibrium.margins(curves(30.0, 20.0, 25.0))["least margin"] == pytest.approx(0.1)
    assert equilibrium.margins(curves(30.0, 29.0, 29.5))["least margin"] < 0, "the unrolled one loses 1 dB only"
    assert equilibrium.margins(curves(30.0, 20.0, 31.0))["least margin"] == pytest.approx(-1.0)
    assert equilibrium.margins(curves(30.0, 20.0, 19.0))["least margin"] == pytest.approx(-1.0)
    falling = curves(30.0, 20.0, 25.0)
    falling["DE-Prox"][99] = 29.5
    assert equilibrium.margins(falling)["least margin"] == pytest.approx(-0.4)


def test_one_value_an_iteration_whatever_happens():
    x = torch.from_numpy(mp.io.samples.image("camera", size=24))[None, None]
    problem = equilibrium.deblurring(x, 0)
    assert problem.A.point_spread.shape == (5, 5) and problem.noise_std == equilibrium.NOISE
    for (name, method), network in zip(equilibrium.runs(20).items(), NETWORKS.values(), strict=True):
        found = equilibrium.curve(problem, method, network)
        assert len(found) == 20 and np.isfinite(found).all(), name
    exploding = NETWORKS["unrolled-prox-deblur"]
    with torch.no_grad():
        exploding.block.step.raw.fill_(1e9)
    assert len(equilibrium.curve(problem, equilibrium.runs(20)["unrolled"], exploding)) == 20


def test_the_row(monkeypatch, tmp_path):
    monkeypatch.setattr(equilibrium.weights, "find", NETWORKS.__getitem__)
    monkeypatch.setattr(equilibrium, "SIZE", 16)
    folder = tmp_path / "natural_gray" / "set12"
    folder.mkdir(parents=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 24), dtype=np.uint8)).save(folder / "01.png")
    found = run("equilibrium", data=tmp_path)
    assert found["also"]["images"] == 1 and found["seeds"] == 1
    assert found["passed"] == (found["ours"] >= 0)
    assert {f"{name} {k}" for name in equilibrium.NETWORKS for k in (10, 100)} <= set(found["also"])
