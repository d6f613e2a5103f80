"""Ended by whatever, the same run goes on: the same bits, and only what is missing is computed."""

import os
import shutil
import sys

import numpy as np
import pytest

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.stacks import run_stack as run_stack_module
from napari_mlpatch.stacks import work
from napari_mlpatch.stacks.control import StackControl
from napari_mlpatch.stacks.events import BlockDone, BlockFailed, Progress, Started
from napari_mlpatch.stacks.executors.embedded import Embedded
from napari_mlpatch.stacks.markers import Markers
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.sources.sinograms import SinogramStack

from .conftest import recipe_of
from .test_run_stack import ran, read


@pytest.mark.parametrize("name", ["volume.zarr", "volume.h5", "volume.tif", "volume"])
def test_a_cancelled_run_goes_on_to_the_same_bits(name, exchange, tmp_path):
    recipe = recipe_of(exchange, block=2)
    ran(recipe, exchange, tmp_path / "whole.zarr")
    control, before = StackControl(), set()
    for event in run_stack(recipe, exchange, tmp_path / name, control=control):
        if isinstance(event, BlockDone):
            before.add(event.block)
            control.stop()
    assert event.cancelled and not event.complete and "cancelled" in event.message
    events = ran(recipe_of(exchange, block=None), exchange, tmp_path / name)  # the blocks are those that it began with
    after = {event.block for event in events if isinstance(event, BlockDone)}
    assert not before & after and len(before | after) == 5
    np.testing.assert_array_equal(read(tmp_path / name), read(tmp_path / "whole.zarr"))
    assert not any(isinstance(event, BlockDone) for event in ran(recipe, exchange, tmp_path / name))  # all was done


def test_a_block_counts_once_also_where_the_report_of_its_worker_is_lost(exchange, tmp_path, monkeypatch):
    class Forgetful(Embedded):
        """As a cluster where workers die between the end of a block and its report: it is given out again."""

        def reports(self, job, blocks, control):
            for _ in super().reports(job, blocks[:2], control):
                pass
            yield from super().reports(job, blocks, control)

    recipe, out = recipe_of(exchange, block=2), tmp_path / "volume.zarr"
    ran(recipe, exchange, tmp_path / "whole.zarr")
    monkeypatch.setattr(run_stack_module, "Embedded", Forgetful)
    *events, end = run_stack(recipe, exchange, out)
    assert end.complete and end.done == 10
    assert sorted(event.block.index for event in events if isinstance(event, BlockDone)) == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(read(out), read(tmp_path / "whole.zarr"))


def test_blocks_that_fail_are_told_and_only_they_repeated(exchange, tmp_path, monkeypatch):
    recipe, out = recipe_of(exchange, block=2), tmp_path / "volume.zarr"
    read_of = SinogramStack.read

    def damaged(self, start, stop):
        bad = [k for k in (2, 6) if start <= k < stop]
        if bad:
            raise InputError(f"page {bad[0]} is damaged")
        return read_of(self, start, stop)

    monkeypatch.setattr(SinogramStack, "read", damaged)
    recipe = recipe.model_copy(update={"slices": (0, 9)})
    *_, end = events = list(run_stack(recipe, exchange, out))
    failed = [event for event in events if isinstance(event, BlockFailed)]
    assert {event.slices for event in failed} == {(2,), (6,)} and end.done == 7
    assert end.message in (
        "7 of 9 slices, 2 failed: page 2 is damaged (and 1 other reason), in slices 2, 6",
        "7 of 9 slices, 2 failed: page 6 is damaged (and 1 other reason), in slices 2, 6",
    )
    monkeypatch.setattr(SinogramStack, "read", read_of)
    again = ran(recipe, exchange, out)
    assert {event.block.start for event in again if isinstance(event, BlockDone)} == {2, 6}
    assert again[0].done == 7


def test_what_was_not_marked_is_thrown_away_first(exchange, tmp_path):
    recipe, out = recipe_of(exchange, block=2), tmp_path / "volume.zarr"
    control = StackControl()
    for event in run_stack(recipe, exchange, out, control=control):
        if isinstance(event, BlockDone):
            control.stop()
    shards = out / "0" / "c"
    lost = next(k for k in range(5) if not (tmp_path / "volume.zarr.blocks" / f"{k:06}").exists())
    (shards / str(lost) / "0").mkdir(parents=True, exist_ok=True)
    (shards / str(lost) / "0" / "0").write_bytes(b"half of a shard")
    ran(recipe, exchange, out)
    ran(recipe, exchange, tmp_path / "whole.zarr")
    np.testing.assert_array_equal(read(out), read(tmp_path / "whole.zarr"))


