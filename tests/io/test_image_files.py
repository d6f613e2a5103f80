"""Results keep their values and recipe; pictures of any kind become grey images."""

import json
import os
import stat

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

RECIPE = {"method": {"name": "tv", "params": {"weight": 0.1}}, "note": "µm, “quoted”", "seed": 0}
SUFFIXES = (".tif", ".tiff", ".npy", ".h5", ".hdf5")


def image(*shape):
    return np.random.default_rng(0).normal(0, 1e4, shape or (17, 23)).astype(np.float32)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("shape", [(17, 23), (3, 17, 23), (2, 3, 17, 23), (1, 5)])
def test_there_and_back(tmp_path, suffix, shape):
    path = tmp_path / f"x{suffix}"
    io.write_image(path, torch.from_numpy(image(*shape)), RECIPE)
    x, recipe = io.read_image(path)
    assert x.dtype == np.float32 and np.array_equal(x, image(*shape)) and recipe == RECIPE


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_batch_and_channel_are_dropped_and_a_recipe_is_not_needed(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    io.write_image(path, torch.from_numpy(image())[None, None].double().requires_grad_())
    x, recipe = io.read_image(path)
    assert np.array_equal(x, image()) and recipe is None


def test_complex(tmp_path):
    x = (image() + 1j * image()).astype(np.complex64)
    for suffix in (".npy", ".h5"):
        io.write_image(tmp_path / f"x{suffix}", x)
        assert np.array_equal(io.read_image(tmp_path / f"x{suffix}")[0], x)


@pytest.mark.parametrize("shape", [(5, 7), (2, 5, 7), (2, 3, 5, 7)])
def test_complex_tiff_holds_magnitude_and_phase(tmp_path, shape):
    x = (image(*shape) * np.exp(1j * image(*shape))).astype(np.complex64)
    io.write_image(tmp_path / "x.tif", x, RECIPE)
    found, recipe = io.read_image(tmp_path / "x.tif")
    assert found.dtype == np.complex64 and recipe == RECIPE
    np.testing.assert_allclose(found, x, atol=1e-6 * np.abs(x).max())
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "x.tif").reshape(2, *shape)[0], np.abs(x))


def test_tiff_scale(tmp_path):
    io.write_image(tmp_path / "x.tif", image(), RECIPE, pixel_size=0.5, unit="mm")
    with tifffile.TiffFile(tmp_path / "x.tif") as file:
        numerator, denominator = file.pages[0].tags["XResolution"].value
        assert numerator / denominator == pytest.approx(20)  # pixels per cm
        assert json.loads(file.pages[0].description)["pixel_size"] == 0.5


def test_a_recipe_beside_another_array_is_not_taken(tmp_path):
    io.write_image(tmp_path / "x.npy", image(), RECIPE)
    np.save(tmp_path / "x.npy", image() + 1)
    assert io.read_image(tmp_path / "x.npy")[1] is None


def test_files_of_other_programs(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", image(), description='{"mlpatch_recipe": 5}', metadata=None)
    assert io.read_image(tmp_path / "a.tif")[1] is None
    tifffile.imwrite(tmp_path / "a.tif", image(), description="just words")
    assert io.read_image(tmp_path / "a.tif")[1] is None
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(tmp_path / "a.png")
    assert io.read_image(tmp_path / "a.png")[0].shape == (3, 4)


@pytest.mark.parametrize(
    ("x", "recipe", "words"),
    [
        (np.ones(3), None, "rows and columns"),
        (np.ones((0, 3)), None, "rows and columns"),
        (np.ones((3, 3)), {"a": object()}, "not plain JSON"),
    ],
)
def test_bad_images(tmp_path, x, recipe, words):
    with pytest.raises(InputError, match=words):
        io.write_image(tmp_path / "x.tif", x, recipe)
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "folder.tif").mkdir()
    (tmp_path / "file").touch()
    for name, words in (
        ("x.jpg", r"does not end in \.tif"),
        ("x", "does not end in"),
        ("missing/x.tif", "folder .* does not exist"),
        ("folder.tif", "is a folder"),
        ("file/x.tif", "does not exist"),
        ("nul\0.tif", "cannot be written|null"),
        ("x" * 300 + ".tif", "cannot be written"),
    ):
        for attempt in (io.check_writable, lambda path: io.write_image(path, image())):
            with pytest.raises(InputError, match=words):
                attempt(tmp_path / name)
    assert io.check_writable(tmp_path / "x.tif") == tmp_path / "x.tif"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.tif"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind the administrator")
