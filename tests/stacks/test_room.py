"""Room on the disk is counted before anything is written: for the volume, and for a copy of the data beside it."""

import shutil

import h5py
import numpy as np
import pytest

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.stacks import pieces, prepare
from napari_mlpatch.stacks.control import StackControl
from napari_mlpatch.stacks.events import BlockDone, Copying, Started
from napari_mlpatch.stacks.markers import Markers
from napari_mlpatch.stacks.run_stack import run_stack

from .conftest import ANGLES, BINS, SLICES, recipe_of
from .test_run_stack import ran, read

VOLUME = SLICES * BINS * BINS * 4
"""Bytes without those of smaller levels, as HDF5 has none."""
COPY = len(ANGLES) * SLICES * BINS * 2


@pytest.fixture
def scan(tmp_path, counts):
    """Projections that are compressed one by one, of which a copy is made."""
    path = tmp_path / "packed.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("exchange/data", data=counts[0], chunks=(1, SLICES, BINS), compression="gzip")
        for name, values in zip(("data_white", "data_dark"), counts[1:], strict=True):
            file[f"exchange/{name}"] = values
        file["exchange/theta"] = ANGLES
    return path


@pytest.fixture
def disk(monkeypatch):
    """Says how many bytes are free, and notes of which place that was asked."""
    asked = []

    def has(free):
        def usage(path):
            asked.append(path)
            return shutil._ntuple_diskusage(10**9, 10**9 - free, free)

        monkeypatch.setattr(shutil, "disk_usage", usage)
        return asked

    monkeypatch.setattr(pieces, "most", lambda: 0)
    return has


def copies(events):
    return [event.part for event in events if isinstance(event, Copying)]


def test_without_room_for_the_volume_nothing_is_tried(scan, tmp_path, disk, monkeypatch):
    recipe = recipe_of(scan)
    for name in ("needs", "create"):
        monkeypatch.setattr(prepare, name, lambda *args: pytest.fail("refused before"))
    disk(VOLUME - 1)
    with pytest.raises(
        InputError, match=r"volume of 10 x 32 x 32 needs 0.0391 MiB, the disk of .* has 0.0391 MiB free"
    ):
        list(run_stack(recipe, scan, tmp_path / "volume.h5"))
    assert [path.name for path in tmp_path.iterdir()] == ["packed.h5"]


@pytest.mark.parametrize("lacks", [0, 1])
def test_the_copy_leaves_room_for_the_volume(lacks, scan, tmp_path, disk):
    recipe = recipe_of(scan, block=2)
    ran(recipe, scan, tmp_path / "whole.h5")
    disk(VOLUME + COPY - lacks)
    events = list(run_stack(recipe, scan, tmp_path / "volume.h5"))
    (started,) = [event for event in events if isinstance(event, Started)]
    assert bool(copies(events)) == (not lacks)
    told = "takes 0.0183 MiB, the volume 0.0391 MiB, and the disk has 0.0574 MiB free"
    assert (told in started.notes[-1]) == bool(lacks)
    np.testing.assert_array_equal(read(tmp_path / "volume.h5"), read(tmp_path / "whole.h5"))


@pytest.mark.parametrize("name", ["volume.h5", "volume.zarr", "volume"])
def test_what_is_replaced_leaves_its_room(name, scan, tmp_path, disk):
    ran(recipe_of(scan, block=2), scan, tmp_path / name)
    other = recipe_of(scan, block=5, slices=(0, 9))
    disk(VOLUME // 10)
    with pytest.raises(InputError, match="another run"):
        list(run_stack(other, scan, tmp_path / name))
    *_, end = run_stack(other, scan, tmp_path / name, force=True)
    assert end.complete


def test_other_files_in_the_folder_leave_none(scan, tmp_path, disk):
    out = tmp_path / "volume"
    ran(recipe_of(scan, slices=(0, 1)), scan, out)
    (out / "mine.bin").write_bytes(bytes(2 * VOLUME))
    disk(VOLUME // 10)
    with pytest.raises(InputError, match="Make room"):
        list(run_stack(recipe_of(scan), scan, out, force=True))
    assert (out / "slice_00000.tif").exists()


def test_what_is_there_of_a_run_takes_no_more_room(scan, tmp_path, disk):
    recipe, control, out = recipe_of(scan, block=2), StackControl(), tmp_path / "volume.h5"
    disk(10**9)
    for event in run_stack(recipe, scan, out, control=control):
        if isinstance(event, BlockDone):
            control.stop()
    for copy in pieces.copies_in(Markers(out).folder):
        copy.unlink()
    disk(COPY)
    events = list(run_stack(recipe, scan, out))
    assert copies(events)[-1] == 1.0 and events[-1].complete


@pytest.mark.parametrize("there", [False, True])
def test_the_disk_is_the_one_that_a_link_leads_to(there, scan, tmp_path, disk):
    target, out = tmp_path / "elsewhere" / "volume.h5", tmp_path / "volume.h5"
    target.parent.mkdir()
    out.symlink_to(target)
    if there:
        ran(recipe_of(scan, slices=(0, 2)), scan, out)
    asked = disk(0)
    place = target if there else target.parent
    with pytest.raises(InputError, match="Make room") as told:
        list(run_stack(recipe_of(scan), scan, out, force=True))
    assert asked == [place] and f"the disk of {place} has 0 " in str(told.value)
