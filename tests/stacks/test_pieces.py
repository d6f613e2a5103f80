"""Pieces of a file that hold many slices, compressed chunks and pages, are read once in a run."""

import errno
import os
from collections import Counter
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import beside
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.io import arrays, keeping, plausible
from napari_mlpatch.io.readers import h5_stored
from napari_mlpatch.stacks import pieces, prepare
from napari_mlpatch.stacks.control import StackControl
from napari_mlpatch.stacks.events import BlockDone, Copying, Finished, Started
from napari_mlpatch.stacks.executors.cluster import Cluster
from napari_mlpatch.stacks.executors.embedded import Embedded
from napari_mlpatch.stacks.markers import Markers
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.sizing import Needs
from napari_mlpatch.stacks.sources.own import OwnStack
from napari_mlpatch.stacks.stack_recipe import StackRecipe

from .conftest import ANGLES, BINS, SLICES, recipe_of
from .test_run_stack import ran, read

COUNTED = Path("/proc/self/io")
ROW = len(ANGLES) * BINS * 2  # bytes of a slice of projections
FIELDS = 2 * 2 * BINS * 2  # and of flats and darks
NAMES = ("exchange/data", "exchange/data_white", "exchange/data_dark")


@pytest.fixture
def packed(tmp_path, counts):
    """Writes Data Exchange in compressed chunks of this shape."""

    def write(chunks, name="packed.h5"):
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            for key, values in zip(NAMES, counts, strict=True):
                fitting = tuple(map(min, chunks, values.shape))
                file.create_dataset(key, data=values, chunks=fitting, compression="gzip")
            file["exchange/theta"] = ANGLES
        return path

    return write


