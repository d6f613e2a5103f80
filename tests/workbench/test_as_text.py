"""The command and the script of a recipe make the same picture; no window is needed."""

import os
import shlex
import subprocess
import sys

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.cli import main
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.run import Control, Done, Progress, run
from napari_mlpatch.workbench.as_text import as_command, as_python, needs_file

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


def of_sample(size=32, **more):
    """Simulated from a bundled image, as the window does it."""
    source = {"kind": "sample", "name": "shepp-logan", "options": {"size": size}}
    A = mp.operators.ParallelBeam(image_shape=(size, size), angles_deg=ANGLES, detector_count=size + 16, **more)
    noise = mp.noise.Gaussian(relative=0.03)
    return mp.simulate(mp.io.open_image(source), A, noise, seed=5, source=source)


def masked():
    """With an array among the operator's parameters."""
    source = {"kind": "sample", "name": "shepp-logan", "options": {"size": 16}}
    mask = np.random.default_rng(0).integers(0, 2, (16, 16))
    A = mp.operators.Inpainting(image_shape=(16, 16), mask="custom", missing=mask)
    return mp.simulate(mp.io.open_image(source), A, mp.noise.Gaussian(), seed=1, source=source)


@pytest.mark.parametrize("make", [of_sample, masked])
def test_simulated(here, make):
    problem = make()
    result = mp.reconstruct(problem, METHODS.TV(weight=0.2, iterations=4))
    names = {}
    exec(as_python(result.recipe), names)
    assert torch.equal(names["result"].x, result.x)
    assert names["result"].recipe.data == result.recipe.data


def test_what_was_only_in_memory_needs_a_file(here):
    A = mp.operators.ParallelBeam(image_shape=(16, 16), angles_deg=tuple(range(0, 180, 20)), detector_count=24)
    for problem in (mp.simulate(torch.rand(16, 16), A), mp.Problem(A, torch.rand(A.range_shape))):
        result = mp.reconstruct(problem, METHODS.FBP())
        for text in (as_python, as_command):
            with pytest.raises(InputError, match="save the measurement first"):
                text(result.recipe)
        assert needs_file(result.recipe)
        mp.io.write_measurement("saved.h5", problem)
        names = {}
        exec(as_python(result.recipe, "saved.h5"), names)
        assert torch.equal(names["result"].x, result.x)
        words = shlex.split(as_command(result.recipe, "saved.h5"))
        assert main([*words[1:], "--force"]) == 0
        assert torch.equal(torch.from_numpy(mp.io.read_image(words[-1])[0]), result.x[0, 0])


def test_python_functions_are_refused(here):
    problem = mp.io.read_measurement("line.npy", angles_deg=ANGLES)
    result = mp.reconstruct(problem, METHODS.PnPHQS(iterations=2), lambda x, sigma: 0.9 * x)
    assert result.recipe.weights is not None and result.recipe.weights.startswith("python:")
    for text in (as_python, as_command):
        with pytest.raises(InputError, match="Python callable"):
            text(result.recipe)
    mp.io.write_result("callable.tif", result)
    assert main(["replay", "callable.tif"]) == 2


def test_a_warm_start(here):
    problem = of_sample()
    first = mp.reconstruct(problem, METHODS.Tikhonov(iterations=2))
    result = mp.reconstruct(problem, METHODS.TV(weight=0.1, iterations=3), start=first)
    names = {}
    exec(as_python(result.recipe), names)
    assert torch.equal(names["result"].x, result.x) and "replay - " in as_command(result.recipe)


def test_in_new_processes_bit_for_bit(here):
    """All texts as they are: the scripts in one new interpreter, the commands in one new shell."""
    torch.set_num_threads(1)
    file = mp.io.read_measurement("line.npy", angles_deg=ANGLES, center=15.25)
    problems = (file, of_sample(), masked(), mp.io.samples.problem("tooth", image_shape=(32, 32), views="::8"))
    results = [mp.reconstruct(problem, METHODS.TV(weight=0.2, iterations=3), seed=3) for problem in problems]
    scripts = [as_python(result.recipe) for result in results]
    saves = [f"import numpy; numpy.save('python{i}.npy', result.x.numpy())\n" for i in range(4)]
    code = "\n".join(text + save for text, save in zip(scripts, saves, strict=True))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=300)
    shell = f'set -e\nmlpatch() {{ {shlex.quote(sys.executable)} -m napari_mlpatch.cli "$@"; }}\n'
    shell += "".join(
        f"{as_command(result.recipe)}\nmv tv.tif command{i}.tif\n" for i, result in enumerate(results) if i in (1, 2)
    )
    subprocess.run(["bash", "-c", shell], check=True, env=environment, timeout=300)
    for i, result in enumerate(results):
        assert np.array_equal(np.load(f"python{i}.npy"), result.x.numpy()), scripts[i]
        if i in (1, 2):
            found, recipe = mp.io.read_image(f"command{i}.tif")
            assert np.array_equal(found, result.x[0, 0].numpy()) and recipe["seed"] == 3
