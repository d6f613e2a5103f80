"""The patch microscope in the real window."""

import numpy as np
import pytest
import torch

from napari_mlpatch import networks, weights
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.gui import session


@pytest.fixture
def own_weights(tmp_path, monkeypatch):
    torch.manual_seed(0)
    network = networks.build("mlpatch", {"rings": 3, "rays": 4, "head": "mlp", "widths": [8]})
    with torch.no_grad():
        network.points *= 1.5  # type: ignore[operator]
    made = networks.describe(network)
    monkeypatch.setenv("MLPATCH_WEIGHTS", str(tmp_path))
    weights.save(
        tmp_path,
        network.state_dict(),
        name="own",
        title="Own",
        method="denoiser",
        architecture=Description(**made),
        noise=None,
        data="none",
        steps=0,
        seed=0,
        metrics={},
        licence="none",
    )


def test_look_pin_map_export(own_weights, make_napari_viewer, qtbot, tmp_path):
    viewer = make_napari_viewer(show=True)
    image = np.random.default_rng(0).random((24, 30)).astype(np.float32)
    layer = viewer.add_image(image, name="picture", scale=(2, 2), contrast_limits=(0, 1))
    here = session(viewer)
    here.open("Patch microscope")
    dock = here.docks["Patch microscope"]
    dock.weights.setCurrentIndex(dock.weights.findData("own"))

    dock.look_at(10, 12)
    qtbot.waitUntil(lambda: dock.current is not None, timeout=20_000)
    samples = viewer.layers["patch: samples"]
    assert samples.data.shape == (12, 2) and np.allclose(samples.scale, (2, 2))
    assert np.allclose(samples.data[0], (10, 12)) and f"sees {image[10, 12]:.4g}" in dock.facts.text()
    assert viewer.layers.selection.active is layer

    dock.pin_current()
    dock.look_at(5, 6)
    qtbot.waitUntil(lambda: dock.current.row == 5, timeout=20_000)
    assert len(viewer.layers["patch: samples"].data) == len(viewer.layers["patch: moved"].data) == 24
    dock.save(tmp_path / "out.csv")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 13 and (tmp_path / "out.png").stat().st_size > 500

    dock.map_all()
    qtbot.waitUntil(lambda: "reach / pixel" in viewer.layers, timeout=30_000)
    assert viewer.layers["reach / pixel"].data.shape == image.shape

    viewer.layers.remove("patch: samples")
    assert "patch: moved" not in viewer.layers
    dock.clear_pins()
    assert not dock.pins and "patch: samples" in viewer.layers
    dock.look_at(500, 2)  # outside: nothing happens
    assert dock.current.row == 5
    here.workbench.close()
