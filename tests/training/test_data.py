"""Images from files and generators, and the random parts of them that training reads."""

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.training import Files, TrainingRecipe
from napari_mlpatch.training.data import open_data
from napari_mlpatch.training.pictures import Pictures
from napari_mlpatch.training.synthetic import GENERATORS, draw


@pytest.fixture
def pictures():
    """Three images of different shapes, whose values are all different."""
    shapes, start, found = [(12, 9), (7, 20), (15, 8)], 0, []
    for rows, columns in shapes:
        found.append(np.arange(start, start + 2 * rows * columns, dtype=np.float32).reshape(2, rows, columns))
        start += 2 * rows * columns
    return found


def contained(part, images):
    """Whether a part is a window of one of the images, by brute force."""
    windows = (np.lib.stride_tricks.sliding_window_view(image, part.shape).reshape(-1, *part.shape) for image in images)
    return any((w == part).all((1, 2, 3)).any() for w in windows)


def test_neighbourhoods_are_windows(pictures):
    made, random = Pictures(pictures), torch.Generator().manual_seed(0)
    found = made.neighbourhoods(20, 3, 2, random)
    assert found.shape == (60, 2, 5, 5)
    assert all(contained(part, pictures) for part in found.numpy())
    assert len(found[:, 0, 0, 0].unique()) > 40
    for group in found.view(20, -1):  # the pixels of one draw are of one image
        owners = [k for k, image in enumerate(pictures) if image.min() <= group.min() and group.max() <= image.max()]
        assert len(owners) == 1


def test_every_position_is_drawn(pictures):
    made = Pictures(pictures[:1])
    corners = made.crops(3000, 7, torch.Generator().manual_seed(0))[:, 0, 0, 0]
    assert len(corners.unique()) == (12 - 6) * (9 - 6)


def test_images_come_back(pictures):
    made = Pictures(pictures)
    assert all(np.array_equal(made.image(k)[0], image) for k, image in enumerate(pictures))
    eight = Pictures([np.array([[[0, 51, 255]]], np.uint8)])
    assert eight.values.dtype == torch.uint8
    torch.testing.assert_close(eight.image(0), torch.tensor([[[[0.0, 0.2, 1.0]]]]))


def test_too_large_a_part(pictures):
    with pytest.raises(InputError, match="only 7 rows or columns, but 9 are read"):
        Pictures(pictures).neighbourhoods(1, 1, 4, torch.Generator())


def test_files(tmp_path):
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(grey).save(folder / "a.png")
    Image.fromarray(np.stack([grey] * 3, -1)).save(folder / "b.png")
    (folder / "notes.txt").write_text("not a picture")
    tifffile.imwrite(folder / "c.tif", grey.astype(np.float32) / 255)
    np.savez(
        tmp_path / "stack.npz", hu=np.stack([grey, grey]).astype(np.int16) * 100 - 1000, patient=np.array(["a", "b"])
    )
    train, held = open_data(Files(paths=("pictures",), hold_out=1), tmp_path)
    assert (len(train), len(held)) == (2, 1)
    for made in (train.image(0), train.image(1), held.image(0)):
        np.testing.assert_allclose(made[0, 0], grey / 255, atol=1e-6)
    train, held = open_data(Files(paths=(str(tmp_path / "stack.npz"),), low=-1000, high=1000, hold_out=0))
    assert held is None and len(train) == 2
    np.testing.assert_allclose(train.image(1)[0, 0], np.clip(grey / 20, 0, 1), atol=1e-6)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.npy", "a.npz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_one_picture_in_any_file_trains_alike(tmp_path, name, dtype):
    """Whole numbers are divided by the largest that their type holds, wherever they are stored."""
    top = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    picture = (np.random.default_rng(0).random((6, 8)) * top).astype(dtype)
    if name == "a.png" and dtype == np.float32:
        pytest.skip("a PNG holds whole numbers")
    save = {"a.npy": np.save, "a.npz": np.savez, "a.tif": tifffile.imwrite}
    save.get(name, lambda path, array: Image.fromarray(array).save(path))(tmp_path / name, picture)
    train, _ = open_data(Files(paths=(name,), hold_out=0), tmp_path)
    np.testing.assert_allclose(train.image(0)[0, 0], picture / np.float32(top), atol=1e-6)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_whole_numbers_of_no_known_range_are_asked_about(tmp_path, name):
    {"a.npy": np.save, "a.npz": np.savez}[name](tmp_path / name, np.arange(48).reshape(6, 8))
    with pytest.raises(InputError, match=r"int64 numbers from 0 to 47.*low and high"):
        open_data(Files(paths=(name,), hold_out=0), tmp_path)
    train, _ = open_data(Files(paths=(name,), hold_out=0, low=0, high=47), tmp_path)
    np.testing.assert_allclose(train.image(0)[0, 0], np.arange(48).reshape(6, 8) / 47, atol=1e-6)


