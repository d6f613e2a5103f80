"""Tables are made while the first data are being read, neither after nor before that."""

import threading

import numpy as np
import pytest

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.operators.parallel_beam import ParallelBeam
from napari_mlpatch.stacks import sizing, warm
from napari_mlpatch.stacks.control import StackControl
from napari_mlpatch.stacks.events import Started
from napari_mlpatch.stacks.executors.embedded import Embedded
from napari_mlpatch.stacks.job import Job, Tools
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.sources.sinograms import SinogramStack
from napari_mlpatch.stacks.stack_recipe import Center
from napari_mlpatch.stacks.stages import Turns
from napari_mlpatch.stacks.warm import Warm

from .conftest import recipe_of
from .test_run_stack import ran, read

PATIENCE = 60.0
TV = mp.methods.TV(weight=0.01, iterations=4)


@pytest.fixture
def together(monkeypatch):
    """From when it is called, no tables are there before the first block is being read, nor it before they are made.

    It returns a function that tells whether both went on at the same time.
    """
    making, reading, late = threading.Event(), threading.Event(), []
    own_read, own_nufft = SinogramStack.read, ParallelBeam._nufft

    def read_first(self, start, stop):
        if not making.wait(PATIENCE):
            late.append("it was read, but no tables were being made")
        if (start, stop) == (0, 3):
            reading.set()
        return own_read(self, start, stop)

    def made(self, *args):
        making.set()
        if not reading.wait(PATIENCE):
            late.append("tables were made, but the first block was not being read")
        return own_nufft(self, *args)

    def begin():
        monkeypatch.setattr(SinogramStack, "read", read_first)
        monkeypatch.setattr(ParallelBeam, "_nufft", made)
        return lambda: making.is_set() and late == []

    return begin


@pytest.mark.parametrize("going", [False, True])
def test_the_first_block_is_read_while_tables_are_made(going, exchange, tmp_path, together):
    recipe, out = recipe_of(exchange, block=3), tmp_path / "volume.zarr"
    if going:
        control = StackControl()
        for event in run_stack(recipe, exchange, out, control=control):
            if isinstance(event, Started):
                control.cancel()
    at_once = together()
    ran(recipe, exchange, out)
    assert at_once()


def test_it_is_read_once_and_the_volume_is_the_same(exchange, tmp_path, monkeypatch):
    recipe, ranges, own = recipe_of(exchange, block=3), [], SinogramStack.read

    def noted(self, start, stop):
        ranges.append((start, stop))
        return own(self, start, stop)

    monkeypatch.setattr(SinogramStack, "read", noted)
    ran(recipe, exchange, tmp_path / "ahead.zarr")
    assert sorted(ranges) == [(0, 3), (3, 6), (5, 6), (6, 9), (9, 10)]  # a trial of slice 5
    ran(recipe, exchange, tmp_path / "plain.zarr", executor=Embedded())
    np.testing.assert_array_equal(read(tmp_path / "ahead.zarr"), read(tmp_path / "plain.zarr"))


@pytest.mark.parametrize("rule", [None, Center(values=(14.5,))])
def test_tables_of_the_operator_that_is_tried_do_not_count(rule, exchange, monkeypatch):
    tools = Tools(Job(recipe_of(exchange, TV, block=3, rule=rule).to_json(), str(exchange)))
    runs, own = [], sizing.solved

    def noted(method, problem, *args, **options):
        runs.append((problem.A, bool(metered)))
        return own(method, problem, *args, **options)

    metered = []

    class Metered(sizing.Meter):
        def __enter__(self):
            metered.append(self)
            return super().__enter__()

    monkeypatch.setattr(sizing, "solved", noted)
    monkeypatch.setattr(sizing, "Meter", Metered)
    sizing.needs(tools)
    measured = [A for A, is_metered in runs if is_metered]
    before = [A for A, is_metered in runs if not is_metered]
    assert len(measured) == 1 and (measured[0] is tools.A) == (rule is None)
    assert all(A is measured[0] for A in before) and len(before) == (rule is not None)


def test_a_slice_that_cannot_be_read_does_not_wait_for_the_trial(exchange, monkeypatch):
    tools = Tools(Job(recipe_of(exchange, TV, block=3).to_json(), str(exchange)))
    told_of, own = [], warm.solved
    begun, ended = threading.Event(), threading.Event()

    def read(self, start, stop):
        assert begun.wait(PATIENCE)
        raise InputError("damaged")

    def until_told(method, problem, *args, told, **options):
        begun.set()
        goes_on = True
        while goes_on and not ended.wait(0.01):
            goes_on = told(None)
        told_of.append(goes_on)
        return own(method, problem, *args, told=told, **options)

    monkeypatch.setattr(SinogramStack, "read", read)
    monkeypatch.setattr(warm, "solved", until_told)
    patience = threading.Timer(PATIENCE, ended.set)
    patience.start()
    with pytest.raises(InputError, match="damaged"):
        sizing.needs(tools)
    patience.cancel()
    assert told_of and not any(told_of)


def test_the_operator_is_made_before_the_other_thread_begins(exchange, monkeypatch):
    tools, there, own = Tools(Job(recipe_of(exchange, block=3).to_json(), str(exchange))), [], threading.Thread.start

    def start(self):
        there.append("A" in vars(tools) and "_made" in vars(tools.A))
        own(self)

    monkeypatch.setattr(threading.Thread, "start", start)
    Warm(tools).join()
    assert there == [True]


def test_turns_are_in_order_whoever_comes_first():
    turns, order = Turns(), []
    numbers = [turns.take() for _ in range(5)]

    def wait(k):
        with numbers[k]:
            order.append(k)

    threads = [threading.Thread(target=wait, args=(k,)) for k in (4, 2, 0, 3)]
    for thread in threads:
        thread.start()
    numbers[1].skip()
    numbers[1].skip()
    for thread in threads:
        thread.join(PATIENCE)
    assert order == [0, 2, 3, 4]
