"""The task of denoising: recipes of older versions mean the same, and a step is what it was."""

import json

import pytest
import torch

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.paths import bundled
from napari_mlpatch.training import Denoise, Files, Synthetic, TrainingRecipe, train
from napari_mlpatch.training.data import open_data
from napari_mlpatch.training.pictures import Pictures
from napari_mlpatch.training.sources import source_of

MLPATCH = {"name": "mlpatch", "params": {"head": "mlp", "widths": [16], "rings": 3, "rays": 5, "radius": 2.0}}
UNET = {"name": "unet", "params": {"width": 4, "depth": 1}}
FLAT = {
    "name": "tiny",
    "title": "Tiny",
    "network": {**MLPATCH, "params": {**MLPATCH["params"], "subtract_mean": True}},
    "data": {"kind": "ellipses", "count": 8, "size": 32, "hold_out": 2},
    "images": 4,
    "pixels": 16,
    "steps": 12,
    "warmup": 3,
    "validate_every": 6,
}


def test_flat_recipes_mean_the_same():
    made = TrainingRecipe.from_json(FLAT | {"sigma": [0.1, 0.2], "crop": 32, "loss": "l1"})
    assert made.task == Denoise(sigma=(0.1, 0.2), pixels=16, crop=32, loss="l1")
    nested = {key: value for key, value in FLAT.items() if key != "pixels"}
    nested["task"] = {"name": "denoise", "params": {"sigma": [0.1, 0.2], "pixels": 16, "crop": 32, "loss": "l1"}}
    assert TrainingRecipe.from_json(nested) == made == TrainingRecipe.from_json(made.to_json())
    assert TrainingRecipe.from_json(nested | {"crop": 48}).task == Denoise(
        sigma=(0.1, 0.2), pixels=16, crop=48, loss="l1"
    )
    assert TrainingRecipe.from_json({**nested, "task": "denoise"}).task == Denoise()


def test_the_recipes_of_the_shipped_weights_load():
    cards = [json.loads(path.read_text()) for path in sorted(bundled("resources/weights").glob("*.json"))]
    recipes = [card["training"] for card in cards if card["training"] is not None]
    assert len(recipes) >= 10
    for old in recipes:
        made = TrainingRecipe.from_json(old)
        assert TrainingRecipe.from_json(made.to_json()) == made
        again = made.model_dump(mode="json")
        own = {**again, **again["task"]["params"]}
        for key, value in old.items():
            known = {k: v for k, v in own[key].items() if k in value} if key == "data" else own[key]
            assert known == value, key


def test_the_numbers_are_those_of_before():
    """Figures of version 0.1 of the loop, which had no tasks, with the same seed."""
    before = {
        "psnr_15": 26.521280774288574,
        "psnr_25": 24.979079861560344,
        "psnr_50": 21.18957729500145,
        "psnr_0.15": 22.87260008168372,
    }
    *steps, end = train(TrainingRecipe.from_json(FLAT), report_every=1)
    assert end.metrics == pytest.approx(before, abs=1e-3)
    assert sum(step.loss for step in steps) == pytest.approx(0.5466665308922529, rel=1e-4)


@pytest.mark.parametrize("made_of", [MLPATCH, UNET])
@pytest.mark.parametrize("changes", [{}, {"loss": "l1", "balance": False, "augment": False, "part": 7}])
def test_a_step_written_out(made_of, changes):
    """The loss of a batch, computed at once and in the order in which random numbers were always drawn."""
    task = Denoise(pixels=6, crop=16, sigma=(0.05, 0.2), **changes)
    pictures, _ = open_data(Synthetic(kind="dead-leaves", count=3, size=32, hold_out=0))
    torch.manual_seed(0)
    network = networks.build(made_of["name"], made_of["params"])
    batch = task.batch(network, pictures, 4, torch.Generator().manual_seed(7))
    found = sum(float(part.detach()) for part in task.losses(network, batch))

    random = torch.Generator().manual_seed(7)
    by_pixels = made_of is MLPATCH
    radius = int(network.receptive_field()) if by_pixels else 0
    clean = pictures.neighbourhoods(4, 6, radius, random) if by_pixels else pictures.crops(4, 16, random)
    if task.augment:
        k = int(torch.randint(8, (), generator=random))
        clean = clean.transpose(-1, -2) if k & 1 else clean
        clean = clean.flip([axis for axis, bit in ((-1, 2), (-2, 4)) if k & bit])
    sigma = (0.05 + 0.15 * torch.rand(4, generator=random)).repeat_interleave(6 if by_pixels else 1)
    noisy = clean + sigma[:, None, None, None] * torch.randn(clean.shape, generator=random)
    output = network.from_neighbourhoods(noisy, sigma) if by_pixels else network(noisy, sigma)
    truth = clean[:, :, radius, radius] if by_pixels else clean
    error = (output - truth).flatten(1)
    error = (error.abs() if task.loss == "l1" else error**2).mean(1)
    wanted = (error / (sigma + 0.02) if task.balance else error).mean()
    assert found == pytest.approx(float(wanted), rel=1e-5)


