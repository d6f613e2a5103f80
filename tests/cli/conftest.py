"""Files to work on, and the command itself."""

import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.cli import main

SIZE, ANGLES = 64, 30


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A simulated measurement ``m.h5``, its reconstruction ``x.tif``, and the plain sinogram ``y.npy``."""
    folder = tmp_path_factory.mktemp("cli")
    simulate = ["simulate", "--operator", "parallel-beam", "--sample", "shepp-logan", "--size", str(SIZE)]
    assert main([*simulate, "--set", f"angles_deg=0:180:{ANGLES}", "--out", str(folder / "m.h5")]) == 0
    method = ["--method", "tikhonov", "--set", "weight=1", "--set", "iterations=5"]
    assert main(["reconstruct", str(folder / "m.h5"), *method, "--out", str(folder / "x.tif")]) == 0
    np.save(folder / "y.npy", io.read_measurement(folder / "m.h5").y[0, 0].numpy())
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    """A current directory with copies of the three files; the picture's recipe names the measurement here."""
    for name in ("m.h5", "y.npy"):
        (tmp_path / name).write_bytes((made / name).read_bytes())
    picture, recipe = io.read_image(made / "x.tif")
    recipe["data"]["source"]["path"] = str(tmp_path / "m.h5")
    io.write_image(tmp_path / "x.tif", picture, recipe)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mlpatch(capsys):
    """Run a command line; gives exit code, standard output and standard error."""

    def run(line):
        capsys.readouterr()
        code = main(line.split())
        return code, *capsys.readouterr()

    return run