@pytest.mark.parametrize("left", [".mlpatch-0123abcd-99999999-0123456789ab.json", "000002", "wish"])
def test_killed_as_it_begins_or_takes_its_markers_away_the_same_run_goes_on(left, exchange, tmp_path):
    recipe, out, folder = recipe_of(exchange), tmp_path / "volume.zarr", tmp_path / "volume.zarr.blocks"
    for _ in range(2):  # before the output is made, and when it is whole
        folder.mkdir()
        (folder / left).write_text('{"identity": "0", "slices": [6, 9]}')
        ran(recipe, exchange, out)
        assert not folder.exists()
    folder.mkdir()
    (folder / "000001").write_text("somebody's")
    with pytest.raises(InputError, match="is no folder of this program's markers"):
        list(run_stack(recipe, exchange, out))


def test_killed_twice_as_it_begins_the_same_run_goes_on(exchange, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(self, **about):
        if about["created"] in at:
            raise Killed
        begin(self, **about)

    recipe, out, begin, at = recipe_of(exchange), tmp_path / "volume.zarr", Markers.begin, []
    monkeypatch.setattr(Markers, "begin", killed)
    for step in (True, False):  # the output is there, but not noted; then before anything is noted
        at[:] = [step]
        with pytest.raises(Killed):
            list(run_stack(recipe, exchange, out))
    monkeypatch.undo()
    ran(recipe, exchange, out)


def test_the_output_of_another_run_is_not_touched(exchange, tmp_path):
    out = tmp_path / "volume.zarr"
    ran(recipe_of(exchange), exchange, out)
    other = recipe_of(exchange, mp.methods.FBP(window="hann"))
    with pytest.raises(InputError, match="a finished volume of another run: the recipe differs"):
        list(run_stack(other, exchange, out))
    ran(other, exchange, out, force=True)
    os.utime(exchange, ns=(1, 1))
    with pytest.raises(InputError, match="the data are others, or have changed since"):
        list(run_stack(other, exchange, out))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    with pytest.raises(InputError, match="is no output of such a run"):
        list(run_stack(other, exchange, tmp_path / "mine", force=True))
    with pytest.raises(InputError, match="where the data are"):
        list(run_stack(other, exchange, exchange))


def test_data_that_change_in_between_end_the_run(exchange, tmp_path):
    recipe, out = recipe_of(exchange, block=1), tmp_path / "volume.zarr"
    for event in run_stack(recipe, exchange, out):
        if isinstance(event, Started):
            os.utime(exchange, ns=(5, 5))
    assert "has changed since this run began" in event.stopped and event.done == 0


def test_no_room_is_told_before(exchange, tmp_path, monkeypatch):
    free = shutil._ntuple_diskusage(10, 10, 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    with pytest.raises(InputError, match=r"needs 0.0\d+ MiB, the disk of .* has 0 MiB free"):
        list(run_stack(recipe_of(exchange), exchange, tmp_path / "volume.zarr"))
    assert not list(tmp_path.glob("volume*"))


@pytest.mark.parametrize("name", ["volume.zarr", "volume.h5", "volume"])
def test_a_disk_that_fills_up_ends_the_run_and_loses_nothing(name, exchange, tmp_path, monkeypatch):
    recipe, out = recipe_of(exchange, block=2), tmp_path / name
    sink = type(work.sink_for(out))
    write, full = sink.write, []

    def until_full(self, start, x):
        if start >= 4:
            full.append(start)
            raise OSError(28, "No space left on device", str(out))
        write(self, start, x)

    monkeypatch.setattr(sink, "write", until_full)
    *_, end = run_stack(recipe, exchange, out)
    assert "No space left on device" in end.stopped and full and end.done <= 4
    monkeypatch.setattr(sink, "write", write)
    events = ran(recipe, exchange, out)
    assert events[0].done == end.done
    ran(recipe, exchange, tmp_path / "whole.zarr")
    np.testing.assert_array_equal(read(out), read(tmp_path / "whole.zarr"))


@pytest.mark.skipif(sys.platform == "win32", reason="files have no limit there")
@pytest.mark.parametrize("name", ["volume", "volume.zarr"])
def test_the_first_file_that_has_no_room_ends_the_run(name, exchange, tmp_path):
    import resource

    recipe, out, usual = recipe_of(exchange, block=1), tmp_path / name, resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        for event in run_stack(recipe, exchange, out):
            if isinstance(event, Started):
                resource.setrlimit(resource.RLIMIT_FSIZE, (4000, usual[1]))  # of a picture of 4096 bytes
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert "Free some space there" in event.stopped and event.done == 0 and len(event.failed) < 10
    ran(recipe, exchange, out)
    ran(recipe, exchange, tmp_path / "whole.h5")
    np.testing.assert_array_equal(read(out), read(tmp_path / "whole.h5"))


def test_a_pause_begins_no_block(exchange, tmp_path):
    control, recipe = StackControl(), recipe_of(exchange, block=1)
    control.pause()
    seen = 0
    for event in run_stack(recipe, exchange, tmp_path / "volume.zarr", control=control):
        if control.paused:
            assert not isinstance(event, BlockDone)
            seen += isinstance(event, Progress) and event.paused
        if seen == 2:
            control.go_on()
    assert event.complete and seen == 2
