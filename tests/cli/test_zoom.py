"""``mlpatch zoom`` and ``mlpatch equivariance``."""

import json

import numpy as np
import pytest
import tifffile

from napari_mlpatch import io, weights
from napari_mlpatch.explore import microscope
from napari_mlpatch.explore.zoom import zoom

NAME = "mlpatch-gray-small"


def test_zoom(mlpatch, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = np.random.default_rng(0).random((24, 30)).astype(np.float32) * 10
    io.write_image("x.tif", image)
    line = f"zoom x.tif --weights {NAME} --factor 2 --sigma 0.1 --range 0,10 --window 4.5,3.5,10.5,20.5 --out y.tif"
    code, text, error = mlpatch(line + " --pixel-size 0.4 --unit mm")
    assert code == 0, error
    assert "image 24 x 30, factor 2, now 12 x 34, pixel size 0.2 mm" in text
    network = microscope.open_network(weights.find(NAME))
    expected = 10 * zoom(network, image / 10, 0.1, 2, (4.5, 3.5, 10.5, 20.5))
    assert np.allclose(io.read_image("y.tif")[0], expected, atol=1e-4)
    with tifffile.TiffFile("y.tif") as file:
        over, under = file.pages[0].tags.valueof("XResolution")  # type: ignore[union-attr]
    assert over / under == 50  # per cm
    facts = json.loads(mlpatch(line + " --json")[1])
    assert facts["shape"] == [12, 34] and facts["origin"] == [4.75, 3.75] and facts["pixel_size"] is None


def test_pixel_size_comes_from_the_recipe(here, mlpatch):
    code, text, error = mlpatch(f"zoom x.tif --weights {NAME} --window 0,0,4,4 --out fine.npy")
    assert code == 0 and "noise estimated: --sigma" in error and "pixel size 0.5," in text


def test_equivariance(mlpatch, here):
    code, text, error = mlpatch(f"equivariance x.tif --weights {NAME} --size 48 --json")
    found = json.loads(text)
    assert code == 0 and found["shape"] == [48, 48], error
    rms = {row["name"]: row["rms"] for row in found["transformations"]}
    assert rms["shift by 3 rows, 5 columns"] <= 1e-4 < rms["quarter turn"]
    code, text, _ = mlpatch(f"equivariance --weights {NAME} --size 40")
    assert code == 0 and "half turn" in text and "image 40 x 40" in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("zoom x.tif --weights moon --out y.tif", "Unknown weights 'moon'"),
        ("zoom none.tif --weights {name} --out y.tif", "none.tif"),
        ("zoom x.tif --weights {name} --out y.xyz", "'y.xyz'"),
        ("zoom x.tif --weights {name} --factor 0 --out y.tif", "The factor must be from 1 to 64, got 0"),
        ("zoom x.tif --weights {name} --sigma 2 --out y.tif", "from 0 to 1, got 2"),
        ("zoom x.tif --weights {name} --window 1,2 --out y.tif", "TOP,LEFT,BOTTOM,RIGHT"),
        ("zoom x.tif --weights {name} --window 90,0,99,9 --out y.tif", "outside the image"),
        ("zoom x.tif --weights {name} --range 1,0 --out y.tif", "the smaller one first"),
        ("zoom x.tif --weights {name} --pixel-size -1 --out y.tif", "must be a positive number"),
        ("zoom sample:tooth --weights {name} --out y.tif", "is a measurement"),
        ("equivariance x.tif --weights {name} --size 8", "at least 32"),
        ("equivariance x.tif --weights moon", "Unknown weights"),
    ],
)
def test_bad_input(mlpatch, here, line, message):
    code, text, error = mlpatch(line.format(name=NAME))
    assert (code, text) == (2, "") and message in error
    assert not (here / "y.tif").exists()
