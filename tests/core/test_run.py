"""The executor: its endings, what it leaves alone, and that nothing ever escapes it."""

import gc
import threading
import time
import weakref

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.method import Iterate
from napari_mlpatch.core.run import Cancelled, Control, Done, Failed, Progress, Started, continued, run

from .counting import counting

FBP = mp.methods.FBP()


def failing(error, after=2):
    def solving(problem, total, state):
        for iterate in counting(problem, total, state):
            if iterate.k > after:
                raise error
            yield iterate

    return solving


def last(recipe, problem, **options):
    *before, end = run(recipe, problem, **options)
    assert not any(isinstance(e, Done | Failed | Cancelled) for e in before)
    return end


# ---- the four endings ---------------------------------------------------------------------------------------


def test_done(problem, recipe_of):
    recipe = recipe_of(lambda *a: counting(*a, pause=True), seed=3)
    started, *progress, done = run(recipe, problem)
    assert started == Started(recipe)
    assert [p.iterate and p.iterate.k for p in progress] == [None, 1, None, 2, None, 3, None, 4, None, 5]
    assert all(p.eta >= 0 and p.seconds > 0 for p in progress if p.iterate)
    assert progress[-1].eta == 0
    result = done.result
    assert (result.x == 5).all() and result.iterations == 5 and result.converged and result.state["k"] == 5
    assert result.recipe == recipe and result.peak_bytes >= 0
    assert [row["level"] for row in result.history] == [1, 2, 3, 4, 5]
    assert all({"k", "seconds", "psnr"} <= set(row) for row in result.history)
    assert result.metrics["psnr"] == pytest.approx(result.history[-1]["psnr"])


def test_cancelled(problem, recipe_of):
    control, seen = Control(), []
    for event in run(recipe_of(counting), problem, control=control):
        seen.append(event)
        if isinstance(event, Progress) and event.iterate.k == 3:
            control.cancel()
    assert seen[-1] == Cancelled(3) and len(seen) == 5


def test_stopped_and_kept(problem, recipe_of):
    control = Control()
    for event in run(recipe_of(counting), problem, control=control):
        if isinstance(event, Progress) and event.iterate.k == 3:
            control.stop()
    assert isinstance(event, Done) and event.result.iterations == 3 and not event.result.converged
    assert event.result.recipe.stopped_at == 3
    assert (last(event.result.recipe, problem).result.x == 3).all()


def test_stopped_before_there_is_a_picture(problem, recipe_of):
    control = Control()
    control.stop()
    end = last(recipe_of(lambda *a: counting(*a, pause=True)), problem, control=control)
    assert end.result.iterations == 1


def test_wishes(problem, recipe_of):
    """Cancelling overrides stopping, also at a replayed recipe's last step; a later stop does not revive."""
    control = Control()
    control.stop()
    control.cancel()
    control.stop()
    assert last(recipe_of(counting), problem, control=control) == Cancelled(1)
    recipe, control = recipe_of(counting).model_copy(update={"stopped_at": 2}), Control()
    for event in run(recipe, problem, control=control):
        if isinstance(event, Progress) and event.iterate.k == 2:
            control.cancel()
    assert event == Cancelled(2)


def test_stopped_by_another_thread(problem, recipe_of):
    begun = threading.Event()

    def endless(problem, total, state):
        k = 0
        while True:
            time.sleep(0.002)
            k += 1
            if k > 3:
                begun.set()
            yield None if k % 2 else Iterate(problem.truth, k, 10**9)

    for wish, ending in (("stop", Done), ("cancel", Cancelled)):
        control, ends = Control(), []
        recipe = recipe_of(endless)
        worker = threading.Thread(target=lambda c=control, e=ends, r=recipe: e.append(last(r, problem, control=c)))
        worker.start()
        assert begun.wait(60)
        begun.clear()
        getattr(control, wish)()
        worker.join(timeout=60)
        assert not worker.is_alive() and isinstance(ends[0], ending)


def test_continued(problem, recipe_of):
    first = last(recipe_of(counting, 3), problem).result
    recipe = continued(first.recipe, 7)
    assert recipe.method.params["iterations"] == 7 and recipe.stopped_at is None
    second = last(recipe, problem, state=first.state, history=first.history).result
    assert (second.x == 7).all() and [row["k"] for row in second.history] == list(range(1, 8))
    seconds = [row["seconds"] for row in second.history]
    assert seconds == sorted(seconds)


# ---- failures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("bad luck"), "RuntimeError at iteration 2: bad luck"),
        (ZeroDivisionError("oh"), "ZeroDivisionError at iteration 2: oh"),
        (StopIteration(), "RuntimeError at iteration 2"),
        (KeyError("x"), "KeyError at iteration 2"),
        (mp.InputError("Too small."), "^Too small.$"),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"),
            "Out of memory on cpu. The operator's tables",
        ),
        (MemoryError(), "Out of memory on cpu"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "Out of memory on cpu"),
        (RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"), "Out of memory on cpu"),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, Exception) else "",
)
def test_failed(problem, recipe_of, error, message):
    import re

    end = last(recipe_of(failing(error)), problem)
    assert isinstance(end, Failed) and re.search(message, end.message)
    assert type(end.error) is (RuntimeError if isinstance(error, StopIteration) else type(error))


