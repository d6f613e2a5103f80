"""The loop: it learns, stops and goes on bit by bit, and refuses what cannot be trained."""

import io
import math
import subprocess
import sys

import pytest
import torch

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.denoisers import precision
from napari_mlpatch.training import Step, Synthetic, Trained, TrainingRecipe, checkpoint, loop, ship, train
from napari_mlpatch.training.examples import example
from napari_mlpatch.training.loop import learning_rate
from napari_mlpatch.weights import load

TINY = {"head": "mlp", "widths": [16], "rings": 3, "rays": 5, "radius": 2.0, "subtract_mean": True}


def recipe(**changes):
    values = {
        "name": "tiny",
        "title": "Tiny",
        "network": Description(name="mlpatch", params=TINY),
        "data": Synthetic(kind="ellipses", count=8, size=32, hold_out=2),
        "images": 4,
        "pixels": 16,
        "steps": 12,
        "warmup": 3,
        "validate_every": 6,
        "checkpoint_minutes": 1e-9,
    }
    return TrainingRecipe(**{**values, **changes})


def states(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def test_events():
    *steps, end = train(recipe(), report_every=4)
    assert [step.k for step in steps] == [4, 6, 8, 12]
    assert all(isinstance(step, Step) and step.total == 12 and math.isfinite(step.loss) for step in steps)
    assert [set(step.psnr) for step in steps] == [
        set(),
        {"psnr_15", "psnr_25", "psnr_50", "psnr_0.15"},
        set(),
        {"psnr_15", "psnr_25", "psnr_50", "psnr_0.15"},
    ]
    assert isinstance(end, Trained)
    assert set(end.metrics) == set(steps[1].psnr)


def test_it_learns_to_denoise():
    *_, end = train(recipe(steps=150, images=16, pixels=32, lr=5e-3, ema=0.9, sigma=(0.0, 0.2)))
    noisy = -20 * math.log10(0.15)
    assert end.metrics["psnr_0.15"] > noisy + 4


@pytest.mark.parametrize("stop", [1, 7])
def test_resumed_is_uninterrupted_bit_by_bit(tmp_path, stop):
    made = recipe()
    *_, whole = train(made)
    running = train(made, out=tmp_path, report_every=1)
    for step in running:
        if step.k == stop:  # its checkpoint is written when the generator is closed
            running.close()
            break
    *rest, resumed = train(made, out=tmp_path, resume=True, report_every=1)
    assert rest[0].k == stop + 1
    for name, value in whole.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], value), name
    assert resumed.metrics == whole.metrics


def test_parts_change_nothing():
    first, second = (list(train(recipe(part=part, steps=3)))[-1] for part in (None, 10))
    for a, b in zip(first.network.parameters(), second.network.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-4)


def test_weights_and_card(tmp_path):
    made = recipe()
    *_, end = train(made)
    card = ship(end, made, tmp_path)
    found = load(tmp_path / "tiny.safetensors")
    assert found.card == card
    assert (card.method, card.steps, card.seed, card.metrics) == ("denoiser", 12, 0, end.metrics)
    assert TrainingRecipe.from_json(card.training) == made
    x = torch.rand(1, 1, 20, 20)
    with torch.no_grad():
        assert torch.equal(networks.opened(found)(x, 0.1), end.network(x, 0.1))


def test_low_precision_trains():
    *_, end = train(recipe(precision="bfloat16", steps=4))
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in end.network.parameters())


def test_learning_rate():
    made = recipe(lr=1.0, warmup=10, steps=110)
    assert learning_rate(made, 5) == 0.5
    assert learning_rate(made, 10) == 1.0
    assert learning_rate(made, 60) == pytest.approx(0.505)
    assert learning_rate(made, 110) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"network": Description(name="mlpatch", params={**TINY, "channels": 3})},
            "takes 3 channels, the images have 1",
        ),
        ({"network": Description(name="nothing")}, "Unknown architecture 'nothing'"),
        ({"data": Synthetic(kind="ellipses", count=3, size=32, hold_out=3)}, "3 images, of which 3 are to be held out"),
        ({"network": Description(name="mlpatch", params={**TINY, "radius": 20.0})}, "only 32 rows or columns, but 43"),
        ({"lr": 1e3, "clip": 1e30, "warmup": 0}, "[Ll]ower the learning rate|too large a learning rate"),
        ({"device": "cuda:77"}, "device 'cuda:77' cannot be used here"),
        ({"device": "gpu"}, "device 'gpu' cannot be used here"),
    ],
)
def test_what_cannot_be_trained(changes, message):
    with pytest.raises(InputError, match=message):
        list(train(recipe(**changes), report_every=1))


