"""Data whose pieces do not fit into memory are copied beside the output, and the copy goes with the run."""

import errno
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import beside
from napari_mlpatch.io import keeping
from napari_mlpatch.stacks import pieces
from napari_mlpatch.stacks.control import StackControl
from napari_mlpatch.stacks.events import BlockDone, Copying, Finished, Started
from napari_mlpatch.stacks.executors.cluster import Cluster
from napari_mlpatch.stacks.markers import Markers
from napari_mlpatch.stacks.run_stack import run_stack

from .conftest import ANGLES, BINS, FIELDS, ROW, SLICES, recipe_of
from .test_run_stack import ran, read


def test_without_room_for_a_copy_it_is_told_how_often_pieces_are_read(packed, unpacked, tmp_path, monkeypatch):
    path = packed((1, SLICES, BINS))
    recipe, free = recipe_of(path, block=2), pieces.shutil.disk_usage(tmp_path)._replace(free=60000)
    monkeypatch.setattr(pieces, "most", lambda: 8 * ROW + SLICES * FIELDS)  # flats and darks, and 4 slices twice
    monkeypatch.setattr(pieces.shutil, "disk_usage", lambda path: free)
    unpacked.clear()
    events = list(run_stack(recipe, path, tmp_path / "volume.zarr"))
    (started,) = [event for event in events if isinstance(event, Started)]
    assert not any(isinstance(event, Copying) for event in events)
    assert "and is read 3 times" in started.notes[-1] and "the disk has 0.0572 MiB free" in started.notes[-1]
    assert {key[0].rpartition("/")[2]: n for key, n in unpacked.items()} == {"data": 3, "data_white": 1, "data_dark": 1}
    assert events[-1].complete


@pytest.mark.parametrize("error", [errno.EDQUOT, errno.ENOSPC, errno.EFBIG])
def test_without_leave_to_write_a_copy_it_goes_on_in_passes(error, packed, exchange, tmp_path, monkeypatch):
    path = packed((1, SLICES, BINS))
    recipe, written, own = recipe_of(path, block=2), [], keeping._write
    ran(recipe_of(exchange, block=2), exchange, tmp_path / "whole.zarr")

    def write(stream, begin, shape, index, values):
        written.append(index)
        if len(written) == 2:
            raise OSError(error, os.strerror(error), stream.name)
        own(stream, begin, shape, index, values)

    monkeypatch.setattr(pieces, "most", lambda: 8 * len(ANGLES) * BINS * 2)
    monkeypatch.setattr(keeping, "STEP", 1000)
    monkeypatch.setattr(keeping, "_write", write)
    events = ran(recipe, path, tmp_path / "volume.zarr")
    (started,) = [event for event in events if isinstance(event, Started)]
    assert "and is read " in started.notes[-1] and started.notes[-1].endswith(os.strerror(error))
    np.testing.assert_array_equal(read(tmp_path / "volume.zarr"), read(tmp_path / "whole.zarr"))
    assert not list(tmp_path.glob("*.blocks"))


def test_what_a_killed_copy_has_left_takes_no_room(packed, tmp_path, monkeypatch):
    path, folder = packed((1, SLICES, BINS)), Markers(tmp_path / "volume.zarr").folder
    folder.mkdir()
    old = [folder / f"data-0123456789abcdef-{k}.npy" for k in range(2)]
    left = beside(old[0])
    for file in (left, *old):
        file.write_bytes(bytes(1000))
    there, own = [], Path.unlink

    def unlink(self, *args, **options):
        if self == old[0]:
            raise PermissionError(errno.EACCES, "not this one")
        own(self, *args, **options)

    def free(path):
        there.append([file.exists() for file in (left, *old)])
        return usage

    usage = pieces.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(pieces, "most", lambda: 0)
    monkeypatch.setattr(Path, "unlink", unlink)
    monkeypatch.setattr(pieces.shutil, "disk_usage", free)
    ran(recipe_of(path, block=3), path, tmp_path / "volume.zarr")
    assert there[0] == [False, True, False], "before it is asked how much is free"


def test_a_copy_stays_for_the_next_try_where_the_run_is_refused(packed, unpacked, tmp_path, monkeypatch):
    path, out = packed((1, SLICES, BINS)), tmp_path / "volume.zarr"
    recipe = recipe_of(path, block=3)
    monkeypatch.setattr(pieces, "most", lambda: 0)
    with pytest.raises(InputError, match=r"One slice needs .* stays for the next try"):
        list(run_stack(recipe, path, out, memory=2**20))
    assert not out.exists() and len(list(Markers(out).folder.iterdir())) == 3, "the copies and nothing else"
    unpacked.clear()
    ran(recipe, path, out)
    assert not unpacked and not Markers(out).folder.exists()


