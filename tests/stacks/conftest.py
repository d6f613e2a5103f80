"""A small scan of a few slices, in the formats of beamlines, and the recipe of one slice of it."""

from collections import Counter
from itertools import product

import h5py
import numpy as np
import pytest
import tifffile
import torch

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.stacks.stack_recipe import StackRecipe

ANGLES = np.linspace(0.0, 180.0, 30, endpoint=False)
SLICES, BINS = 10, 32
ROW = len(ANGLES) * BINS * 2  # bytes of a slice of projections
FIELDS = 2 * 2 * BINS * 2  # and of flats and darks
NAMES = ("exchange/data", "exchange/data_white", "exchange/data_dark")
"""Arrays of detector counts in Data Exchange."""


def pictures(slices=SLICES, size=BINS):
    """Discs whose place and height change from slice to slice."""
    row, column = np.mgrid[:size, :size] - (size - 1) / 2
    return np.stack(
        [
            0.02 * ((row - 3 * np.cos(k)) ** 2 + (column - 2 * np.sin(k)) ** 2 < (6 + 0.4 * k) ** 2)
            for k in range(slices)
        ]
    ).astype(np.float32)


@pytest.fixture(scope="session")
def counts():
    """Projections in counts ``[angles, slices, bins]``, flats and darks ``[2, slices, bins]``, uint16."""
    A = mp.operators.ParallelBeam(image_shape=(BINS, BINS), angles_deg=tuple(ANGLES), detector_count=BINS)
    y = A(torch.from_numpy(pictures())[:, None])[:, 0].numpy()
    random = np.random.default_rng(0)
    flat = (20000 + 3000 * random.random((SLICES, BINS))).round()
    dark = (100 + 20 * random.random((SLICES, BINS))).round()
    projections = dark[:, None] + (flat - dark)[:, None] * np.exp(-y)
    noisy = projections + 30.0 * random.standard_normal(projections.shape)
    frames = [noisy.swapaxes(0, 1), np.stack([flat, flat + 2]), np.stack([dark, dark])]
    return tuple(one.round().astype(np.uint16) for one in frames)


@pytest.fixture
def exchange(tmp_path, counts):
    """As Data Exchange."""
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        for name, values in zip(("data", "data_white", "data_dark"), counts, strict=True):
            file[f"exchange/{name}"] = values
        file["exchange/theta"] = ANGLES
    return path


@pytest.fixture
def nxtomo(tmp_path, counts):
    """As NXtomo: darks, flats, projections, flats in one array."""
    path = tmp_path / "scan.nxs"
    data, flat, dark = counts
    frames = np.concatenate([dark, flat[:1], data, flat[1:]])
    keys = [2, 2, 1, *[0] * len(data), 1]
    angles = np.concatenate([[0, 0, 0], ANGLES, [180]])
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/tomo/instrument/detector")
        group["data"], group["image_key"] = frames, keys
        file["entry/tomo/sample/rotation_angle"] = angles
        file["entry/tomo/sample/rotation_angle"].attrs["units"] = "deg"
    return path


@pytest.fixture
def folder(tmp_path, counts):
    """As a folder with a TIFF file for each projection, flat and dark."""
    path = tmp_path / "scan"
    path.mkdir()
    for name, frames in zip(("proj", "flat", "dark"), counts, strict=True):
        for k, frame in enumerate(frames):
            tifffile.imwrite(path / f"{name}_{k:03}.tif", frame, photometric="minisblack")
    np.savetxt(path / "angles.txt", ANGLES)
    return path


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


def recipe_of(path, method=None, *, device="cpu", block=3, care=(), rule=None, slices=None, **options):
    """The recipe of the middle slice of a stack, for all."""
    problem = io.read_measurement(path, **options)
    recipe = Recipe.of(problem, method or mp.methods.FBP(), device=device)
    return StackRecipe(recipe=recipe, block=block, care=care, center=rule, slices=slices)


def alone(path, recipe, index):
    """The picture of one slice, made by itself as ever: ``read_measurement`` and ``reconstruct``."""
    options = dict(recipe.recipe.data.source["options"]) | {"slice": index}
    problem = io.read_measurement(path, **options)
    result = mp.reconstruct(problem, recipe.recipe.build_method())
    return result.x[0, 0].numpy()
