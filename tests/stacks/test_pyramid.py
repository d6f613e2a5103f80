"""The smaller levels of a volume, made as blocks come; left out or left in between, they are made by the same run."""

import itertools

import numpy as np
import pytest
import zarr

from napari_mlpatch.core.files import HERE
from napari_mlpatch.stacks import run_stack as run_stack_module
from napari_mlpatch.stacks.control import StackControl
from napari_mlpatch.stacks.events import BlockDone, Finished, Progress
from napari_mlpatch.stacks.executors.embedded import Embedded
from napari_mlpatch.stacks.opened import open_volume
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.sinks import ome_zarr, pyramid, shards
from napari_mlpatch.stacks.sinks.sink import Volume

from .conftest import recipe_of
from .test_run_stack import ran


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(pyramid, "SMALL", 8)  # 32, 16 and 8 pixels


def left_out(monkeypatch):
    """Runs that are killed whenever a block is marked, before the smaller levels are made of it."""
    monkeypatch.setattr(ome_zarr.OmeZarr, "settle", lambda *args: None)


def levels(path):
    return [zarr.open_array(str(path / level), mode="r")[:] for level in ("0", "1", "2")]


def finishing(events):
    return [event.finishing for event in events if isinstance(event, Progress) and event.finishing is not None]


def halved(x):
    """The mean of 2 x 2 x 2 in double precision; at an odd end the last slice stands for two."""
    for axis in range(3):
        last = x.take([-1], axis) if x.shape[axis] % 2 else x.take([], axis)
        x = np.concatenate([x, last], axis).astype(np.float64)
        first, second = (x.take(range(k, x.shape[axis], 2), axis) for k in (0, 1))
        x = (first + second) / 2
    return x


@pytest.mark.parametrize("block", [1, 2, 3, 4])
def test_smaller_levels_are_made_as_blocks_come_whatever_their_order(block, exchange, tmp_path, monkeypatch):
    class Backwards(Embedded):
        def reports(self, job, blocks, control):
            yield from super().reports(job, blocks[::-1], control)

    recipe = recipe_of(exchange, block=block)
    events = ran(recipe, exchange, tmp_path / "forth.zarr")
    assert finishing(events) == [1.0]  # nothing was left to be made
    made = levels(tmp_path / "forth.zarr")
    for large, found in itertools.pairwise(made):
        np.testing.assert_allclose(found, halved(large), atol=1e-6 * np.abs(large).max())
    with monkeypatch.context() as patch:
        patch.setattr(run_stack_module, "Embedded", Backwards)
        assert finishing(ran(recipe, exchange, tmp_path / "back.zarr")) == [1.0]
    left_out(monkeypatch)
    assert len(finishing(ran(recipe, exchange, tmp_path / "late.zarr"))) > 3
    for name in ("back.zarr", "late.zarr"):
        for found, expected in zip(levels(tmp_path / name), made, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shards", [1, 3])
def test_a_pyramid_that_is_cancelled_is_made_by_the_same_run(shards, exchange, tmp_path, monkeypatch):
    recipe, out, control = recipe_of(exchange, block=4), tmp_path / "volume.zarr", StackControl()
    ran(recipe, exchange, tmp_path / "whole.zarr")
    left_out(monkeypatch)
    parts = []
    for event in run_stack(recipe, exchange, out, control=control):
        if isinstance(event, Progress) and event.finishing is not None:
            parts.append(event.finishing)
            if len(parts) == shards:
                control.cancel()
    assert isinstance(event, Finished) and event.complete and event.cancelled and not event.finished
    assert event.message == "10 of 10 slices, all there, but the smaller levels are still to be made, cancelled"
    assert 0 < parts[0] < 1 and parts == sorted(parts)
    opened = open_volume(out)
    assert len(opened.levels) == 1 and not opened.complete
    events = ran(recipe, exchange, out)
    assert not any(isinstance(event, BlockDone) for event in events) and events[-1].finished
    again = finishing(events)
    assert again[-1] == 1.0 and len(again) == 6 - shards + 1  # three shards of each level; those that are there stay
    for found, expected in zip(levels(out), levels(tmp_path / "whole.zarr"), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert len(open_volume(out).levels) == 3 and not (tmp_path / "volume.zarr.blocks").exists()


def test_what_was_made_of_a_block_goes_with_it_and_half_a_shard_is_none(exchange, tmp_path):
    recipe, out, control = recipe_of(exchange, block=1), tmp_path / "volume.zarr", StackControl()
    ran(recipe, exchange, tmp_path / "whole.zarr")
    for event in run_stack(recipe, exchange, out, control=control):
        if isinstance(event, BlockDone) and event.block.index >= 3:
            control.stop()
    (tmp_path / "volume.zarr.blocks" / "000002").unlink()
    files = [out / "1" / "c" / k / "0" / "0" for k in ("0", "1")]
    files[0].write_bytes(files[0].read_bytes()[:-40])  # as a power cut may leave it
    files[1].write_bytes(b"another" * 10_000)  # of a block that is made again
    (files[0].parent / f".mlpatch-{HERE}-99999999-{'0' * 12}").touch()  # of a process that was killed there
    ran(recipe, exchange, out)
    for found, expected in zip(levels(out), levels(tmp_path / "whole.zarr"), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert not list(out.rglob(".mlpatch-*"))


@pytest.mark.parametrize("sides", [(8, 8), (513, 7), (20, 1025)])
def test_a_shard_is_one_of_zarr(sides, tmp_path):
    x = np.random.default_rng(0).random((5, *sides), np.float32)
    array = shards.array_of(zarr.create_group(tmp_path / "volume.zarr"), "0", x.shape, 3)
    for start, stop in ((3, 5), (0, 3), (1, 2)):  # the last is part of one, which Zarr writes
        shards.write(tmp_path / "volume.zarr" / "0", array, start, x[start:stop])
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "volume.zarr" / "0", mode="r")[:], x)
    assert len(list((tmp_path / "volume.zarr").rglob("*"))) == 10  # and nothing else is left


def test_pictures_of_zeros_are_written_like_others(tmp_path):
    sink = ome_zarr.OmeZarr(tmp_path / "volume.zarr")
    sink.create(Volume((4, 8, 8), 2, about={"block": 2}))
    sink.write(0, np.zeros((2, 8, 8), np.float32))
    sink.write(2, np.ones((2, 8, 8), np.float32))
    assert zarr.open_array(str(tmp_path / "volume.zarr" / "0"))[:].mean(axis=(1, 2)).tolist() == [0, 0, 1, 1]


def test_what_another_run_leaves_late_does_not_stay(tmp_path):
    """A worker of a run that is over may still make smaller levels while the next one begins in the same place."""
    x, other = (np.full((2, 16, 16), value, np.float32) for value in (1, 7))
    sink = ome_zarr.OmeZarr(tmp_path / "volume.zarr")
    sink.create(Volume((4, 16, 16), 2))
    sink.settle(0, 2, other, lambda index: True)
    for start in (0, 2):
        sink.write(start, x)
        sink.settle(start, start + 2, x, lambda index, start=start: index <= start // 2)
    assert list(sink.finishing())[-1] == 1.0
    for found in (zarr.open_array(str(tmp_path / "volume.zarr" / level))[:] for level in ("0", "1")):
        assert (found == 1).all()
    assert zarr.open_array(str(tmp_path / "volume.zarr" / "1")).shape == (2, 8, 8)
