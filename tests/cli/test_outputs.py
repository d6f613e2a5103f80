"""What is read is not overwritten, under whatever name; nor is what somebody else made."""

import os
import shutil

import h5py
import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.cli import main

Y = "reconstruct y.npy --angles 0:180:30 --method fbp"


@pytest.fixture
def names(here):
    """The same files under other names, and an array of somebody else."""
    os.link("m.h5", "hard.h5")
    os.symlink("x.tif", "soft.tif")
    np.save("flat.npy", np.full(96, 7.0))
    np.savetxt("angles.txt", np.arange(30) * 6.0)
    (here / "notes.json").write_text('{"precious": 1}')
    return here


@pytest.mark.parametrize(
    "line",
    [
        "reconstruct m.h5 --method fbp --out m.h5",
        "reconstruct hard.h5 --method fbp --out m.h5",
        "reconstruct m.h5 --method fbp --truth x.tif --out soft.tif",
        "replay x.tif --out x.tif",
        "replay x.tif --out soft.tif",
        "replay x.tif --out m.h5",
        "simulate --operator identity --image x.tif --size 16 --out m.h5 --set image_shape=m.h5",
        "zoom x.tif --weights mlpatch-gray-small --window 0,0,2,2 --out ./soft.tif",
    ],
)
def test_inputs(names, mlpatch, line):
    before = {path.name: path.read_bytes() for path in names.iterdir()}
    code, _, error = mlpatch(line)
    words = ("is what is read here", "measurement of this program, which is not replaced by a picture")
    assert code == 2 and any(word in error for word in words), error
    assert {path.name: path.read_bytes() for path in names.iterdir()} == before


def test_inputs_behind_a_name(here, mlpatch):
    """Own files in a folder that is read, and where a link leads: here they can be replaced unasked."""
    (here / "fold").mkdir()
    (here / "fbp").mkdir()
    for i in range(3):
        io.write_image(here / "fold" / f"sino_{i}.tif", np.load("y.npy"))
        io.write_image(here / "fbp" / f"x{i}.tif", np.load("y.npy"))
    io.write_image(here / "src.h5", np.load("y.npy"))
    with h5py.File("master.h5", "w") as file:
        file["sinogram"] = h5py.ExternalLink("src.h5", "image")
    before = {path: path.read_bytes() for path in here.rglob("*.*")}
    rest = "--angles 0:180:30 --method fbp --out"
    for line in ("fold {} fold/sino_1.tif", "master.h5 {} src.h5", "y.npy --truth master.h5 {} src.h5"):
        code, _, error = mlpatch("reconstruct " + line.format(rest))
        assert code == 2 and "read here" in error, error
        assert {path: path.read_bytes() for path in here.rglob("*.*")} == before
    assert mlpatch(f"reconstruct y.npy {rest} fbp/x1.tif")[0] == 0  # a folder that is called like the method
    assert mlpatch(f"reconstruct master.h5 {rest} fold/sino_1.tif")[0] == 0


@pytest.mark.parametrize(("out", "words"), [("flat.npy", "flat.npy is there"), ("notes.npy", "notes.json is there")])
def test_files_of_others(names, mlpatch, out, words):
    before = {path.name: path.read_bytes() for path in names.iterdir()}
    code, _, error = mlpatch(f"{Y} --out {out}")
    assert code == 2 and words in error and "--force" in error
    assert {path.name: path.read_bytes() for path in names.iterdir()} == before
    assert mlpatch(f"{Y} --out {out} --force")[0] == 0


def test_force_and_own_outputs(here, mlpatch):
    for _ in range(2):
        assert mlpatch(f"{Y} --out z.tif")[0] == 0
    shutil.copy("m.h5", "again.h5")
    assert mlpatch("reconstruct again.h5 --method fbp --out again.h5 --force")[0] == 0


def test_simulate_says_what_was_done_to_its_image(tmp_path, capsys):
    from PIL import Image

    Image.new("RGB", (9, 8), (200, 10, 10)).save(tmp_path / "red.png")
    words = ["simulate", "--image", str(tmp_path / "red.png"), "--operator", "identity", "--noise", "none"]
    assert main([*words, "--out", str(tmp_path / "y.h5")]) == 0
    told = capsys.readouterr().err
    assert "red.png: values divided by 255" in told and "red.png: colour converted to grey" in told
