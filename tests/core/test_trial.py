"""Estimates from a trial run: a clock that is set by hand stands for the machine's."""

from dataclasses import replace

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core import trial
from napari_mlpatch.core.cost import Cost, remaining
from napari_mlpatch.core.method import Iterate
from napari_mlpatch.core.trial import estimates


class Clock:
    """Goes on only where something says that it took time."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(trial, "time", clock)
    return clock


@pytest.fixture
def problem():
    A = mp.operators.ParallelBeam(image_shape=(8, 8), angles_deg="0:180:6", detector_count=12)
    return mp.simulate(torch.rand(8, 8), A, mp.noise.Gaussian(), seed=0)


def timed(clock, monkeypatch, setup, each, tables=0.0, total=None):
    """TV whose set-up and iterations take so long, and whose operator once makes tables."""

    def solve(self, problem, network=None, state=None):
        if tables and "made" not in vars(problem.A):
            vars(problem.A)["made"] = torch.zeros(5)
            clock.now += tables
        clock.now += setup
        yield None
        for k in range(1, (total or self.iterations) + 1):
            clock.now += each(k) if callable(each) else each
            yield Iterate(torch.zeros_like(problem.truth), k, total or self.iterations)

    monkeypatch.setattr(mp.methods.TV, "solve", solve)
    return mp.methods.TV(iterations=50)


@pytest.mark.parametrize("each", [0.001, 0.4, 5.0])
@pytest.mark.parametrize("tables", [0.0, 30.0])
def test_setup_and_iterations(clock, monkeypatch, problem, each, tables):
    """The tables, which stay, do not count."""
    cost = mp.estimate(problem, timed(clock, monkeypatch, 0.3, each, tables))
    assert cost.iterations == 50
    assert cost.seconds == pytest.approx(0.3 + 50 * each, rel=0.1)
    assert clock.now - tables < 2 * max(trial.PATIENCE, 0.3 + 2 * each), "the trial takes long itself"


@pytest.mark.parametrize("tables", [0.0, 30.0])
def test_a_long_setup_is_not_taken_for_iterations(clock, monkeypatch, problem, tables):
    """A noise level that takes longer than an estimate shall: what iterations take is measured all the same."""
    cost = mp.estimate(problem, timed(clock, monkeypatch, 2 * trial.PATIENCE, 0.05, tables))
    assert cost.per_iteration == pytest.approx(0.05)
    assert cost.seconds == pytest.approx(2 * trial.PATIENCE + 50 * 0.05, rel=0.1)
    assert clock.now - tables < 5 * trial.PATIENCE, "set-up, once again after tables, and a second"


def test_one_step(clock, monkeypatch, problem):
    cost = mp.estimate(problem, timed(clock, monkeypatch, 0.3, 0.2, 9.0, total=1))
    assert cost.iterations == 1 and cost.seconds == pytest.approx(0.5)


@pytest.mark.parametrize("seconds", [5, 30])  # for a noise level of one: the first iteration takes 0.2 times as long
def test_iterations_that_are_not_alike(clock, monkeypatch, problem, seconds):
    """The work of a denoiser that takes longer where the noise is high is averaged over the whole schedule."""
    method = mp.methods.PnPADMM(denoiser="tv", iterations=24, falling=16, sigma=0.02, tolerance=0.0)
    spent = []

    def denoise(x, sigma):
        clock.now += seconds * sigma
        spent.append(seconds * sigma)
        return x

    method = replace(method, denoiser="network")
    cost = mp.estimate(problem, method, denoise)
    spent.clear()
    mp.reconstruct(problem, method, denoise)
    assert cost.seconds == pytest.approx(sum(spent), rel=0.5)
    assert 24 * spent[0] > 2 * sum(spent), "the first iteration alone would tell too much"


def test_gives_way_and_can_be_left(clock, monkeypatch, problem):
    method = timed(clock, monkeypatch, 0.3, 0.2)
    steps = estimates(problem, method)
    assert next(steps) is None and next(steps) is None
    steps.close()
    *before, cost = estimates(problem, method)
    assert isinstance(cost, Cost) and len(before) > 5 and set(before) == {None}


def test_what_cannot_run_is_refused(problem):
    with pytest.raises(mp.InputError, match="Unknown device 'warp'"):
        mp.estimate(problem, mp.methods.TV(), device="warp")
    A = mp.operators.Identity(image_shape=(8, 8))
    with pytest.raises(mp.InputError, match="needs a CT operator"):
        mp.estimate(mp.Problem(A, torch.rand(8, 8)), mp.methods.FBP())


def test_memory_is_that_of_the_run():
    A = mp.operators.ParallelBeam(image_shape=(256, 256), angles_deg="0:180:120", detector_count=364)
    problem = mp.simulate(torch.rand(256, 256), A, mp.noise.Gaussian(), seed=0)
    method = mp.methods.TV(iterations=6, tolerance=0.0)
    cost = mp.estimate(problem, method)
    assert mp.reconstruct(problem, method).peak_bytes == pytest.approx(cost.bytes, rel=0.3)
    assert cost.bytes > A.memory_bytes() + 10 * 4 * 256**2
    many = mp.Problem(A, problem.y.expand(4, -1, -1, -1))
    assert mp.estimate(many, method).bytes - A.memory_bytes() > 2 * (cost.bytes - A.memory_bytes())


def test_remaining():
    """What the latest iterations took, not what set-up took."""
    rows = [{"k": k, "seconds": 5.0 + 0.1 * k} for k in range(1, 31)]
    assert remaining(rows, 100) == pytest.approx(7.0)
    assert remaining(rows[:1], 10) == pytest.approx(9 * 5.1)
    assert remaining(rows, 30) == 0 and remaining([], 5) is None
    slower = [*rows, *({"k": 30 + k, "seconds": 8.0 + k} for k in range(1, 12))]
    assert remaining(slower, 51) == pytest.approx(10.0)