def test_checkpoints_that_do_not_fit(tmp_path):
    with pytest.raises(InputError, match="give the folder"):
        list(train(recipe(), resume=True))
    with pytest.raises(InputError, match="no checkpoint"):
        list(train(recipe(), out=tmp_path, resume=True))
    list(train(recipe(steps=1), out=tmp_path))
    with pytest.raises(InputError, match=r"of another recipe: ema differ"):
        list(train(recipe(ema=0.5), out=tmp_path, resume=True))
    *_, end = train(recipe(steps=4, lr=0.5, warmup=0, clip=2.0), out=tmp_path, resume=True)
    assert end.steps == 4
    with pytest.raises(InputError, match=r"checkpoint\.pt has done 4 steps already, the recipe asks for 3"):
        list(train(recipe(steps=3), out=tmp_path, resume=True))


def test_damaged_checkpoints(tmp_path):
    list(train(recipe(steps=1), out=tmp_path))
    path = tmp_path / checkpoint.NAME
    whole = path.read_bytes()
    for damaged in (b"", b"text", b"not a checkpoint", b"\x80", whole[:1000], whole[:-100]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"checkpoint\.pt cannot be read"):
            list(train(recipe(), out=tmp_path, resume=True))
    state = torch.load(io.BytesIO(whole), weights_only=True)
    for changes, message in (
        ({"network": None}, "is no checkpoint"),
        ({"network": {}}, "does not fit"),
        ({"optimiser": {}}, "does not fit"),
        ({"recipe": "{"}, "malformed"),
    ):
        torch.save({key: value for key, value in {**state, **changes}.items() if value is not None}, path)
        with pytest.raises(InputError, match=rf"checkpoint\.pt.* {message}"):
            list(train(recipe(), out=tmp_path, resume=True))


@pytest.mark.parametrize("what", ["loss", "weight"])
def test_what_is_not_finite_never_replaces_a_checkpoint(tmp_path, monkeypatch, what):
    """A loss is read every 100 steps here, a checkpoint is due after each; the fourth is broken."""
    name = {"loss": "differentiate", "weight": "follow"}[what]
    whole, calls = getattr(loop, name), []

    def broken(*given):
        calls.append(None)
        if len(calls) < 4:
            return whole(*given)
        return torch.tensor(math.inf) if what == "loss" else given[1].scale.data.fill_(math.nan)

    with monkeypatch.context() as patched:
        patched.setattr(loop, name, broken)
        with pytest.raises(InputError, match=r"(no longer finite|is inf) at step 4\. Lower the learning rate"):
            list(train(recipe(), out=tmp_path, report_every=100))
    assert checkpoint.load(tmp_path, recipe())["k"] == 3
    *_, end = train(recipe(lr=1e-4), out=tmp_path, resume=True)
    assert all(p.isfinite().all() for p in end.network.parameters())


def test_an_older_training_is_kept_and_never_mixed(tmp_path):
    def kept(folder):
        return {path.name: path.read_bytes() for path in (folder / "snapshots").glob("*")}

    list(train(recipe(), out=tmp_path))
    before = tmp_path / checkpoint.BEFORE
    first, older = (tmp_path / checkpoint.NAME).read_bytes(), kept(tmp_path)
    for _ in range(2):  # the second finds no checkpoint, and leaves what is kept alone
        killed = train(recipe(seed=1, checkpoint_minutes=60), out=tmp_path, report_every=1)
        assert next(killed).k == 1
        with pytest.raises(KeyboardInterrupt):
            killed.throw(KeyboardInterrupt())
        assert kept(tmp_path).keys() < older.keys()  # it had begun to write its own
        assert (before / checkpoint.NAME).read_bytes() == first and kept(before) == older
        with pytest.raises(InputError, match=r"no checkpoint .* resume the older training in .*before"):
            list(train(recipe(), out=tmp_path, resume=True))
    *_, end = train(recipe(steps=13), out=before, resume=True)
    assert end.steps == 13

    list(train(recipe(seed=2, steps=2, snapshots=1), out=tmp_path))
    assert kept(before).keys() > older.keys()  # there was nothing to put in its place
    list(train(recipe(seed=3), out=tmp_path))
    assert checkpoint.load(before, recipe(seed=2))["k"] == 2 and list(kept(before)) == ["step-000000002.safetensors"]


@pytest.mark.parametrize("resume", [False, True])
def test_two_trainings_do_not_share_a_folder(tmp_path, resume):
    first = train(recipe(steps=12), out=tmp_path, report_every=1)
    next(first)
    with pytest.raises(InputError, match=r"is being written by another run \(process \d+"):
        next(train(recipe(steps=12), out=tmp_path, resume=resume))
    *_, end = first
    assert isinstance(end, Trained) and end.steps == 12  # and it was left alone
    assert checkpoint.load(tmp_path, recipe(steps=12))["k"] == 12
    *_, again = train(recipe(steps=13), out=tmp_path, resume=True)
    assert isinstance(again, Trained) and again.steps == 13
    assert {path.name for path in tmp_path.iterdir()} <= {checkpoint.NAME, "snapshots", checkpoint.BEFORE}


