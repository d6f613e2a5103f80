"""The task of reconstruction: batches obey y = A x + n in the network's units, it learns, misfits are told."""

import math

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.networks.scaling import along, normalised
from napari_mlpatch.training import AdlerEllipses, Reconstruct, Synthetic, TrainingRecipe, ship, train
from napari_mlpatch.training.data import open_data
from napari_mlpatch.weights import load

A = mp.operators.ParallelBeam(image_shape=(16, 20), angles_deg="0:180:8", detector_count=27)
MRI = mp.operators.MRICartesian(image_shape=(16, 16), acceleration=2, seed=0)
LPD = {"iterations": 2, "width": 8, "memory": 2}


def recipe(task, **changes):
    values = {
        "name": "tiny",
        "title": "Tiny",
        "network": {"name": "lpd", "params": LPD},
        "data": {"kind": "ellipses", "count": 6, "size": 24, "hold_out": 2},
        "images": 4,
        "steps": 30,
        "warmup": 5,
        "lr": 3e-3,
        "ema": 0.9,
        "task": task,
    }
    return TrainingRecipe(**{**values, **changes})


@pytest.fixture(scope="module")
def images():
    return open_data(Synthetic(kind="ellipses", count=4, size=24, hold_out=2))


def drawn(task, images, count=3, seed=5):
    return task.batch(None, images, count, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("normalise", [True, False])
def test_a_batch_is_a_measurement_in_the_networks_units(images, normalise):
    task = Reconstruct(operator=A, normalise=normalise)
    y, x = drawn(task, images[0])
    assert y.shape == (3, 1, *A.range_shape) and x.shape == (3, 1, *A.domain_shape)
    torch.testing.assert_close(A(x) / A.norm, y)  # no noise: linear
    if normalise:
        size = 3 * ((A.T(y) / A.norm) ** 2).mean((1, 2, 3)).sqrt()
        torch.testing.assert_close(size, torch.ones(3))
    again = drawn(task, images[0])
    assert torch.equal(again[0], y) and not torch.equal(drawn(task, images[0], seed=6)[0], y)


def test_training_and_use_have_one_scale(images):
    task = Reconstruct(operator=A, noise=mp.noise.Gaussian(relative=0.1))
    y, _ = task._draw(images[0], 3, torch.Generator().manual_seed(5))
    torch.testing.assert_close(drawn(task, images[0])[0], normalised(y, A)[0])


@pytest.mark.parametrize("normalise", [True, False])
def test_training_and_use_take_off_one_phase(images, normalise):
    """That of the measurement, so that the network sees pictures as real as they will be in use."""
    task = Reconstruct(operator=MRI, noise=mp.noise.Gaussian(relative=0.1), normalise=normalise, phase=2.0)
    y, truth = task._draw(images[0], 3, torch.Generator().manual_seed(5))
    given, picture = drawn(task, images[0])
    expected, _, scale = normalised(y, MRI, normalise)
    assert scale.is_complex()
    torch.testing.assert_close(given, expected)
    torch.testing.assert_close(picture * along(scale, truth), truth)


def test_noise_has_a_level_for_each_item(images):
    task = Reconstruct(operator=A, noise=mp.noise.Gaussian(relative=0.1), normalise=False, augment=False)
    y, x = drawn(task, images[0], count=400)
    clean = A(x) / A.norm
    share = ((y - clean) ** 2).mean((1, 2, 3)).sqrt() / clean.abs().mean((1, 2, 3))
    assert float(share.mean()) == pytest.approx(0.1, rel=0.02) and float(share.std()) < 0.01
    double = Reconstruct(operator=A, noise=task.noise, normalise=False, augment=False, noise_factor=(0.0, 2.0))
    y, x = drawn(double, images[0], count=400)
    clean = A(x) / A.norm
    share = ((y - clean) ** 2).mean((1, 2, 3)).sqrt() / clean.abs().mean((1, 2, 3)) / 0.1
    assert float(share.min()) < 0.1 and 1.9 < float(share.max()) < 2.2


def test_what_was_not_measured_stays_zero(images):
    task = Reconstruct(operator=MRI, noise=mp.noise.Gaussian(std=1.0), phase=0.5)
    y, _ = drawn(task, images[0])
    sampled = MRI.sampled.expand(MRI.range_shape)
    assert not y[..., ~sampled].any() and bool((y[..., sampled] != 0).all())


def test_random_phases_are_smooth_and_leave_the_magnitude(images):
    real = Reconstruct(operator=MRI, normalise=False)
    turned = Reconstruct(operator=MRI, normalise=False, phase=1.0)
    x, z = (task._draw(images[0], 3, torch.Generator().manual_seed(5))[1] for task in (real, turned))
    assert x.is_complex() and not x.imag.any()
    torch.testing.assert_close(z.abs(), x.abs())
    inside = x.abs() > 0
    assert float(z[inside].angle().std()) > 0.2
    step = z[..., 1:] * z[..., :-1].conj()
    assert float(step.angle().abs().max()) < 1.5
    with pytest.raises(InputError, match="real and have no phase"):
        Reconstruct(operator=A, phase=1.0)


@pytest.mark.parametrize("operator", [A, MRI], ids=["CT", "MRI"])
def test_it_learns_and_ships(tmp_path, operator):
    task = Reconstruct(operator=operator, noise=mp.noise.Gaussian(relative=0.02), phase=0.3 if operator is MRI else 0)
    channels = {"channels": 2} if operator is MRI else {}
    made = recipe(task, network={"name": "lpd", "params": LPD | channels})
    *steps, end = train(made, report_every=10)
    assert steps[-1].loss < 0.85 * steps[0].loss
    assert set(end.metrics) == {"psnr", "ssim"} and end.metrics["psnr"] > 10
    card = ship(end, made, tmp_path)
    found = load(tmp_path / "tiny.safetensors").card
    assert found == card and card.method == "unrolled"
    assert card.operator is not None and card.operator.name == operator.name
    assert card.operator_norm == pytest.approx(operator.norm)
    assert card.noise is not None and card.noise.params["relative"] == 0.02
    assert TrainingRecipe.from_json(card.training) == made


def test_figures_are_those_of_a_simulated_problem(images):
    task = Reconstruct(operator=A, noise=mp.noise.Gaussian(relative=0.1), data_range=1.0)
    torch.manual_seed(0)
    network = networks.build("lpd", LPD)
    found = task.figures(network, images[1].first(1))
    x = images[1].image(0)[..., 4:20, 2:22]
    problem = mp.simulate(x, A, noise=task.noise, seed=12345)
    s = 3 * float(((A.T(problem.y) / A.norm**2) ** 2).mean().sqrt())
    with torch.no_grad():
        picture = s * network(problem.y / A.norm / s, (1 / A.norm) * A)
    mse = float(((picture - x) ** 2).mean())
    assert found["psnr"] == pytest.approx(-10 * math.log10(mse), rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"network": {"name": "unet", "params": {"width": 4, "depth": 1}}},
            "is a denoiser. Train it with the task 'den",
        ),
        ({"network": {"name": "lpd", "params": LPD | {"channels": 3}}}, "takes 3 channels, these pictures have 1"),
        ({"data": {"kind": "ellipses", "count": 4, "size": 16, "hold_out": 1}}, "at most 16 rows and 16 columns"),
        ({"task": Reconstruct(operator=MRI)}, "takes 1 channel, these pictures have 2, real and imaginary"),
        (
            {"task": Reconstruct(operator=MRI, noise=mp.noise.Poisson()), "network": {"name": "lpd", "params": LPD}},
            "Counting noise needs real data",
        ),
        ({"task": "denoise"}, "makes pictures of measurements. Train it with the task 'reconstruct'"),
    ],
)
def test_what_does_not_fit(changes, message):
    with pytest.raises(InputError, match=message):
        list(train(recipe(**{"task": Reconstruct(operator=A), **changes})))


