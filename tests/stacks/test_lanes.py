"""Several blocks computed side by side: the same numbers, within the memory, and no other thread loses its cores."""

import platform
import threading

import numpy as np
import pytest
import torch

from napari_mlpatch.core import heap
from napari_mlpatch.core.heap import as_usual, give_back, keep_freed
from napari_mlpatch.core.meter import resident
from napari_mlpatch.stacks.job import Job, Tools
from napari_mlpatch.stacks.sinks import sink_for
from napari_mlpatch.stacks.sizing import needs, size_of
from napari_mlpatch.stacks.stages import Lanes

from .conftest import recipe_of
from .test_run_stack import ran, read


@pytest.fixture
def threads():
    """Sets the number of PyTorch's threads, until the end of the test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_a_lane_has_the_threads_that_its_run_began_with(threads):
    threads(4)
    with Lanes(1, 3).one() as lane:
        assert lane.do(torch.get_num_threads) == 3
    assert torch.get_num_threads() == 4


def test_lanes_share_the_threads_and_leave_those_of_others(threads):
    threads(4)
    lanes, found = Lanes(2), []
    with lanes.one() as first, lanes.one() as second:
        assert first is not second
        assert [lane.do(torch.get_num_threads) for lane in (first, second)] == [2, 2]
    assert torch.get_num_threads() == 4
    other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert found == [4]


def test_blocks_in_two_lanes_are_computed_at_the_same_time_and_are_those_of_one(
    threads, exchange, tmp_path, monkeypatch
):
    recipe = recipe_of(exchange, rule={"kind": "linear", "values": (14.0, 18.5)}, block=2)
    threads(1)
    ran(recipe, exchange, tmp_path / "one.h5")
    together, compute = threading.Barrier(2, timeout=60), Tools.compute

    def met(tools, loaded, start, *rest):
        if start in (2, 4):
            together.wait()  # for ever, if the other were not computed before this one is
        return compute(tools, loaded, start, *rest)

    monkeypatch.setattr(Tools, "compute", met)
    threads(2)
    ran(recipe, exchange, tmp_path / "two.h5")
    np.testing.assert_array_equal(read(tmp_path / "two.h5"), read(tmp_path / "one.h5"))


def test_as_many_lanes_as_fit(threads, exchange, tmp_path):
    tools = Tools(Job(recipe_of(exchange, block=1).to_json(), str(exchange)))
    needed = needs(tools)
    assert needed.lane > 0
    assert size_of(tools, needed, lanes=3, memory=needed.of(1, 3)).lanes == 3
    assert size_of(tools, needed, lanes=3, memory=needed.of(1, 3) - 1).lanes == 2
    assert size_of(tools, needed, lanes=3, memory=needed.of(1)).lanes == 1
    assert size_of(tools, needed, lanes=64).lanes == 10  # slices
    tools.stack = tools.stack.model_copy(update={"block": None})
    assert size_of(tools, needed, lanes=2).slices == 2  # 8 blocks for two lanes, of 10 slices
    for available in (2, 1):  # the second run goes on with what the first has made
        threads(available)
        ran(recipe_of(exchange, block=2), exchange, tmp_path / "volume.h5")
        about = sink_for(tmp_path / "volume.h5").about()
        assert about is not None and (about["lanes"], about["threads"]) == (2, 1)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps what it likes")
def test_freed_memory_is_kept_for_a_while_and_given_back(monkeypatch):
    monkeypatch.setattr(heap, "_keepers", set())  # others of this process
    give_back()
    keep_freed(1)
    keep_freed(2)
    try:
        before = resident()
        piece = torch.ones(16 << 20)
        assert resident() - before > 60 << 20
        del piece
        as_usual(1)
        assert resident() - before > 60 << 20
    finally:
        as_usual(2)
    assert resident() - before < 10 << 20