@pytest.mark.parametrize("end", ["done", "stopped", "failed"])
def test_the_number_of_threads_is_restored(end):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        events = train(recipe(threads=1, **({"device": "cuda:77"} if end == "failed" else {})), report_every=1)
        if end == "failed":
            with pytest.raises(InputError):
                next(events)
        else:
            next(events)
            assert torch.get_num_threads() == 1
            events.close() if end == "stopped" else list(events)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_weights_in_half_precision(tmp_path):
    """The figures of the card are those of the file, which has half as many bytes."""
    net = Description(name="unet", params={"width": 4, "depth": 1})
    *_, whole = train(recipe(network=net, crop=16))
    half = recipe(network=net, crop=16, store="float16")
    *_, end = train(half)
    card = ship(end, half, tmp_path)
    found = load(tmp_path / f"{card.name}.safetensors")
    assert {value.dtype for value in found.tensors.values() if value.is_floating_point()} == {torch.float16}
    back = networks.opened(found)
    for name, value in back.state_dict().items():
        assert (
            torch.equal(value, end.network.state_dict()[name]) and value.dtype == end.network.state_dict()[name].dtype
        )
        assert torch.allclose(value.float(), whole.network.state_dict()[name].float(), rtol=1e-3, atol=1e-6)
    assert card.metrics != whole.metrics and card.metrics == pytest.approx(whole.metrics, abs=0.01)


def test_weights_too_large_for_half_precision(monkeypatch):
    monkeypatch.setattr("napari_mlpatch.training.loop.follow", lambda average, *_: average.scale.fill_(1e5))
    with pytest.raises(InputError, match="larger than 65504"):
        list(train(recipe(steps=1, store="float16", data=Synthetic(kind="ellipses", count=4, size=32, hold_out=0))))


def test_two_processes_share_the_work(tmp_path):
    """As ``torchrun`` starts them: both average their gradients, the first one writes."""
    (tmp_path / "recipe.json").write_text(recipe(steps=3, validate_every=3).to_json())
    command = "-m torch.distributed.run --nproc-per-node 2 --standalone -m napari_mlpatch.cli train recipe.json"
    done = subprocess.run(
        [sys.executable, *command.split(), "--out", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = load(tmp_path / "out" / "tiny.safetensors")
    assert found.card.steps == 3 and done.stdout.count("tiny.safetensors") == 1
    *_, alone = train(recipe(steps=3))
    assert not torch.equal(found.tensors["points"], alone.network.points)  # it has seen twice as many images
    assert torch.allclose(found.tensors["points"], alone.network.points, atol=0.05)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_training_on_the_gpu(tmp_path, device):
    made = recipe(device=device)
    *_, whole = train(made)
    running = train(made, out=tmp_path, report_every=1)
    for step in running:
        if step.k == 7:
            running.close()
            break
    *_, resumed = train(made, out=tmp_path, resume=True)
    for value, again in zip(whole.network.parameters(), resumed.network.parameters(), strict=True):
        assert value.device.type == "cpu"
        torch.testing.assert_close(again, value)


def test_a_checkpoint_of_a_gpu_goes_on_elsewhere(tmp_path):
    """There the optimiser keeps its learning rate as a tensor, and may be captured."""
    *_, whole = train(recipe(steps=4), report_every=1)
    list(train(recipe(steps=2), out=tmp_path))
    path = tmp_path / checkpoint.NAME
    state = torch.load(path, weights_only=True)
    for group in state["optimiser"]["param_groups"]:
        group.update(capturable=True, lr=torch.tensor(group["lr"]))
    torch.save(state, path)
    *_, end = train(recipe(steps=4), out=tmp_path, resume=True)
    assert isinstance(end, Trained) and isinstance(whole, Trained) and end.steps == whole.steps == 4


@pytest.mark.parametrize("has", [False, True])
def test_automatic_precision(monkeypatch, has):
    """bfloat16 on processors that compute it, for architectures that are as good in it; else float32."""
    monkeypatch.setattr(precision, "has_bfloat16", lambda kind: has)
    lpd, dncnn = (networks.declaration(name) for name in ("lpd", "dncnn"))
    assert precision.for_training("auto", lpd, "cpu") == ("bfloat16" if has else "float32")
    assert precision.for_training("auto", lpd, "cuda") == precision.for_training("auto", dncnn, "cpu") == "float32"
    assert precision.for_training("bfloat16", dncnn, "cuda") == "bfloat16"


def test_automatic_precision_trains(monkeypatch):
    """In both, from the same losses to the same losses, but for rounding."""
    made = example("lpd").model_copy(update={"steps": 3, "warmup": 1, "validate_every": 10})
    losses = []
    for has in (False, True):
        monkeypatch.setattr(precision, "has_bfloat16", lambda kind, has=has: has)
        losses.append([step.loss for step in train(made, report_every=1) if isinstance(step, Step)])
    assert losses[0] == pytest.approx(losses[1], rel=0.03) and losses[0] != losses[1]
