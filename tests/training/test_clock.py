"""Trainings against the clock, which here goes on by a tenth of a second each time that it is read."""

import math
from types import SimpleNamespace

import pytest

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.training import TrainingRecipe, checkpoint, clock, loop, train
from napari_mlpatch.training.clock import FINAL, Clock
from napari_mlpatch.training.guard import Guard

TINY = {
    "name": "tiny",
    "title": "Tiny",
    "network": {"name": "mlpatch", "params": {"head": "mlp", "widths": [8], "rings": 2, "rays": 4, "radius": 1.5}},
    "data": {"kind": "ellipses", "count": 4, "size": 24, "hold_out": 1},
    "images": 2,
    "pixels": 4,
    "steps": 100_000,
    "warmup": 3,
    "lr": 0.01,
    "validate_every": 7,
    "snapshots": 4,
}


def recipe(**changes):
    return TrainingRecipe.from_json(TINY | changes)


@pytest.fixture
def ticks(monkeypatch):
    """Seconds that have gone by."""
    now = [0.0]

    def monotonic():
        now[0] += 0.1
        return now[0]

    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=monotonic))
    return now


def test_it_ends_in_time_with_its_weights_written(ticks, tmp_path):
    *steps, end = train(recipe(minutes=1.0), out=tmp_path)
    assert 10 < end.steps < 1000 and steps[-1].k == steps[-1].total == end.steps and steps[-1].share == 1.0
    assert ticks[0] < 60 and end.seconds > 30, "in time, but not much before"
    assert end.metrics and checkpoint.load(tmp_path, recipe(minutes=1.0))["k"] == end.steps
    assert steps[-1].lr == pytest.approx(FINAL * 0.01, rel=0.2), "the schedule followed the clock"
    rates = [step.lr for step in steps]
    assert rates[2:] == sorted(rates[2:], reverse=True) and max(rates) > 0.8 * 0.01
    kept = sorted(int(path.stem[5:]) for path in (tmp_path / "snapshots").iterdir())
    assert len(kept) == 4 and kept[0] == 0 and kept[-1] == end.steps and kept[1] < end.steps / 4


def test_steps_may_end_it_before(ticks):
    *_, end = train(recipe(minutes=60, steps=5))
    assert end.steps == 5


def test_at_least_one_step(ticks):
    *_, end = train(recipe(minutes=0.001))
    assert end.steps == 1 and all(p.isfinite().all() for p in end.network.parameters())


def test_resumed_it_has_what_is_left(ticks, tmp_path):
    made = recipe(minutes=1.0)
    running = train(made, out=tmp_path, report_every=1)
    for step in running:
        if step.k == 10:
            running.close()
            break
    before, ticks[0] = checkpoint.load(tmp_path, made)["seconds"], 0.0
    *steps, end = train(made, out=tmp_path, resume=True, report_every=1)
    assert steps[0].k == 11 and steps[0].share > 10 / 100
    assert ticks[0] < 60 - before and end.seconds < 60
    *_, again = train(recipe(minutes=1.0, lr=0.005), out=tmp_path, resume=True)
    assert again.steps == end.steps, "nothing is left"
    *_, more = train(recipe(minutes=1.5), out=tmp_path, resume=True)
    assert more.steps > end.steps


def test_images_held_out_are_as_many_as_there_is_time_for(ticks):
    data = {"kind": "ellipses", "count": 40, "size": 16, "hold_out": 30}
    looked = []

    class Task:
        def figures(self, network, held_out, crop):
            ticks[0] += 2.0 * len(held_out)
            looked.append(len(held_out))
            return {}

    from napari_mlpatch.training.data import open_data

    own = Clock(recipe(minutes=1.0))
    left = own.keep_reserve(Task(), None, open_data(recipe(data=data).data)[1], 256)
    assert looked == [1, 1] and len(left) == 4 and 12 < own.reserve < 16
    assert own.room(20) and not own.room(35)


def test_without_minutes_the_clock_decides_nothing(ticks):
    own = Clock(recipe(steps=50))
    own.begin(0, 0.0)
    ticks[0] += 1e9
    assert not own.over(49) and own.share(25) == 0.5 and own.total(3) == 50
    assert own.learning_rate(recipe(steps=50), 20) == loop.learning_rate(recipe(steps=50), 20)


@pytest.mark.parametrize("minutes", [0, -1, math.nan, "soon"])
def test_impossible_minutes(minutes):
    with pytest.raises(InputError, match="minutes"):
        recipe(minutes=minutes)


# ---- explosions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", [True, False])
def test_an_explosion_ends_it_and_the_checkpoint_is_named(tmp_path, monkeypatch, folder):
    whole, calls = loop.differentiate, []

    def exploding(*given):
        calls.append(None)
        return whole(*given) * (1e5 if len(calls) > 7 else 1)

    made = recipe(steps=20, checkpoint_minutes=1e-9)
    with monkeypatch.context() as patched:
        patched.setattr(loop, "differentiate", exploding)
        wanted = r"step 7, is .*checkpoint\.pt" if folder else "there is no checkpoint yet"
        with pytest.raises(InputError, match=rf"exploded: .*median\) at step 8\. Lower the learning rate.*{wanted}"):
            list(train(made, out=tmp_path if folder else None, report_every=1))
    if folder:
        assert checkpoint.load(tmp_path, made)["k"] == 7
        *_, end = train(made, out=tmp_path, resume=True)
        assert end.steps == 20


def test_it_is_seen_before_a_checkpoint_is_replaced(tmp_path, monkeypatch):
    """Losses are told every four steps, a checkpoint is due after each."""
    whole, calls = loop.differentiate, []

    def exploding(*given):
        calls.append(None)
        return whole(*given) * (1e5 if len(calls) > 13 else 1)

    made = recipe(steps=20, checkpoint_minutes=1e-9)
    monkeypatch.setattr(loop, "differentiate", exploding)
    with pytest.raises(InputError, match=r"exploded.* step 14\..*step 13, is"):
        list(train(made, out=tmp_path, report_every=4))
    assert checkpoint.load(tmp_path, made)["k"] == 13


def test_an_explosion_in_the_first_steps_is_seen_at_once():
    """Long before there is a median: beside what a picture of zeros would have."""
    with pytest.raises(InputError, match=r"(exploded: .*zeros has|The loss is (inf|nan)).* at step [2-9]\. Lower"):
        list(train(recipe(network={"name": "dncnn", "params": {"depth": 4, "width": 4}}, crop=16, lr=1e3, warmup=0)))


def test_weights_that_have_exploded_are_not_kept(tmp_path):
    """The loss of a step is that of the weights before it: those after it are tried before they are kept."""
    params = {"name": "dncnn", "params": {"depth": 4, "width": 4}}
    made = recipe(network=params, crop=16, lr=1e3, warmup=0, checkpoint_minutes=1e-9)
    with pytest.raises(InputError, match=r"with the weights of this step it is .* at step 1.*no checkpoint yet"):
        list(train(made, out=tmp_path))
    assert not (tmp_path / checkpoint.NAME).exists()


def test_a_dark_image_in_the_first_step_is_no_measure():
    guard = Guard(recipe(), None)
    for k, (loss, nothing) in enumerate([(1e-9, 0.3), (0.5, 0.4), (90.0, 0.2)], 1):
        guard.step(loss, nothing, k)
    with pytest.raises(InputError, match=r"exploded: it is 600, and a picture of zeros has 0\.2 at step 4"):
        guard.step(600.0, 0.2, 4)
    with pytest.raises(InputError, match="The loss is nan at step 5"):
        guard.step(math.nan, 0.2, 5)
