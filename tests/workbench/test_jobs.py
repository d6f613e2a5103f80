"""The worker threads without a window."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import weakref

import torch

import napari_mlpatch as mp
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.workbench import jobs
from napari_mlpatch.workbench.jobs import Job, JobQueue

SCRIPT = """
import sys, time, torch
from napari_mlpatch.workbench.jobs import Latest

def compute():
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        torch.randn(300, 300) @ torch.randn(300, 300)
    print("ended", flush=True)

Latest(lambda act: None).call("key", compute, lambda answer: None, lambda error: None)
time.sleep(0.2)
"""


def test_python_ends_after_the_threads_do():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")


def job():
    A = mp.operators.Identity(image_shape=(16, 16))
    problem = mp.simulate(torch.ones(16, 16), A, noise=mp.noise.Gaussian(relative=0.1), seed=0)
    return Job("Tikhonov", problem, Recipe.of(problem, mp.methods.Tikhonov()))


def wait(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_is_queued_when_the_window_closes_is_not_begun(gate, monkeypatch):
    begun = []
    monkeypatch.setattr(jobs, "run", gate.before(lambda *given, **more: begun.append(given) or iter(())))
    queue = JobQueue(lambda act: act(), lambda job: None)
    many = [job() for _ in range(5)]
    for each in many:
        queue.submit(each)
    wait(lambda: gate.reached)
    queue.close()
    gate.open()
    wait(lambda: not queue.thread.is_alive())
    assert len(begun) == 1 and [each.state for each in many[1:]] == ["queued"] * 4


def test_a_forgotten_job_is_freed():
    queue = JobQueue(lambda act: act(), lambda job: None)
    queue.submit(job())
    known = weakref.ref(queue.jobs[0])
    wait(lambda: queue.jobs[0].state == "done")
    queue.forget(queue.jobs[0])
    wait(lambda: gc.collect() >= 0 and known() is None)
    queue.close()


def test_a_job_gives_the_window_a_head_start():
    queue = JobQueue(lambda act: act(), lambda job: None, head_start=0.3)
    late = job()
    start = time.monotonic()
    queue.submit(late)
    wait(lambda: not late.active)
    assert time.monotonic() - start >= 0.3
    queue.close()


def test_a_job_without_a_result_lets_go_of_its_data():
    """A failed and a cancelled one: they stay in the list, their problem and network do not stay in memory."""
    from napari_mlpatch.workbench.scene import Scene
    from napari_mlpatch.workbench.workbench import Workbench

    workbench = Workbench()
    for wish in ("fail", "cancel"):
        A = mp.operators.Identity(image_shape=(16, 16))
        problem = mp.simulate(torch.ones(16, 16), A, noise=mp.noise.Gaussian(relative=0.1), seed=0)
        workbench.set_scene(Scene(problem, "scene"))
        known = weakref.ref(problem)
        method = mp.methods.FBP() if wish == "fail" else mp.methods.TV(iterations=100_000, tolerance=0.0)
        entry = workbench.run(method)
        if wish == "cancel":
            wait(lambda entry=entry: entry.job.k > 0)
            workbench.queue.cancel(entry.job)
        wait(lambda entry=entry: not entry.job.active)
        assert entry not in workbench.entries and entry.job in workbench.queue.jobs
        assert entry.job.state == {"fail": "failed", "cancel": "cancelled"}[wish]
        workbench.scene = None
        del problem, entry, A
        wait(lambda known=known: gc.collect() >= 0 and known() is None)
    workbench.close()


def test_whatever_a_history_holds_can_be_plotted():
    from napari_mlpatch.gui.compare.curves import quantities

    rows = [{"k": 1, "seconds": 0.1, "gradient": 3.0}, {"k": 2, "seconds": 0.2, "gradient": 2.0, "psnr": 20.0}]
    assert quantities([rows, []]) == {"psnr": "PSNR / dB", "gradient": "gradient"}
    assert list(quantities([[{"k": 1, "zeta": 1.0, "step_length": 1.0, "change": 0.1}]])) == [
        "change",
        "step_length",
        "zeta",
    ]


def test_what_all_histories_hold_comes_first():
    from napari_mlpatch.gui.compare.curves import quantities

    tv = [{"k": 1, "seconds": 0.1, "objective": 3.0, "change": 1.0, "own": 1.0}]
    learned = [{"k": 1, "seconds": 0.1, "own": 2.0, "change": 0.5, "residual": 0.1}]
    assert list(quantities([tv, learned])) == ["change", "own", "objective", "residual"]
    assert list(quantities([tv, [], [{"k": 1, "seconds": 0.0}]])) == ["objective", "change", "own"]
    assert quantities([]) == quantities([[]]) == {}