def test_operators_and_noises_by_their_descriptions():
    described = {"operator": {"name": "blur", "params": {"image_shape": [8, 8]}}, "noise": {"name": "none"}}
    made = Reconstruct(**described)
    assert made.operator == mp.operators.Blur(image_shape=(8, 8)) and made.noise == mp.noise.NoNoise()
    with pytest.raises(InputError, match="Unknown operator"):
        Reconstruct(operator={"name": "nothing"})
    with pytest.raises(InputError, match="noise_factor is a range"):
        Reconstruct(**described, noise_factor=(2, 1))


def test_on_fresh_images():
    square = mp.operators.ParallelBeam(image_shape=(16, 16), angles_deg="0:180:8", detector_count=27)
    task = Reconstruct(operator=square, noise=mp.noise.Gaussian(relative=0.02))
    *_, end = train(recipe(task, data=AdlerEllipses(size=16, hold_out=1), steps=3))
    assert math.isfinite(end.metrics["psnr"])


STARTING = {
    "lgd": {"iterations": 2, "width": 4},
    "projected-gradient": {"iterations": 2, "filters": 2},
    "fbpconvnet": {"width": 2, "depth": 1},
}


@pytest.mark.parametrize("name", STARTING)
def test_the_quick_picture_is_made_before_the_step(name, images, monkeypatch):
    """Steps never ask for it, and lose nothing by that: it looks at values, which a captured step cannot."""
    task = Reconstruct(operator=A, noise=mp.noise.Gaussian(relative=0.1))
    network = networks.build(name, STARTING[name]).eval()
    y, truth, start = task.batch(network, images[0], 3, torch.Generator().manual_seed(5))
    plain = (network(y, task.unit) - truth).square().mean()
    torch.testing.assert_close(start, task.unit.pinv(y))
    monkeypatch.setattr(type(task.unit), "pinv", None)
    (loss,) = task.losses(network, (y, truth, start))
    torch.testing.assert_close(loss, plain)
    assert not start.requires_grad and len(drawn(task, images[0])) == 2
