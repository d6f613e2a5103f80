"""Stacks in files that are packed: FITS in tiles or as a whole, MATLAB 5, NPZ. Nothing is unpacked for each block."""

import numpy as np
import pytest
from astropy.io import fits
from scipy.io import savemat

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.io import plausible
from napari_mlpatch.io.readers.fits import contents_of
from napari_mlpatch.stacks import pieces, source
from napari_mlpatch.stacks.events import Copying, Started
from napari_mlpatch.stacks.executors.embedded import Embedded
from napari_mlpatch.stacks.job import Job, Tools
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.sizing import Needs, size_of
from napari_mlpatch.stacks.source import open_stack
from napari_mlpatch.stacks.stack_recipe import StackRecipe

from .conftest import ANGLES, BINS, SLICES
from .test_run_stack import ran, read

TILES = (2, 3, 11)


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """As large files, which are not looked at as they are opened."""
    monkeypatch.setattr(plausible, "CHEAP", 0)


@pytest.fixture(scope="session")
def lines(counts):
    """Line integrals ``[slices, angles, bins]``."""
    data, flat, dark = (one.astype(np.float32).mean(0) if k else one for k, one in enumerate(counts))
    return -np.log((data - dark) / (flat - dark)).astype(np.float32).swapaxes(0, 1)


def recipe_for(path, axis="rows", **options):
    problem = io.read_measurement(path, angles_deg=tuple(ANGLES), log=False, angle_axis=axis, **options)
    return StackRecipe(recipe=Recipe.of(problem, mp.methods.FBP(), device="cpu"), block=2)


def tiled(path, values, tiles):
    packed = fits.CompImageHDU(values, compression_type="GZIP_1", tile_shape=tiles, quantize_level=0)
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(path)
    return path


@pytest.fixture
def opened(monkeypatch):
    """The FITS files that were opened, one after the other."""
    found, own = [], fits.open

    def noted(path, *args, **more):
        found.append(path)
        return own(path, *args, **more)

    monkeypatch.setattr(fits, "open", noted)
    return found


@pytest.fixture
def unpacked(monkeypatch):
    """How many tiles were decompressed."""
    from astropy.io.fits.hdu.compressed import _tiled_compression as astropys

    found, own = [], astropys._decompress_tile

    def noted(*args, **more):
        found.append(args)
        return own(*args, **more)

    monkeypatch.setattr(astropys, "_decompress_tile", noted)
    return found


@pytest.mark.parametrize(("axis", "tiles"), [("rows", (1, 1, BINS)), ("rows", (3, 7, 20)), ("pages", (1, 4, BINS))])
@pytest.mark.parametrize("room", ["memory", "disk"])
def test_each_tile_is_decompressed_once(room, axis, tiles, lines, tmp_path, unpacked, monkeypatch):
    values = lines if axis == "rows" else lines.swapaxes(0, 1).copy()
    fits.writeto(tmp_path / "plain.fits", lines)
    ran(recipe_for(tmp_path / "plain.fits"), tmp_path / "plain.fits", tmp_path / "whole.h5")
    path = tiled(tmp_path / "tiled.fits", values, tiles)
    recipe = recipe_for(path, axis)
    if room == "disk":
        monkeypatch.setattr(pieces, "most", lambda: 0)
    unpacked.clear()
    events = ran(recipe, path, tmp_path / "volume.h5")
    every = np.prod([-(-n // tile) for n, tile in zip(values.shape, tiles, strict=True)])
    looked_at = 0 if tiles[axis == "pages"] > 1 else every // SLICES  # the middle slice, as its cost is found
    assert len(unpacked) == every + looked_at
    assert any(isinstance(event, Copying) for event in events) == (room == "disk" and tiles[axis == "pages"] > 1)
    np.testing.assert_array_equal(read(tmp_path / "volume.h5"), read(tmp_path / "whole.h5"))


def test_a_packed_file_is_unpacked_once(lines, tmp_path, opened):
    for name in ("plain.fits", "packed.fits.gz"):
        fits.writeto(tmp_path / name, lines)
        recipe = recipe_for(tmp_path / name)
        opened.clear()
        ran(recipe, tmp_path / name, tmp_path / f"{name}.h5")
    assert len(opened) == 2, "what it holds, and its numbers, all at once"
    np.testing.assert_array_equal(read(tmp_path / "packed.fits.gz.h5"), read(tmp_path / "plain.fits.h5"))


def test_a_packed_file_that_does_not_fit_says_so(lines, tmp_path, monkeypatch):
    fits.writeto(tmp_path / "packed.fits.gz", lines)
    monkeypatch.setenv("MLPATCH_MEMORY_GB", str(lines.nbytes / 2**30 * 0.9))
    with pytest.raises(InputError, match=r"packed as a whole, needs .* Unpack it with gunzip"):
        contents_of(tmp_path / "packed.fits.gz").images[0].stored.read(3)


@pytest.mark.parametrize("kind", ["f4", "f8", "i2", "u2", "i4", "u4", "u1", "i1"])
@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("tiles", [None, TILES])
def test_parts_are_those_of_the_array(kind, packed, tiles, tmp_path):
    values = (np.random.default_rng(0).random((9, 10, 11)) * 100).astype(kind)
    path = tmp_path / f"image.fits{packed}"
    if tiles:
        tiled(path, values, tiles)
    else:
        fits.writeto(path, values)
    (image,) = contents_of(path).images
    assert image.stored.pieces == (values.shape if packed else tiles or ())
    for index in [(), 3, slice(2, 5), (slice(None), 4), (slice(None), slice(3, 7)), (2, slice(1, 4))]:
        np.testing.assert_array_equal(image.stored.read(index), values[index])


@pytest.mark.parametrize("name", ["m5.mat", "all.npz"])
def test_what_is_held_in_memory_is_counted_and_told(name, lines, tmp_path, monkeypatch):
    path = tmp_path / name
    if name == "m5.mat":
        savemat(path, {"sinogram": np.moveaxis(lines, 0, 2)}, do_compression=True)
    else:
        np.savez_compressed(path, sinogram=lines)
    recipe, who = recipe_for(path), Embedded()
    monkeypatch.setattr(source, "most", lambda: lines.nbytes - 1)
    assert open_stack(path, recipe.recipe).pieces.held == lines.nbytes
    (started,) = [event for event in ran(recipe, path, tmp_path / "one.h5") if isinstance(event, Started)]
    assert any("is read as a whole: 0.0366 MiB of memory in each worker" in note for note in started.notes)
    tools = Tools(Job(recipe.to_json(), str(path)))
    alone, two = (size_of(tools, Needs(100, 10), workers=count) for count in (1, 2))
    assert (alone.bytes, two.bytes) == (100 + 2 * 10, 100 + 2 * 10 + lines.nbytes), "for it is there already, or is not"
    who.workers = 2
    with pytest.raises(InputError, match=r"of that are the numbers of .*, read as a whole"):
        list(run_stack(recipe, path, tmp_path / "none.h5", executor=who, memory=2**20))