def with_picture(**change):
    def solving(problem, total, state):
        yield Iterate(**({"x": problem.truth, "k": 1, "total": total} | change))

    return solving


def nothing(problem, total, state):
    yield from ()


@pytest.mark.parametrize(
    ("solving", "message"),
    [
        (with_picture(x=torch.full((1, 1, 8, 8), torch.nan)), "'trial' produced NaN or infinite values at iteration 1"),
        (with_picture(x=torch.full((1, 1, 8, 8), torch.inf)), "produced NaN or infinite"),
        (with_picture(x=torch.zeros(1, 1, 8, 9)), "must be equal"),
        (with_picture(x=None), "TypeError"),
        (nothing, "nothing left to do"),
        (lambda *a: None, "TypeError at iteration 0"),
        (lambda *a: iter([3]), "AttributeError at iteration 0"),
        (lambda *a: 1 / 0, "ZeroDivisionError at iteration 0"),
    ],
)
def test_methods_that_misbehave(problem, recipe_of, solving, message):
    end = last(recipe_of(solving), problem)
    assert isinstance(end, Failed) and message in end.message
    with pytest.raises(type(end.error)):
        mp.reconstruct(problem, recipe_of(solving).build_method())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"device": "warp"}, "Unknown device 'warp'"),
        ({"device": ""}, "Unknown device ''"),
        ({"method": {"name": "none", "params": {}}}, "Unknown method 'none'"),
    ],
)
def test_recipes_that_cannot_run(problem, recipe_of, change, message):
    values = recipe_of(counting).model_dump() | change
    end = last(mp.Recipe.from_json(values), problem)
    assert isinstance(end, Failed) and message in end.message


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_device_is_never_changed_silently(problem, recipe_of):
    end = last(recipe_of(counting, device="cuda"), problem)
    assert isinstance(end, Failed) and "no usable GPU" in end.message


def test_recipe_of_another_problem(problem, recipe_of):
    recipe = recipe_of(counting)
    other = mp.operators.ParallelBeam(image_shape=(8, 8), angles_deg="0:180:6", detector_count=12, center=4.0)
    for wrong, message in (
        (mp.Problem(problem.A, problem.y + 1), "fingerprints differ"),
        (mp.Problem(other, problem.y, noise_std=problem.noise_std), "not that of the recipe"),
        (mp.Problem(problem.A, problem.y, noise_std=1e3), "noise level of the data is given as 1000"),
    ):
        end = last(recipe, wrong)
        assert isinstance(end, Failed) and message in end.message


def test_broken_operator_does_not_hide_that_memory_ran_out(problem, recipe_of, monkeypatch):
    monkeypatch.setattr(type(problem.A), "memory_bytes", lambda self: 1 / 0)
    end = last(recipe_of(failing(MemoryError())), problem)
    assert isinstance(end, Failed) and end.message.startswith("Out of memory on cpu. Use a smaller image")


def test_out_of_memory_lets_go_of_the_tensors(problem, recipe_of):
    kept = []

    def hungry(problem, total, state):
        large = torch.zeros(1000)
        kept.append(weakref.ref(large))
        yield Iterate(problem.truth, 1, total, fields={"large": large})
        raise torch.OutOfMemoryError("CUDA out of memory")

    end = last(recipe_of(hungry), problem)
    gc.collect()
    assert isinstance(end, Failed) and kept[0]() is None


# ---- what it leaves alone -----------------------------------------------------------------------------------


def random_walk(problem, total, state):
    x = torch.zeros_like(problem.truth)
    for k in range(1, total + 1):
        x = x + torch.rand_like(x)
        assert not torch.is_grad_enabled()
        yield Iterate(x, k, total)


def test_random_numbers_are_the_runs_own(problem, recipe_of):
    recipe = recipe_of(random_walk, seed=3)
    expected = last(recipe, problem).result.x
    torch.manual_seed(11)
    plain = torch.rand(6)
    torch.manual_seed(11)
    drawn = []
    for event in run(recipe, problem):  # noqa: B007
        drawn.append(torch.rand(1))  # the caller draws between the steps
    assert torch.equal(event.result.x, expected)
    assert torch.equal(torch.cat(drawn)[:6], plain)
    assert not torch.equal(last(recipe_of(random_walk, seed=4), problem).result.x, expected)


def test_two_runs_in_turns(problem, recipe_of):
    alone = [last(recipe_of(random_walk, seed=seed), problem).result.x for seed in (1, 2)]
    runs = [run(recipe_of(random_walk, seed=seed), problem) for seed in (1, 2)]
    for _ in range(7):
        ends = [next(r) for r in runs]
    assert all(torch.equal(end.result.x, x) for end, x in zip(ends, alone, strict=True))


def test_gradients_stay_as_the_caller_has_them(problem, recipe_of):
    first, second = run(recipe_of(counting), problem), run(recipe_of(counting), problem)
    for _ in range(3):
        next(first), next(second)
        assert torch.is_grad_enabled()
    first.close()
    assert torch.is_grad_enabled()
    second.close()
    assert torch.is_grad_enabled()


def test_abandoned_runs_leave_no_thread(problem, recipe_of):
    before = threading.active_count()
    for _ in range(5):
        for event in run(recipe_of(counting), problem):
            if isinstance(event, Progress):
                break
    gc.collect()
    deadline = time.monotonic() + 60
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= before