@pytest.fixture
def unpacked(monkeypatch):
    """How often each chunk of each array of detector counts was decompressed."""
    found, own = Counter(), h5py.Dataset.__getitem__

    def counted(self, args, *more, **options):
        if self.name.strip("/") in NAMES:
            index = args if isinstance(args, tuple) else (args,)
            index = [*index, *[slice(None)] * (self.ndim - len(index))]
            ranges = []
            for part, n, chunk in zip(index, self.shape, self.chunks or self.shape, strict=True):
                start, stop, _ = part.indices(n) if isinstance(part, slice) else (part, part + 1, 1)
                ranges.append(range(start // chunk, -(-stop // chunk)))
            found.update((self.name, *at) for at in product(*ranges))
        return own(self, args, *more, **options)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counted)
    return found


@pytest.fixture
def read_of(monkeypatch):
    """What is read of arrays of this name."""
    found, own = [], h5py.Dataset.__getitem__

    def begin(name):
        def noted(self, args, *more, **options):
            if self.name.endswith(name):
                found.append(args)
            return own(self, args, *more, **options)

        monkeypatch.setattr(h5py.Dataset, "__getitem__", noted)
        return found

    return begin


def all_of(path):
    with h5py.File(path) as file:
        return sum(file[name].id.get_num_chunks() for name in NAMES)


@pytest.mark.parametrize("room", ["memory", "disk"])
@pytest.mark.parametrize("chunks", [(1, SLICES, BINS), (7, 4, 9), (30, 5, BINS), (2, 7, BINS)])
def test_each_chunk_is_decompressed_once(chunks, room, exchange, packed, unpacked, tmp_path, monkeypatch):
    path = packed(chunks)
    recipe = recipe_of(path, block=3)
    ran(recipe_of(exchange, block=3), exchange, tmp_path / "whole.zarr")
    if room == "disk":
        monkeypatch.setattr(pieces, "most", lambda: 0)
        monkeypatch.setattr(keeping, "STEP", 3000)
    unpacked.clear()
    events = list(run_stack(recipe, path, tmp_path / "volume.zarr"))
    assert set(unpacked.values()) == {1} and len(unpacked) == all_of(path)
    parts = [event.part for event in events if isinstance(event, Copying)]
    started = next(event for event in events if isinstance(event, Started))
    assert (parts[-1:] == [1.0] and "lies in volume.zarr.blocks until" in started.notes[-1]) == (room == "disk")
    np.testing.assert_array_equal(read(tmp_path / "volume.zarr"), read(tmp_path / "whole.zarr"))
    assert not Markers(tmp_path / "volume.zarr").folder.exists(), "the copy has gone with the markers"


def test_nxtomo_parts_its_frames_from_one_reading(nxtomo, tmp_path, read_of, monkeypatch):
    with h5py.File(nxtomo, "r+") as file:
        group = file["entry/tomo/instrument/detector"]
        frames = group["data"][()]
        del group["data"]
        group.create_dataset("data", data=frames, chunks=(1, *frames.shape[1:]), compression="gzip")
    recipe = recipe_of(nxtomo, block=3)
    monkeypatch.setattr(plausible, "CHEAP", 0)  # as of a large one, which is not looked at as it is opened
    reads = read_of("detector/data")
    ran(recipe, nxtomo, tmp_path / "volume.zarr")
    assert len(reads) == 1


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_projections_in_files_of_their_own(compression, folder, counts, tmp_path, monkeypatch):
    whole = recipe_of(folder, block=3)
    ran(whole, folder, tmp_path / "whole.zarr")
    for name, frames in zip(("proj", "flat", "dark"), counts, strict=True):
        for k, frame in enumerate(frames):
            tifffile.imwrite(folder / f"{name}_{k:03}.tif", frame, photometric="minisblack", compression=compression)
    pages, own = Counter(), tifffile.TiffPage.asarray

    def noted(self, *args, **options):
        pages[self.parent.filename] += 1
        return own(self, *args, **options)

    recipe = recipe_of(folder, block=3)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", noted)
    ran(recipe, folder, tmp_path / "volume.zarr")
    if compression is None:
        assert not pages, "only the rows that are needed are read"
    else:
        assert set(pages.values()) == {1} and len(pages) == sum(map(len, counts))
    np.testing.assert_array_equal(read(tmp_path / "volume.zarr"), read(tmp_path / "whole.zarr"))


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


@pytest.mark.parametrize("workers", [1, 16])
def test_what_is_kept_leaves_room_for_the_blocks(workers, packed, exchange, tmp_path, monkeypatch):
    path = packed((1, SLICES, BINS))
    recipe, who, kept = recipe_of(path, block=2), Embedded(), []
    ran(recipe_of(exchange, block=2), exchange, tmp_path / "whole.zarr")
    who.workers = workers

    def needs(tools, ahead):
        kept.append(tools.source.pieces.bytes)
        return Needs(kept[-1], 1)

    monkeypatch.setattr(prepare, "needs", needs)
    whole = len(ANGLES) * SLICES * BINS * 2
    ran(recipe, path, tmp_path / "volume.zarr", executor=who, memory=workers * whole)
    assert 0 < kept[-1] <= whole // 4, "of flats and darks; a copy of the projections"
    np.testing.assert_array_equal(read(tmp_path / "volume.zarr"), read(tmp_path / "whole.zarr"))
    ran(recipe, path, tmp_path / "roomy.zarr", executor=who, memory=workers * 8 * whole)
    assert kept[-1] > whole, "all of it"


@pytest.mark.parametrize("care", [(), ({"name": "outliers"},)])
def test_a_few_slices_are_read_in_one_pass_without_a_copy(care, packed, exchange, unpacked, tmp_path, monkeypatch):
    path, halo = packed((1, SLICES, BINS)), 2 * bool(care)
    recipe = recipe_of(path, block=2, care=care, slices=(4, 8))
    ran(recipe_of(exchange, block=2, care=care, slices=(4, 8)), exchange, tmp_path / "whole.zarr")
    monkeypatch.setattr(pieces, "most", lambda: (4 + 2 * halo) * (ROW + FIELDS))
    unpacked.clear()
    events = ran(recipe, path, tmp_path / "volume.zarr")
    assert not any(isinstance(event, Copying) for event in events)
    assert set(unpacked.values()) == {1} and len(unpacked) == all_of(path)
    np.testing.assert_array_equal(read(tmp_path / "volume.zarr"), read(tmp_path / "whole.zarr"))


def test_a_block_that_is_missing_is_read_without_a_copy(packed, exchange, unpacked, tmp_path, monkeypatch):
    path, out, own = packed((1, SLICES, BINS)), tmp_path / "volume.zarr", Markers.mark
    recipe = recipe_of(path, block=2)
    ran(recipe_of(exchange, block=2), exchange, tmp_path / "whole.zarr")

    def mark(self, block, *args):
        if block.index == 2:
            raise PermissionError(errno.EACCES, "not this one")
        own(self, block, *args)

    with monkeypatch.context() as for_now:
        for_now.setattr(Markers, "mark", mark)
        *_, ended = run_stack(recipe, path, out)
    assert ended.done == SLICES - 2
    monkeypatch.setattr(pieces, "most", lambda: 2 * (ROW + FIELDS))
    unpacked.clear()
    events = ran(recipe, path, out)
    assert not any(isinstance(event, Copying) for event in events) and set(unpacked.values()) == {1}
    np.testing.assert_array_equal(read(out), read(tmp_path / "whole.zarr"))


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


@pytest.mark.parametrize(("deep", "room", "times"), [(5, 3, 2), (7, 2, 4), (7, 3, 3), (SLICES, 4, 3)])
def test_a_piece_is_read_as_often_as_is_told(deep, room, times, packed, exchange, unpacked, tmp_path, monkeypatch):
    path = packed((1, deep, BINS))
    recipe = recipe_of(path, block=1)
    ran(recipe_of(exchange, block=1), exchange, tmp_path / "whole.zarr")

    def copied(*args):
        yield 0.0
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(pieces, "most", lambda: 2 * room * ROW + SLICES * FIELDS)  # the fields, and two slabs
    monkeypatch.setattr(pieces, "copied", copied)
    unpacked.clear()
    events = ran(recipe, path, tmp_path / "volume.zarr")
    (started,) = [event for event in events if isinstance(event, Started)]
    assert f"is read {times} times" in started.notes[-1]
    assert max(unpacked.values()) == times
    np.testing.assert_array_equal(read(tmp_path / "volume.zarr"), read(tmp_path / "whole.zarr"))


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


def test_items_of_a_file_of_this_program(tmp_path, read_of):
    A = mp.operators.Blur(image_shape=(20, 24), width=1.2)
    problem = mp.simulate(torch.rand(6, 1, 20, 24), A, noise=mp.noise.Gaussian(relative=0.02), seed=0)
    path, method = tmp_path / "m.h5", mp.methods.Tikhonov(weight=0.1, iterations=3)
    mp.io.write_measurement(path, problem)
    with h5py.File(path, "r+") as file:
        (group,) = file.values()
        values = group["y"][()]
        del group["y"]
        group.create_dataset("y", data=values, chunks=(4, 1, 20, 24), compression="gzip")
    recipe = StackRecipe(recipe=Recipe.of(mp.io.read_measurement(path), method), block=3)
    found = read_of("/y")
    ran(recipe, path, tmp_path / "volume.zarr")
    assert found == [(slice(0, 4),), (slice(4, 6),)]
    expected = mp.reconstruct(problem, method).x[:, 0].numpy()
    np.testing.assert_allclose(read(tmp_path / "volume.zarr"), expected, atol=1e-5)


def bytes_read():
    return int(dict(line.split(": ") for line in COUNTED.read_text().splitlines())["rchar"])


@pytest.mark.skipif(not COUNTED.exists(), reason="the system does not count what is read")
@pytest.mark.parametrize("virtual", [False, True])
def test_of_chunks_that_are_not_compressed_only_the_parts_are_read(virtual, tmp_path):
    values = np.arange(100 * 32 * 512, dtype=np.uint16).reshape(100, 32, 512)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file.create_dataset("data", data=values, chunks=(1, 32, 512))
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout(values.shape, values.dtype)
        layout[:] = h5py.VirtualSource(str(tmp_path / "data.h5"), "data", values.shape)
        file.create_virtual_dataset("data", layout)
    path = tmp_path / ("virtual.h5" if virtual else "data.h5")
    with h5py.File(path) as file:
        stored = h5_stored.stored_in(path, "data", file["data"], values.nbytes, None)
    assert stored.pieces == ()
    before = bytes_read()
    part = stored.read((slice(None), slice(3, 5)))
    assert bytes_read() - before < values.nbytes / 4
    np.testing.assert_array_equal(part, values[:, 3:5])


def test_chunks_that_are_not_compressed_are_not_copied(exchange, counts, tmp_path, monkeypatch):
    ran(recipe_of(exchange), exchange, tmp_path / "whole.zarr")
    with h5py.File(exchange, "r+") as file:
        for key, values in zip(NAMES, counts, strict=True):
            del file[key]
            file.create_dataset(key, data=values, chunks=(1, SLICES, BINS))
    monkeypatch.setattr(pieces, "most", lambda: 0)
    events = ran(recipe_of(exchange), exchange, tmp_path / "volume.zarr")
    assert not any(isinstance(event, Copying) for event in events)
    assert "piece of the file" not in str([event.notes for event in events if isinstance(event, Started)])
    np.testing.assert_array_equal(read(tmp_path / "volume.zarr"), read(tmp_path / "whole.zarr"))


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_items_of_a_file_of_this_program_in_chunks(compression, tmp_path):
    A = mp.operators.Blur(image_shape=(20, 24), width=1.2)
    problem = mp.simulate(torch.rand(6, 1, 20, 24), A, noise=mp.noise.Gaussian(relative=0.02), seed=0)
    path = tmp_path / "m.h5"
    mp.io.write_measurement(path, problem)
    with h5py.File(path, "r+") as file:
        (group,) = file.values()
        values = group["y"][()]
        del group["y"]
        group.create_dataset("y", data=values, chunks=(4, 1, 20, 24), compression=compression)
    recipe = Recipe.of(mp.io.read_measurement(path), mp.methods.Tikhonov(weight=0.1, iterations=3))
    source = OwnStack(path, recipe)
    assert bool(source.pieces.every) == (compression is not None)
    np.testing.assert_array_equal(source.read(1, 3), values[1:3, 0])


@pytest.mark.parametrize("parts", [False, True])
def test_slices_of_k_space(parts, tmp_path, read_of):
    random = np.random.default_rng(0)
    x = random.random((6, 2, 24, 24)) * np.linspace(0.5, 1.5, 2)[:, None, None]
    kspace = np.fft.fftshift(np.fft.fft2(x), axes=(-2, -1)).astype(np.complex64)
    values = np.stack([kspace.real, kspace.imag], axis=-1) if parts else kspace
    path = tmp_path / "k.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("kspace", data=values, chunks=(4, *values.shape[1:]), compression="gzip")
    problem = mp.io.read_measurement(path, slice=1)
    recipe = StackRecipe(recipe=Recipe.of(problem, mp.methods.Tikhonov(weight=0.1, iterations=3)), block=3)
    found = read_of("kspace")
    ran(recipe, path, tmp_path / "volume.h5")
    slabs = [args for args in found if isinstance(args, tuple) and isinstance(args[0], slice)]
    assert slabs == [(slice(0, 4),), (slice(4, 6),)] and len(found) == 2 + 1 + parts, (
        "and the middle one, to look at it"
    )


@pytest.mark.slow
def test_workers_read_the_copy(packed, exchange, tmp_path, monkeypatch):
    path = packed((1, SLICES, BINS))
    monkeypatch.setattr(pieces, "most", lambda: 0)
    ran(recipe_of(exchange, block=3), exchange, tmp_path / "whole.zarr")
    with Cluster(workers=1, cores=1) as cluster:
        ran(recipe_of(path, block=3), path, tmp_path / "volume.zarr", executor=cluster)
    np.testing.assert_array_equal(read(tmp_path / "volume.zarr"), read(tmp_path / "whole.zarr"))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_parts_are_those_of_the_array(axis):
    values = np.arange(7 * 8 * 9).reshape(7, 8, 9)
    stored = arrays.Stored.of(values)
    stored.keeping.slabs(axis, 3)
    for index in [(), 2, slice(1, 4), (slice(None), 3), (slice(None), slice(2, 7)), (1, 2, slice(0, 5))]:
        np.testing.assert_array_equal(stored.read(index), values[index])
    last = [slice(None)] * 3
    for part in (slice(0, 2), slice(2, 4), slice(4, 7), 6, -1):
        last[axis] = part
        np.testing.assert_array_equal(stored.read(tuple(last)), values[tuple(last)])


@pytest.mark.parametrize("start", [0, 1, 2, 5])
def test_parts_are_those_of_the_array_wherever_slabs_begin(start):
    values = np.arange(7 * 8 * 9).reshape(7, 8, 9)
    stored = arrays.Stored.of(values)
    stored.keeping.slabs(1, 3, start)
    for first, last in product(range(8), range(1, 9)):
        if first < last:
            np.testing.assert_array_equal(stored.read((slice(None), slice(first, last))), values[:, first:last])


@pytest.mark.parametrize(("piece", "depth"), [(5, 2), (7, 3), (4, 4), (3, 2)])
def test_a_slab_is_of_one_piece(piece, depth):
    values, asked = np.arange(2 * 17).reshape(2, 17), []
    keep = keeping.Keeping()
    keep.slabs(1, depth, piece=piece)
    for first, last in [(k, k + 1) for k in range(17)] + [(0, 6), (3, 17), (2, 9)]:
        part = keep.read(
            values.shape, lambda index: (asked.append(index[1]), values[index])[1], (slice(None), slice(first, last))
        )
        np.testing.assert_array_equal(part, values[:, first:last])
    assert all(one.start // piece == (one.stop - 1) // piece and one.stop - one.start <= depth for one in asked)


@pytest.mark.parametrize("chunks", [(1, 8, 9), (2, 3, 4), (7, 8, 9), (4, 8, 2), (7, 1, 9)])
@pytest.mark.parametrize("step", [1, 500, 10**6])
def test_a_copy_is_the_array(chunks, step, tmp_path, monkeypatch):
    values = np.arange(7 * 8 * 9, dtype=">i4").reshape(7, 8, 9)
    monkeypatch.setattr(keeping, "STEP", step)
    seen = []

    def part(index):
        assert all(one.start % n == 0 for one, n in zip(index, chunks, strict=True)), "whole pieces"
        seen.append(index)
        return values[index]

    *_, end = keeping.copied(tmp_path / "copy.npy", values.shape, chunks, part)
    np.testing.assert_array_equal(np.load(tmp_path / "copy.npy"), values)
    assert end == 1.0 and sum(values[index].size for index in seen) == values.size


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
