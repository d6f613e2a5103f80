"""Keeping iterates within a bound of bytes, and taking one of them as a result."""

import gc
import math
import os

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.iterates import Pool, Recorder
from napari_mlpatch.core.kept_iterate import best_by_residual, kept, misfit
from napari_mlpatch.core.run import run

BYTES = 4 * 8 * 8


def picture(k):
    return torch.full((1, 1, 8, 8), 1.0 / 3.0 + k)


def filled(recorder, count, **numbers):
    for k in range(1, count + 1):
        recorder.add(k, picture(k), {name: value(k) for name, value in numbers.items()})
    return recorder


@pytest.fixture
def problem():
    x = torch.zeros(16, 16)
    x[4:11, 5:12] = 1.0
    A = mp.operators.ParallelBeam(image_shape=(16, 16), angles_deg="0:180:12", detector_count=24)
    return mp.simulate(x, A, mp.noise.Gaussian(relative=0.1), seed=1)


def test_all_of_them_exactly_where_there_is_room():
    recorder = filled(Recorder(), 20)
    assert recorder.ks == list(range(1, 21)) and recorder.every == 1
    assert all(torch.equal(recorder.at(k), picture(k)) for k in recorder.ks)
    assert recorder.nearest(7.4) == 7 and recorder.nearest(99) == 20
    with pytest.raises(mp.InputError, match="iterate 21 was not kept"):
        recorder.at(21)


def test_what_a_method_changes_later_is_not_changed():
    recorder, x = Recorder(), picture(1)
    recorder.add(1, x, {})
    x.zero_()
    assert torch.equal(recorder.at(1), picture(1))


@pytest.mark.parametrize("count", [5, 40, 1000])
def test_thinned_to_every_second_when_full(count):
    recorder = filled(Recorder(10 * BYTES), count)
    assert recorder.held <= 10 * BYTES and len(recorder) >= min(count, 5)
    assert recorder.ks == sorted({1, *range(recorder.every, count + 1, recorder.every), count})
    assert math.log2(recorder.every).is_integer()
    assert all(torch.equal(recorder.at(k), picture(k)) for k in recorder.ks)
    assert len(recorder.scalars) == count  # the numbers stay


def test_the_best_stays_however_much_is_thinned():
    recorder = filled(Recorder(10 * BYTES), 501, psnr=lambda k: -abs(k - 333.0))
    assert recorder.best("psnr") == 333 and torch.equal(recorder.at(333), picture(333))
    assert Recorder().best("psnr") is None
    with pytest.raises(mp.InputError, match="best by psnr"):
        recorder.best("beauty")


def test_spilled_to_a_file_that_ends_with_the_recorder(tmp_path):
    pool = Pool(3 * BYTES, 50 * BYTES, str(tmp_path / "new"))
    recorder = filled(Recorder(pool=pool), 40)
    assert recorder.ks == list(range(1, 41))
    assert (recorder.held, recorder.spilled) == (3 * BYTES, 37 * BYTES) == (pool.held, pool.spilled)
    assert all(torch.equal(recorder.at(k), picture(k)) for k in recorder.ks)
    filled(recorder, 200)
    assert recorder.spilled <= 50 * BYTES and recorder.every > 1
    assert all(torch.equal(recorder.at(k), picture(k)) for k in recorder.ks)
    file = recorder._file
    recorder.clear()
    assert file.closed and pool.held == pool.spilled == 0 and not os.listdir(tmp_path / "new")


def test_a_full_disk_is_room_that_is_not_there(monkeypatch):
    recorder = Recorder(4 * BYTES, spill=100 * BYTES)

    def full(k, x):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recorder, "_write", full)
    filled(recorder, 30)
    assert recorder.held <= 4 * BYTES and recorder.spilled == 0 and 30 in recorder.ks


def test_recorders_share_a_pool_fairly():
    pool = Pool(20 * BYTES)
    first, second = Recorder(pool=pool), Recorder(pool=pool)
    filled(first, 20)
    filled(second, 20)
    assert pool.held <= 20 * BYTES and len(first) >= 5 and len(second) >= 5
    del first
    gc.collect()
    assert pool.held == second.held


@pytest.mark.parametrize("wrong", [{"budget": -1}, {"spill": math.nan}, {"every": 0}, {"every": True}])
def test_impossible_bounds(wrong):
    with pytest.raises(mp.InputError):
        Recorder(**wrong)


def test_a_run_fills_it_and_any_iterate_can_be_kept_and_replayed(problem):
    recorder = Recorder()
    result = mp.reconstruct(problem, mp.methods.TV(iterations=30, tolerance=0.0), recorder=recorder)
    assert recorder.ks == list(range(1, 31)) and torch.equal(recorder.at(30), result.x)
    assert [row["psnr"] for row in recorder.history()] == [row["psnr"] for row in result.history]
    best = recorder.best("psnr")
    assert best == max(result.history, key=lambda row: row["psnr"])["k"] < 30
    one = kept(recorder, best, result, problem)
    assert (one.iterations, one.recipe.stopped_at, len(one.history)) == (best, best, best)
    assert one.metrics["psnr"] == pytest.approx(result.history[best - 1]["psnr"])
    *_, again = run(mp.Recipe.from_json(one.recipe.to_json()), problem)
    assert torch.equal(again.result.x, one.x) and again.result.recipe.stopped_at == best
    assert kept(recorder, 30, result, problem) is result


def test_continuing_goes_on_recording(problem):
    from napari_mlpatch.core.run import continued

    recorder = Recorder()
    first = mp.reconstruct(problem, mp.methods.TV(iterations=5, tolerance=0.0), recorder=recorder)
    recipe = continued(first.recipe, 9)
    *_, done = run(recipe, problem, state=first.state, history=first.history, recorder=recorder)
    assert recorder.ks == list(range(1, 10)) and torch.equal(recorder.at(9), done.result.x)


def test_the_discrepancy_principle_takes_the_first_that_fits_the_noise(problem):
    """Of pictures between zero and the truth, and beyond: that whose residual has the length of the noise."""
    recorder, truth = Recorder(), problem.truth
    shares = [0.2, 0.6, 1.0, 1.4, 1.8]
    for k, share in enumerate(shares, 1):
        recorder.add(k, share * truth, {})
    lengths = [float((problem.A(share * truth) - problem.y).norm()) for share in shares]
    nearest = min(range(5), key=lambda i: abs(math.log(lengths[i] / problem.noise_norm)))
    assert best_by_residual(recorder, problem) == nearest + 1 == 3
    assert misfit(truth, problem) == pytest.approx((lengths[2] / problem.noise_norm) ** 2, rel=1e-4)


def test_without_noise_the_least_residual(problem):
    clean = mp.simulate(problem.truth[0, 0], problem.A)
    recorder = Recorder()
    for k, share in enumerate([0.5, 0.9, 1.3], 1):
        recorder.add(k, share * clean.truth, {})
    assert clean.noise_std in (None, 0.0)
    assert best_by_residual(recorder, mp.Problem(clean.A, clean.y, noise_std=0.0)) == 2
    with pytest.raises(mp.InputError, match="No iterates"):
        best_by_residual(Recorder(), clean)
