"""The command and the script of a recipe make the same picture; no window is needed."""

import shlex

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.cli import main
from napari_mlpatch.core.run import Control, Done, Progress, run
from napari_mlpatch.workbench.as_text import as_command, as_python

ANGLES = (np.linspace(-60, 110, 24) ** 3 / 110**2).tolist()
"""Not equally spaced, and the first is negative."""

FAN = {"source_to_axis": 60.0, "source_to_detector": 90.0, "detector_pitch": 0.5, "pixel_size": 0.4}
METHODS = mp.methods


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with counts, line integrals and a stack of a small disc off the centre."""
    monkeypatch.chdir(tmp_path)
    bins, angles = np.arange(32) - 15.5, np.radians(ANGLES)[:, None]
    path = 2 * np.sqrt(np.clip(64 - (bins - 4 * np.cos(angles)) ** 2, 0, None)) * 0.05
    np.save("line.npy", path.astype(np.float32))
    np.save("counts.npy", (1000 * np.exp(-path)).astype(np.float32))
    np.save("stack.npy", np.stack([path, 2 * path, 3 * path]).astype(np.float32))
    np.save("flat.npy", np.full(32, 1000, np.float32))
    np.savetxt("angles.txt", ANGLES)
    return tmp_path


def again(recipe):
    """The pictures of the command and of the script."""
    words = shlex.split(as_command(recipe))
    assert words[0] == "mlpatch" and main(words[1:]) == 0
    names = {}
    exec(as_python(recipe), names)
    return torch.from_numpy(mp.io.read_image(words[-1])[0]), names["result"].x


def check(result):
    for picture in again(result.recipe):
        torch.testing.assert_close(picture.reshape(result.x.shape), result.x)


@pytest.mark.parametrize(
    ("name", "options", "method"),
    [
        ("line.npy", {"angles_deg": ANGLES, "center": 15.25}, METHODS.FBP(window="hann")),
        ("line.npy", {"angles_deg": "-20:160:24", "views": "-20::2"}, METHODS.TV(weight=0.3, iterations=4)),
        ("line.npy", {"angles_deg": "angles.txt", "rings": 5, "log": False}, METHODS.FBP()),
        ("line.npy", {"angles_deg": "0:360:24", "image_shape": (30, 28), **FAN}, METHODS.FBP()),
        ("line.npy", {"angles_deg": "0:360:24", "rebin": True, **FAN}, METHODS.FBP()),
        ("line.npy", {"angles_deg": "0:360:24", "detector": "curved", **FAN}, METHODS.FBP()),
        ("counts.npy", {"angles_deg": ANGLES, "flat": "flat.npy", "dark": 2.0, "clip_counts": 3.0}, METHODS.FBP()),
        ("counts.npy", {"angles_deg": ANGLES, "flat": 1000.0, "log": True}, METHODS.FBP()),
        ("stack.npy", {"angles_deg": ANGLES, "slice": 2}, METHODS.TV(nonnegative=True, iterations=3)),
    ],
)
def test_options_of_a_file(here, name, options, method):
    problem = mp.io.read_measurement(name, **options)
    check(mp.reconstruct(problem, method, seed=3))


def test_sample(here):
    problem = mp.io.samples.problem("tooth", image_shape=(64, 64), pixel_size=10.0, views="::4")
    check(mp.reconstruct(problem, METHODS.FBP()))


def test_stopped_early(here):
    problem, control = mp.io.read_measurement("line.npy", angles_deg=ANGLES), Control()
    recipe = mp.Recipe.of(problem, METHODS.Tikhonov(weight=0.01, iterations=50))
    for event in run(recipe, problem, control=control):
        if isinstance(event, Progress) and event.iterate is not None and event.iterate.k == 3:
            control.stop()
        if isinstance(event, Done):
            assert event.result.recipe.stopped_at == event.result.iterations == 3
            check(event.result)
            return
    raise AssertionError("the run was not kept")


def test_weights_and_seed(here, monkeypatch):
    from napari_mlpatch import networks, weights

    monkeypatch.setenv("MLPATCH_WEIGHTS", str(here / "own"))
    torch.manual_seed(0)
    torch.save(networks.build("dncnn", {"depth": 3, "width": 4}).state_dict(), "small.pth")
    assert main(["weights", "import", "small.pth", "--name", "small", "--licence", "MIT"]) == 0
    problem = mp.io.read_measurement("line.npy", angles_deg=ANGLES)
    result = mp.reconstruct(problem, METHODS.PnPHQS(iterations=2, averaging=True), weights.find("small"), seed=7)
    check(result)
    written = mp.io.read_image("pnp-hqs.tif")[1]
    assert written is not None and written["seed"] == 7
    assert written["weights"] == result.recipe.weights is not None


def test_simulated_has_no_file(here):
    A = mp.operators.ParallelBeam(image_shape=(16, 16), angles_deg=tuple(range(0, 180, 20)), detector_count=24)
    problem = mp.simulate(torch.rand(16, 16), A)
    mp.io.write_measurement("MEASUREMENT.h5", problem)
    check(mp.reconstruct(problem, METHODS.FBP()))
