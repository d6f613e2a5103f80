"""Films: the networks of a training on its way, and what a denoiser is given from iteration to iteration."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks, weights
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Description, Recipe
from napari_mlpatch.explore import film
from napari_mlpatch.explore.microscope import look
from napari_mlpatch.training import Synthetic, TrainingRecipe, snapshots, train

TINY = {"head": "mlp", "widths": [8], "rings": 3, "rays": 4, "radius": 2.0}
DNCNN = Description(name="dncnn", params={"width": 4, "depth": 3})


def recipe(**changes):
    values = {
        "name": "tiny",
        "title": "Tiny",
        "network": Description(name="mlpatch", params=TINY),
        "data": Synthetic(kind="ellipses", count=4, size=32, hold_out=1),
        "images": 2,
        "pixels": 8,
        "steps": 16,
        "warmup": 1,
        "lr": 0.01,
        "ema": 0.0,
        "snapshots": 5,
    }
    return TrainingRecipe(**{**values, **changes})


def test_a_training_leaves_its_networks(tmp_path):
    *_, end = train(recipe(), out=tmp_path)
    frames = list(film.of_training(tmp_path))
    assert [frame.label for frame in frames] == ["step 0", "step 1", "step 4", "step 9", "step 16"]
    torch.manual_seed(0)
    start = networks.build("mlpatch", TINY)
    for frame, same in ((frames[0], start), (frames[-1], end.network)):
        for mine, its in zip(frame.network.parameters(), same.parameters(), strict=True):
            assert torch.equal(mine, its)
    moved = [float((frame.network.offsets() - frames[0].network.offsets()).norm()) for frame in frames]
    assert moved[0] == 0.0 < moved[1] < moved[-1]


def test_snapshots_of_a_training_that_was_stopped(tmp_path):
    events = train(recipe(), out=tmp_path, report_every=1)
    for _ in range(6):
        next(events)
    events.close()
    list(train(recipe(), out=tmp_path, resume=True))
    whole = tmp_path / "whole"
    list(train(recipe(), out=whole))
    for mine, its in zip(film.of_training(tmp_path), film.of_training(whole), strict=True):
        assert mine.label == its.label and torch.equal(mine.network.points, its.network.points)
    list(train(recipe(steps=4, snapshots=2), out=tmp_path))  # anew: the old ones are gone
    assert [frame.label for frame in film.of_training(tmp_path)] == ["step 0", "step 4"]


def test_no_snapshots(tmp_path):
    list(train(recipe(steps=2, snapshots=0), out=tmp_path / "none"))
    list(train(recipe(steps=2, crop=16, network=DNCNN), out=tmp_path / "c"))
    for folder in ("none", "c", "nowhere"):
        with pytest.raises(InputError, match="holds no snapshots"):
            list(film.of_training(tmp_path / folder))
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "step-000000001.safetensors").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="damaged or no snapshot"):
        list(film.of_training(tmp_path))


def of_weights(folder, channels=1, **changes):
    torch.manual_seed(0)
    params = {**TINY, "channels": channels, "noise_input": True, "residual": True, "subtract_mean": True}
    network = networks.build("mlpatch", params)
    about = {"name": "own", "title": "Own", "method": "denoiser", "data": "none", "steps": 0, "seed": 0}
    made = Description(**networks.describe(network))
    weights.save(
        folder, network.state_dict(), architecture=made, noise=None, metrics={}, licence="none", **{**about, **changes}
    )
    return weights.load(folder / "own.safetensors")


def test_iterations(tmp_path):
    own = of_weights(tmp_path)
    truth = np.random.default_rng(0).random((24, 20)).astype(np.float32)
    A = mp.operators.Identity(image_shape=(24, 20))
    problem = mp.simulate(truth, A, noise=mp.noise.Gaussian(relative=0.1), seed=0)
    method = mp.methods.PnPADMM(iterations=4, tolerance=0)
    result = mp.reconstruct(problem, method, own)
    frames = [frame for frame in film.of_iterations(result.recipe, problem, own) if frame is not None]
    assert [frame.label for frame in frames] == [f"iteration {k}" for k in (1, 2, 3, 4)]
    assert [frame.sigma for frame in frames] == pytest.approx([row["sigma"] for row in result.history])
    last = frames[-1].network(torch.from_numpy(frames[-1].image)[None, None], frames[-1].sigma)[0, 0].numpy()
    found = result.x[0, 0].numpy()
    assert np.corrcoef(last.ravel(), found.ravel())[0, 1] > 1 - 1e-6  # the same but for the picture's range

    turned = mp.methods.PnPADMM(iterations=4, averaging=True)
    for method, chosen in ((turned, own), (mp.methods.TV(), None), (mp.methods.PnPADMM(denoiser="tv"), None)):
        other = Recipe.of(problem, method, weights=chosen.card.sha256 if chosen else None)
        assert not film.has_iterations(other, chosen)
        with pytest.raises(InputError, match="without averaging"):
            list(film.of_iterations(other, problem, chosen))


def test_iterations_in_the_precision_of_the_recipe(tmp_path, monkeypatch):
    own, precisions = of_weights(tmp_path), []
    problem = mp.simulate(torch.rand(1, 1, 12, 12), mp.operators.Identity(image_shape=(12, 12)), seed=0)

    def watched(name, network, device, precision):
        precisions.append(precision)
        return lambda x, sigma: x

    monkeypatch.setattr(film, "denoiser", watched)
    recipe = Recipe.of(problem, mp.methods.PnPADMM(iterations=2, precision="bfloat16"), weights=own.card.sha256)
    assert len([frame for frame in film.of_iterations(recipe, problem, own) if frame is not None]) == 2
    assert precisions == ["bfloat16"]


def test_snapshots_that_cannot_be_read(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "snapshots" / "step-000000001.safetensors"
    path.parent.mkdir()
    for made in ("5", "[]", "{}", '{"name": "mlpatch", "params": [1]}'):
        save_file({"a": torch.zeros(1)}, path, {"architecture": made})
        with pytest.raises(InputError):
            list(film.of_training(tmp_path))


def test_what_another_training_has_left_is_removed(tmp_path):
    events = train(recipe(), out=tmp_path, report_every=1)
    for _ in range(3):
        next(events)
    events.close()
    for k in (4, 9):
        snapshots.keep(tmp_path, networks.build("mlpatch", {**TINY, "rings": 4}), k)
    list(train(recipe(steps=5), out=tmp_path, resume=True))
    assert {frame.network.config.rings for frame in film.of_training(tmp_path)} == {3}
    (tmp_path / "snapshots" / "step-000000007.safetensors").mkdir()
    with pytest.raises(InputError, match="cannot be removed"):
        list(train(recipe(), out=tmp_path, resume=True))


def test_a_full_disk(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_mlpatch.training.snapshots.replace_bytes", full)
    with pytest.raises(InputError, match="No space left on device"):
        list(train(recipe(), out=tmp_path))


@pytest.mark.parametrize(("count", "steps"), [(0, []), (1, [9]), (2, [0, 9]), (4, [0, 1, 4, 9])])
def test_which_steps(count, steps):
    patches = networks.build("mlpatch", TINY)
    assert sorted(snapshots.steps_to_keep(count, 9, patches)) == steps
    colour = networks.build("mlpatch", {**TINY, "channels": 3})
    assert not snapshots.steps_to_keep(count, 9, colour)


def test_the_training_that_comes_with_the_program():
    """Its last network is the one that is shipped, and the patch has moved on the way."""
    name = "mlpatch-gray-deforming"
    frames = list(film.of_training(weights.training_folders(name)[1]))
    shipped = weights.find(name).tensors
    assert all(torch.equal(value, shipped[key]) for key, value in frames[-1].network.state_dict().items())
    image = mp.io.samples.image("camera", size=48)
    first, last = (look(frame.network, image, 20, 20, 0.1) for frame in (frames[0], frames[-1]))
    assert first.moved.max() == pytest.approx(0, abs=1e-5) and 0.3 < last.moved.max() < 4
    elsewhere = look(frames[-1].network, image, 30, 12, 0.1)
    assert np.abs((elsewhere.points - [30, 12]) - (last.points - [20, 20])).max() > 0.05  # each pixel has its own