def test_colours(tmp_path):
    colour = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(colour).save(tmp_path / "a.png")
    train, _ = open_data(Files(paths=("a.png",), colours=3, hold_out=0), tmp_path)
    np.testing.assert_allclose(train.image(0)[0], np.moveaxis(colour, -1, 0) / 255, atol=1e-6)
    Image.fromarray(colour[..., 0]).save(tmp_path / "grey.png")
    with pytest.raises(InputError, match=r"grey.png is grey"):
        open_data(Files(paths=("grey.png",), colours=3), tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.png", None, "There is no file or folder"),
        ("bad.png", b"\x89PNG", "cannot be read as a picture"),
        ("bad.npz", b"PK", "cannot be read"),
        ("bad.tif", b"II*\0", "bad.tif"),
    ],
)
def test_bad_files(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        open_data(Files(paths=(name,)), tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_values_that_are_no_numbers(tmp_path, name, value):
    images = np.random.default_rng(0).random((3, 20, 24), np.float32)
    images[1, 2:4, 3] = value
    {"a.npy": np.save, "a.npz": np.savez}[name](tmp_path / name, images)
    with pytest.raises(InputError, match=rf"{name} holds 2 values that are NaN or infinite, of 1440\. Replace"):
        open_data(Files(paths=(name,), hold_out=0), tmp_path)


def test_images_of_one_value_each(tmp_path):
    for k in range(2):
        Image.fromarray(np.full((8, 9), 51 * k, np.uint8)).save(tmp_path / f"{k}.png")
    with pytest.raises(InputError, match=r"each of the 2 images all values are the same \(0 in the first\)"):
        open_data(Files(paths=(".",), hold_out=1), tmp_path)
    Image.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / "2.png")
    pictures, _ = open_data(Files(paths=(".",), hold_out=1), tmp_path)
    assert len(pictures) == 2, "some of a stack may be empty"


def test_an_empty_folder(tmp_path):
    with pytest.raises(InputError, match=r"holds no \.png"):
        open_data(Files(paths=(".",)), tmp_path)


@pytest.mark.parametrize("kind", GENERATORS)
@pytest.mark.parametrize("colours", [1, 3])
def test_drawings(kind, colours):
    images = draw(kind, 3, 48, colours, seed=1)
    again = draw(kind, 3, 48, colours, seed=1)
    for image, same in zip(images, again, strict=True):
        assert image.shape == (colours, 48, 48) and image.dtype == np.float32
        assert 0 <= image.min() < image.max() <= 1
        assert image.std() > 0.01
        assert np.array_equal(image, same)
    assert not np.array_equal(images[0], images[1])


def test_spectrum_of_the_log_normal_field():
    """Its logarithm has a power law between k^-2 and k^-4 in power."""
    image = draw("log-normal", 1, 256, 1, seed=3)[0][0]
    power = np.abs(np.fft.fft2(np.log(np.maximum(image, 1e-6)))) ** 2
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(256), np.fft.fftfreq(256)))
    bands = [power[(k > a) & (k < 2 * a)].mean() for a in (0.02, 0.04, 0.08)]
    slopes = np.log2(np.array(bands[:-1]) / bands[1:])
    assert ((slopes > 1.5) & (slopes < 4.5)).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"sigma": [0.3, 0.1]}, "lowest first"),
        ({"data": {"kind": "files", "paths": ["x"], "low": 3}}, "both or not at all"),
        ({"data": {"kind": "files", "paths": []}}, "paths"),
        ({"speed": 3}, "unknown parameter 'speed'"),
    ],
)
def test_bad_recipes(changes, message):
    good = {"name": "a", "title": "A", "network": {"name": "mlpatch"}, "data": {"kind": "ellipses"}}
    assert TrainingRecipe.from_json(TrainingRecipe.from_json(good).to_json()) == TrainingRecipe.from_json(good)
    with pytest.raises(InputError, match=message):
        TrainingRecipe.from_json({**good, **changes})


def test_recipes_that_are_no_json(tmp_path):
    with pytest.raises(InputError, match="malformed"):
        TrainingRecipe.from_json("{")
    with pytest.raises(InputError, match="cannot be read"):
        TrainingRecipe.read(tmp_path / "missing.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InputError, match=r"broken\.json: .*malformed"):
        TrainingRecipe.read(tmp_path / "broken.json")