def test_card():
    assert Denoise(sigma=(0.1, 0.2)).card() == {
        "noise": Description(name="gaussian", params={"sigma": [0.1, 0.2]}),
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "dream"}, "Unknown task 'dream'"),
        ({"task": 3}, "A task is described by"),
        ({"task": {"name": "denoise", "speed": 3}}, "A task is described by"),
        ({"task": {"name": "denoise", "params": {"speed": 3}}}, "unknown parameter 'speed'"),
        ({"task": {"name": "reconstruct"}}, "parameter 'operator' is missing"),
        ({"sigma": [0.3, 0.1]}, "lowest first"),
        ({"data": {"kind": "nowhere"}}, "Unknown source 'nowhere'"),
        ({"data": {"kind": "ellipses", "speed": 3}}, "unknown parameter 'speed'"),
        ({"data": ["ellipses"]}, "Images are described by"),
        ({"minutes": 0}, "minutes"),
    ],
)
def test_bad_recipes(changes, message):
    flat = {key: value for key, value in FLAT.items() if key != "pixels"} if "task" in changes else FLAT
    with pytest.raises(InputError, match=message):
        TrainingRecipe.from_json(flat | changes)


def test_images_in_other_units_than_the_noise(tmp_path):
    """Raw numbers of a detector: what was learned from them would be of no use, and its loss of no meaning."""
    x = torch.linspace(-5.0, 995.0, 32 * 32).reshape(1, 32, 32).numpy()
    network = networks.build("dncnn", {"depth": 3, "width": 2})
    with pytest.raises(InputError, match=r"values from -5 to 995, beside which noise of at most 0\.3 is nothing"):
        Denoise(sigma=(0.0, 0.3)).check(network, Pictures([x]))
    Denoise(sigma=(0.0, 30.0)).check(network, Pictures([x]))
    Denoise(sigma=(0.0, 0.0)).check(network, Pictures([x]))
    Denoise(sigma=(0.0, 0.001)).check(network, Pictures([(255 * (x > 0)).astype("uint8")]))


def test_noise_that_somebody_chose_is_believed():
    """CT in HU, counts of 16 bits, and one hot pixel; chosen noise is refused only where it can mean nothing at all."""
    network = networks.build("dncnn", {"depth": 3, "width": 2})
    x = torch.linspace(0.0, 1.0, 32 * 32).reshape(1, 32, 32).numpy()
    hot = x.copy()
    hot[0, 3, 5] = 1e6
    Denoise(sigma=(0.0, 10.0)).check(network, Pictures([4096 * x - 1024]))
    Denoise(sigma=(0.0, 100.0)).check(network, Pictures([65535 * x]))
    Denoise().check(network, Pictures([hot]))
    Denoise(sigma=(0.0, 0.1)).check(network, Pictures([hot]))
    for sigma in (Denoise().sigma, (0.0, 0.5)):
        with pytest.raises(InputError, match=r"from -1024 to 3072, beside .* lie between -1020 and 3068\)"):
            Denoise(sigma=sigma).check(network, Pictures([4096 * x - 1024]))


def test_sources_by_their_old_names():
    assert Synthetic(kind="log-normal", count=3) == source_of({"kind": "log-normal", "count": 3})
    assert Files(paths=("a",)).kind == "files"
