"""Trainings on a thread, without a window."""

from __future__ import annotations

import math
import threading

import pytest
import torch

from napari_mlpatch import weights
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.training import Step, Synthetic, Trained, TrainingRecipe, train
from napari_mlpatch.workbench.training_job import Trainer, Training

SMALL = {"head": "mlp", "widths": [8], "rings": 3, "rays": 4, "radius": 1.5}


def recipe(**changes):
    values = {
        "name": "tiny",
        "title": "Tiny",
        "network": Description(name="mlpatch", params=SMALL),
        "data": Synthetic(kind="ellipses", count=4, size=16, hold_out=1),
        "images": 2,
        "pixels": 4,
        "steps": 6,
        "validate_every": 3,
        "checkpoint_minutes": 1e-9,
    }
    return TrainingRecipe(**{**values, **changes})


class Watch:
    """Runs what is posted at once; ``ended`` is set with the training's end, ``act`` called on each change."""

    def __init__(self, act=lambda training: None):
        self.ended, self.act = threading.Event(), act
        self.trainer = Trainer(lambda f: f(), self.changed)

    def changed(self, training):
        self.act(training)
        if not training.active:
            self.ended.set()

    def run(self, training):
        self.ended.clear()
        self.trainer.start(training)
        assert self.ended.wait(60)
        return training


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("MLPATCH_WEIGHTS", str(tmp_path / "own"))
    return tmp_path / "own"


def test_the_weights_are_those_of_the_loop(own, tmp_path):
    done = Watch().run(Training(recipe(), tmp_path / "t"))
    assert (done.state, done.message, done.k) == ("done", "", 6)
    assert [k for k, _ in done.losses] == [1, 2, 3, 4, 5, 6] and all(math.isfinite(loss) for _, loss in done.losses)
    assert [k for k, _ in done.psnr] == [3, 6, 6] and done.card is not None
    *_, end = train(recipe())
    assert isinstance(end, Trained) and done.psnr[-1][1] == done.card.metrics == end.metrics
    found = weights.load(own / "tiny.safetensors")
    assert found.card.training == recipe().model_dump(mode="json")
    torch.testing.assert_close(found.tensors, dict(end.network.state_dict()), rtol=0, atol=0)


def test_cancel_ends_after_the_step_and_resume_goes_on(own, tmp_path):
    def stop(training):
        if training.k >= 2:
            watch.trainer.cancel()

    long = recipe(steps=10_000)
    watch = Watch(stop)
    cancelled = watch.run(Training(long, tmp_path / "t"))
    assert cancelled.state == "cancelled" and 2 <= cancelled.k < 10_000 and not list(own.glob("*"))
    with pytest.raises(InputError, match="no checkpoint"):
        next(train(long, out=tmp_path / "other", resume=True))

    steps = cancelled.k + 3
    resumed = Training(recipe(steps=steps), tmp_path / "t", resume=True, losses=list(cancelled.losses))
    resumed = Watch().run(resumed)
    assert resumed.state == "done" and resumed.k == steps
    again = [k for k, _ in resumed.losses]
    assert again == sorted(set(again)), "each step is in the curve once"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": {"kind": "files", "paths": ["nowhere"]}}, "no file or folder"),
        ({"network": {"name": "mlpatch", "params": {"rings": 0}}}, "rings"),
        ({"device": "abacus"}, "device"),
    ],
)
def test_what_cannot_be_trained_fails_with_words(own, tmp_path, changes, words):
    made = TrainingRecipe.from_json({**recipe().model_dump(mode="json"), **changes})
    failed = Watch().run(Training(made, tmp_path / "t", tmp_path))
    assert failed.state == "failed" and words in failed.message


def test_the_curve_stays_short_and_true(own, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_mlpatch.workbench.training_job.POINTS", 4)
    done = Watch().run(Training(recipe(steps=12), tmp_path / "t"))
    losses = [step.loss for step in train(recipe(steps=12), report_every=1) if isinstance(step, Step)]
    assert [k for k, _ in done.losses] == [4, 8, 12]
    assert [loss for _, loss in done.losses] == pytest.approx([sum(losses[k : k + 4]) / 4 for k in (0, 4, 8)])


def test_one_at_a_time(own, tmp_path):
    watch = Watch()
    watch.trainer.start(Training(recipe(steps=10_000), tmp_path / "t"))
    with pytest.raises(InputError, match="still being trained"):
        watch.trainer.start(Training(recipe(), tmp_path / "t"))
    watch.trainer.close()
    assert watch.ended.wait(60)
