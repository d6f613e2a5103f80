"""Pieces of a file that hold many slices, compressed chunks and pages, are read once in a run."""

import errno
import os
from collections import Counter

import h5py
import numpy as np
import pytest
import tifffile
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.io import keeping, plausible
from napari_mlpatch.stacks import pieces, prepare
from napari_mlpatch.stacks.events import Copying, Started
from napari_mlpatch.stacks.executors.embedded import Embedded
from napari_mlpatch.stacks.markers import Markers
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.sizing import Needs
from napari_mlpatch.stacks.stack_recipe import StackRecipe

from .conftest import ANGLES, BINS, FIELDS, NAMES, ROW, SLICES, recipe_of
from .test_run_stack import ran, read


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
