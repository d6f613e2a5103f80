"""Tables are made while the first data are being read, neither after nor before that."""

import threading

import numpy as np
import pytest

from napari_mlpatch.operators.parallel_beam import ParallelBeam
from napari_mlpatch.stacks.control import StackControl
from napari_mlpatch.stacks.events import Started
from napari_mlpatch.stacks.executors.embedded import Embedded
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.sources.sinograms import SinogramStack
from napari_mlpatch.stacks.stages import Turns

from .conftest import recipe_of
from .test_run_stack import ran, read

PATIENCE = 60.0


@pytest.fixture
def together(monkeypatch):
    """From when it is called, no tables are there before the first block is being read, nor it before they are made."""
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

    yield begin
    assert making.is_set() and late == []


@pytest.mark.parametrize("going", [False, True])
def test_the_first_block_is_read_while_tables_are_made(going, exchange, tmp_path, together):
    recipe, out = recipe_of(exchange, block=3), tmp_path / "volume.zarr"
    if going:
        control = StackControl()
        for event in run_stack(recipe, exchange, out, control=control):
            if isinstance(event, Started):
                control.cancel()
    together()
    ran(recipe, exchange, out)


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