def test_permissions(tmp_path):
    (tmp_path / "x.tif").touch()
    (tmp_path / "x.tif").chmod(stat.S_IREAD)
    with pytest.raises(InputError, match="write-protected"):
        io.check_writable(tmp_path / "x.tif")
    tmp_path.chmod(stat.S_IREAD | stat.S_IEXEC)
    with pytest.raises(InputError, match="cannot be written"):
        io.check_writable(tmp_path / "y.tif")
    tmp_path.chmod(stat.S_IRWXU)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    io.write_image(tmp_path / "x.tif", image())

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full)
    with pytest.raises(InputError, match="No space left"):
        io.write_image(tmp_path / "x.tif", 2 * image())
    assert np.array_equal(io.read_image(tmp_path / "x.tif")[0], image()) and len(list(tmp_path.iterdir())) == 1


GREY = (np.arange(48, dtype=np.uint8) * 5).reshape(6, 8)


@pytest.mark.parametrize(
    ("name", "save", "expected"),
    [
        ("a.png", lambda p: Image.fromarray(GREY).save(p), GREY / 255),
        ("a.png", lambda p: Image.fromarray(GREY.astype(np.uint16) * 257).save(p), GREY / 255),
        ("a.png", lambda p: Image.fromarray(np.stack([GREY] * 3, -1)).save(p), GREY / 255),
        ("a.png", lambda p: Image.fromarray(np.stack([GREY] * 4, -1)).save(p), GREY / 255),
        ("a.png", lambda p: Image.fromarray(GREY).convert("P").save(p), GREY / 255),
        ("a.png", lambda p: Image.fromarray(GREY > 100).save(p), GREY > 100),
        ("a.bmp", lambda p: Image.fromarray(GREY).save(p), GREY / 255),
        ("a.tif", lambda p: tifffile.imwrite(p, GREY), GREY),
        ("a.tif", lambda p: tifffile.imwrite(p, np.stack([GREY] * 3, -1), photometric="rgb"), GREY),
        ("a.npy", lambda p: np.save(p, GREY * 1e3), GREY * 1e3),
        ("a.npy", lambda p: np.save(p, GREY[None, None]), GREY),
        ("a.h5", lambda p: io.write_image(p, GREY, RECIPE), GREY),
    ],
)
def test_pictures(tmp_path, name, save, expected):
    save(tmp_path / name)
    x, _ = io.image_from_file(tmp_path / name)
    assert x.dtype == np.float32 and x.shape == (6, 8) and np.allclose(x, expected, rtol=1e-4)


def test_notes_tell_what_was_done(tmp_path):
    Image.fromarray(np.zeros((6, 8, 4), np.uint8)).save(tmp_path / "a.png")
    notes = " ".join(io.image_from_file(tmp_path / "a.png")[1])
    assert "grey" in notes and "transparency" in notes and "255" in notes


def test_pictures_that_are_none(tmp_path):
    np.save(tmp_path / "stack.npy", np.zeros((3, 4, 5)))
    np.save(tmp_path / "nan.npy", np.full((3, 4), np.nan))
    np.save(tmp_path / "text.npy", np.array([["a", "b"]]))
    (tmp_path / "text.png").write_text("hello, no picture here")
    (tmp_path / "empty.png").touch()
    for name, words in (
        ("stack.npy", "One two-dimensional image"),
        ("nan.npy", "12 NaN"),
        ("text.npy", "not numbers"),
        ("text.png", "cannot be read as a picture"),
        ("empty.png", "empty"),
        ("missing.png", "does not exist"),
    ):
        with pytest.raises(InputError, match=words):
            io.image_from_file(tmp_path / name)


def test_photographs_are_upright_and_frames_are_told(tmp_path):
    picture = np.zeros((6, 9), np.uint8)
    picture[0, 0] = 200
    exif = Image.Exif()
    exif[274] = 6  # turn it clockwise to show it
    Image.fromarray(np.rot90(picture)).save(tmp_path / "a.png", exif=exif)
    image, notes = io.image_from_file(tmp_path / "a.png")
    assert np.array_equal(np.round(255 * image), picture) and any("orientation" in note for note in notes)
    frames = [Image.fromarray(picture + k) for k in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert "the first of 3 frames" in io.image_from_file(tmp_path / "a.gif")[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"photometric": "miniswhite"}, "MINISWHITE"),
        ({"photometric": "palette", "colormap": np.zeros((3, 256), np.uint16)}, "palette"),
        ({"extratags": [(274, "H", 1, 6, True)]}, "orientation 6"),
        ({}, ""),
    ],
)
def test_how_a_tiff_is_to_be_shown_is_told(tmp_path, options, words):
    values = np.arange(54, dtype=np.uint8).reshape(6, 9)
    tifffile.imwrite(tmp_path / "a.tif", values, **options)
    image, notes = io.image_from_file(tmp_path / "a.tif")
    assert np.array_equal(image, values)
    assert words in " ".join(notes) and bool(notes) == bool(words)