def test_cancelled_while_it_is_copied_nothing_has_begun(packed, tmp_path, monkeypatch):
    path = packed((1, SLICES, BINS))
    monkeypatch.setattr(pieces, "most", lambda: 0)
    monkeypatch.setattr(keeping, "STEP", 1000)
    control, seen = StackControl(), []
    for event in run_stack(recipe_of(path, block=3), path, tmp_path / "volume.zarr", control=control):
        seen.append(event)
        control.cancel()
    assert [type(event) for event in seen] == [Copying, Finished]
    assert seen[-1].cancelled and not seen[-1].complete and seen[-1].message == f"0 of {SLICES} slices, cancelled"
    assert not list(tmp_path.glob("volume*")), "neither the output, nor the copy"


def test_cancelled_while_it_is_copied_again_what_was_done_is_told(packed, tmp_path, monkeypatch):
    path, folder = packed((1, SLICES, BINS)), Markers(tmp_path / "volume.zarr").folder
    recipe, control = recipe_of(path, block=3), StackControl()
    monkeypatch.setattr(pieces, "most", lambda: 0)
    for event in run_stack(recipe, path, tmp_path / "volume.zarr", control=control):
        if isinstance(event, BlockDone):
            control.stop()
    done = event.done
    assert 0 < done < SLICES
    for copy in folder.glob("data-*.npy"):  # as one has none that was begun before there were copies
        copy.unlink()
    again, seen = StackControl(), []
    for event in run_stack(recipe, path, tmp_path / "volume.zarr", control=again):
        seen.append(event)
        again.cancel()
    assert [type(event) for event in seen] == [Copying, Finished]
    assert seen[-1].message == f"{done} of {SLICES} slices, cancelled" and seen[-1].done == done
    assert ran(recipe, path, tmp_path / "volume.zarr")[-1].complete


def test_a_copy_is_used_again_after_the_run_was_ended(packed, unpacked, tmp_path, monkeypatch):
    path = packed((1, SLICES, BINS))
    recipe, control = recipe_of(path, block=3), StackControl()
    monkeypatch.setattr(pieces, "most", lambda: 0)
    for event in run_stack(recipe, path, tmp_path / "volume.zarr", control=control):
        if isinstance(event, Started):
            control.stop()
    folder = Markers(tmp_path / "volume.zarr").folder
    assert len(list(folder.glob("data-*.npy"))) == 3 and Markers(tmp_path / "volume.zarr").about() is not None
    unpacked.clear()
    ran(recipe, path, tmp_path / "volume.zarr")
    assert not unpacked and not folder.exists()


@pytest.mark.slow
def test_workers_read_the_copy(packed, exchange, tmp_path, monkeypatch):
    path = packed((1, SLICES, BINS))
    monkeypatch.setattr(pieces, "most", lambda: 0)
    ran(recipe_of(exchange, block=3), exchange, tmp_path / "whole.zarr")
    with Cluster(workers=1, cores=1) as cluster:
        ran(recipe_of(path, block=3), path, tmp_path / "volume.zarr", executor=cluster)
    np.testing.assert_array_equal(read(tmp_path / "volume.zarr"), read(tmp_path / "whole.zarr"))


def test_another_array_of_the_same_file_is_not_taken_from_the_copy_of_the_first(packed, tmp_path, monkeypatch):
    path = packed((1, SLICES, BINS))
    with h5py.File(path, "r+") as file:
        other = file["exchange/data"][()] // 2
        file.create_dataset("exchange/other", data=other, chunks=(1, SLICES, BINS), compression="gzip")
    monkeypatch.setattr(pieces, "most", lambda: 0)
    for name, force in (("exchange/data", False), ("exchange/other", True)):
        recipe, control = recipe_of(path, block=3, dataset=name, angle_axis="pages"), StackControl()
        for event in run_stack(recipe, path, tmp_path / "volume.zarr", control=control, force=force):
            if isinstance(event, Started):
                control.stop()
        ran(recipe, path, tmp_path / f"{name.removeprefix('exchange/')}.zarr")
    ran(recipe, path, tmp_path / "volume.zarr")
    np.testing.assert_array_equal(read(tmp_path / "volume.zarr"), read(tmp_path / "other.zarr"))
    assert not np.array_equal(read(tmp_path / "other.zarr"), read(tmp_path / "data.zarr"))
