"""One result is selected; results of earlier problems stand apart."""

from __future__ import annotations

import contextlib
import queue
import time

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.workbench import jobs
from napari_mlpatch.workbench.scene import Scene
from napari_mlpatch.workbench.workbench import Workbench


class Here(Workbench):
    """A workbench whose GUI thread is this one, while it waits."""

    def __init__(self):
        self.posted = queue.SimpleQueue()
        super().__init__(self.posted.put)

    def wait_for(self, condition):
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end
            with contextlib.suppress(queue.Empty):
                self.posted.get(timeout=0.01)()


@pytest.fixture
def workbench():
    here = Here()
    yield here
    here.close()


def scene(seed=0, noise=0.1):
    A = mp.operators.Identity(image_shape=(12, 12))
    image = torch.rand(12, 12, generator=torch.Generator().manual_seed(7))
    return Scene(mp.simulate(image, A, noise=mp.noise.Gaussian(relative=noise), seed=seed), f"seed {seed}").show()


def run(workbench, *lams, **more):
    made = []
    for lam in lams:
        made.append(workbench.run(mp.methods.Tikhonov(weight=lam), **more))
        workbench.wait_for(lambda: not any(e.job.active for e in workbench.entries))
    return made


def test_a_new_run_is_selected_and_removing_selects_a_neighbour(workbench):
    workbench.set_scene(scene())
    seen = []
    workbench.selection_changed.connect(lambda: seen.append(workbench.selected))
    first, second, third = run(workbench, 0.1, 0.2, 0.3)
    assert workbench.selected is third and seen == [first, second, third]
    workbench.select(second)
    workbench.select(second)
    assert seen[3:] == [second], "told once"
    workbench.remove(second)
    assert workbench.selected is third
    workbench.remove(third)
    assert workbench.selected is first, "the last row's neighbour is above it"
    workbench.remove(first)
    assert workbench.selected is None


def test_the_running_job_is_selected_until_a_person_chooses(workbench, gate, monkeypatch):
    workbench.set_scene(scene())
    monkeypatch.setattr(jobs, "run", gate.before(jobs.run))
    first, second, third = (
        workbench.run(mp.methods.Tikhonov(weight=lam), select=lam == 0.1) for lam in (0.1, 0.2, 0.3)
    )
    assert workbench.selected is first and not workbench.by_hand
    chosen = []

    def choose():
        if second.result is not None and not chosen:
            chosen.append(workbench.selected)
            workbench.select(first)

    workbench.entries_changed.connect(choose)
    gate.open()
    workbench.wait_for(lambda: third.result is not None)
    assert chosen == [second], "it ran and was selected"
    assert workbench.selected is first, "chosen by hand, it stays while the third runs"


def test_earlier_problems_stand_apart_and_can_be_returned_to(workbench):
    one, two = scene(1), scene(2)
    workbench.set_scene(one)
    a, b = run(workbench, 0.1, 0.2)
    workbench.set_scene(two)
    assert workbench.selected is None and workbench.present == []
    (c,) = run(workbench, 0.1)
    assert workbench.present == [c] and workbench.earlier == [[a, b]] and workbench.selected is c
    workbench.set_scene(scene(1))  # the same data, loaded again
    assert workbench.present == [a, b] and workbench.earlier == [[c]] and workbench.selected is None


def test_the_second_of_a_pair(workbench):
    workbench.set_scene(scene())
    assert workbench.other == "truth"
    a, b, c = run(workbench, 0.1, 0.2, 0.3)
    workbench.set_other(a)
    assert workbench.other is a
    workbench.select(a)
    assert workbench.other is b, "nothing is compared with itself"
    workbench.set_other("truth")
    assert workbench.other == "truth"
    workbench.set_other(c)
    workbench.remove(c)
    assert workbench.other == "truth"
    workbench.set_scene(Scene(mp.Problem(workbench.scene.problem.A, torch.ones(12, 12)), "no truth").show())
    assert workbench.other is None
