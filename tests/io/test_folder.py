"""Folders of projections: order, fields, angles, and what is said of those that do not fit."""

import numpy as np
import pytest
import tifffile
from astropy.io import fits
from PIL import Image

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

from .files import ANGLES, angles, sinogram


def write(folder, stack, name="p_{}.tif"):
    """Files ``name`` of ``stack[i]``, without leading zeros: 10 comes before 2 in the order of letters."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, picture in enumerate(stack):
        path = folder / name.format(i)
        if path.suffix == ".npy":
            np.save(path, picture)
        elif path.suffix == ".fits":
            fits.PrimaryHDU(picture).writeto(path)
        elif path.suffix == ".png":
            Image.fromarray(picture).save(path)
        else:
            tifffile.imwrite(path, picture)
    return folder


PROJECTIONS = sinogram().swapaxes(0, 1)
COUNTS = (10 + 50000 * np.exp(-PROJECTIONS)).astype(np.uint16)


@pytest.mark.parametrize("name", ["p_{}.tif", "p{}.TIFF", "p_{}.fits", "p_{}.npy"])
def test_projections(tmp_path, name):
    folder = write(tmp_path / "proj", PROJECTIONS, name)
    problem = io.read_measurement(folder, angles_deg=angles(), slice="all")
    assert np.array_equal(problem.y[:, 0].numpy(), sinogram())
    assert np.array_equal(io.open_source(problem.source).y, problem.y)
    assert np.array_equal(io.read_measurement(folder, angles_deg=angles()).y[0, 0].numpy(), sinogram()[1])
    assert any(f"{ANGLES} " in note and "0" in note for note in io.load(folder).notes)


@pytest.mark.parametrize("layout", ["folders", "names"])
def test_flats_darks_and_angles(tmp_path, layout):
    if layout == "folders":
        write(tmp_path / "proj", COUNTS, "img_{}.png")
        write(tmp_path / "flats", np.full((3, *COUNTS.shape[1:]), 50010, np.uint16))
        write(tmp_path / "Dark", np.full((2, *COUNTS.shape[1:]), 10, np.uint16))
    else:
        write(tmp_path, COUNTS)
        write(tmp_path, np.full((3, *COUNTS.shape[1:]), 50010, np.uint16), "flat_{}.tif")
        write(tmp_path, np.full((2, *COUNTS.shape[1:]), 10, np.uint16), "dark{}.tif")
    np.savetxt(tmp_path / "angles.txt", np.deg2rad(angles()))
    found = io.load(tmp_path)
    assert found.missing == () and np.allclose(found.angles_deg, angles())
    assert np.allclose(found.problem(slice="all").y[:, 0].numpy(), sinogram(), atol=2e-4)
    assert any("mean of 3 files" in note for note in found.notes)


def test_counts_without_flats_are_asked_for(tmp_path):
    write(tmp_path, COUNTS)
    with pytest.raises(InputError, match=r"as of detector counts.*Give the flat field"):
        io.read_measurement(tmp_path, angles_deg=angles())


def test_angles_in_the_names(tmp_path):
    for angle, picture in zip(angles(), PROJECTIONS, strict=True):
        tifffile.imwrite(tmp_path / f"scan_{angle:05.1f}.tif", picture)
    assert np.allclose(io.load(tmp_path).angles_deg, angles())


def test_sinograms(tmp_path):
    write(tmp_path, sinogram(), "sino_{}.tif")
    y = io.read_measurement(tmp_path, angles_deg=angles(), slice=2).y
    assert np.array_equal(y[0, 0].numpy(), sinogram()[2])


def test_what_does_not_fit(tmp_path):
    folder = write(tmp_path / "scan", PROJECTIONS)
    (folder / "p_7.tif").unlink()
    assert any("jump from 6 to 8" in note for note in io.load(folder).notes)
    tifffile.imwrite(folder / "p_7.tif", np.zeros((5, 6), np.float32))
    with pytest.raises(InputError, match=r"p_7.tif has shape \[5, 6\]"):
        io.read_measurement(folder, angles_deg=angles())
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="folder of no known kind"):
        io.load(tmp_path / "empty")
    two = write(tmp_path / "two" / "a", PROJECTIONS).parent
    write(two / "b", PROJECTIONS)
    with pytest.raises(InputError, match="several folders: a, b"):
        io.load(two)
    assert io.load(two, dataset="a").data.shape[1] == ANGLES


def test_the_window_takes_folders(tmp_path):
    from napari_mlpatch.gui.problem.readers import get_reader

    assert get_reader(str(write(tmp_path / "scan", PROJECTIONS))) is not None
    (tmp_path / "other").mkdir()
    assert get_reader(str(tmp_path / "other")) is None


def test_png(tmp_path):
    numbers = (30000 * sinogram()[0]).astype(np.uint16)
    Image.fromarray(numbers).save(tmp_path / "a.png")
    y = io.read_measurement(tmp_path / "a.png", angles_deg=angles()).y
    assert np.array_equal(y[0, 0].numpy(), numbers)
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "b.png")
    with pytest.raises(InputError, match="colour picture, not a measurement"):
        io.load(tmp_path / "b.png")


@pytest.mark.parametrize("name", ["open_cell_foam", "white_oak", "dark_matter", "steel-df-12", "radii0"])
@pytest.mark.parametrize("fields", ["none", "plain", "named"])
def test_names_of_samples_that_have_a_word_of_fields(tmp_path, name, fields):
    write(tmp_path, COUNTS, name + "_{}.tif")
    if fields != "none":
        own = name + "_" if fields == "named" else ""
        write(tmp_path, np.full((3, *COUNTS.shape[1:]), 50010, np.uint16), own + "flat_{}.tif")
        write(tmp_path, np.full((2, *COUNTS.shape[1:]), 10, np.uint16), own + "dark_{}.tif")
    found = io.load(tmp_path)
    assert found.data.shape[1] == ANGLES and (found.flat is not None) == (fields != "none")
    if name == "white_oak" and fields != "named":
        assert any("'white'" in note for note in found.notes)


def test_fields_alone(tmp_path):
    write(tmp_path / "one", COUNTS, "flat_{}.tif")
    assert any("'flat' in all names" in note for note in io.load(tmp_path / "one").notes)
    write(tmp_path / "two", COUNTS, "flat_{}.tif")
    write(tmp_path / "two", COUNTS[:2], "dark_{}.tif")
    with pytest.raises(InputError, match=r"0 projections, and 20 flats and 2 darks because of 'dark' or 'flat'"):
        io.load(tmp_path / "two")
    assert io.load(tmp_path / "two", dataset="flat").data.shape[1] == ANGLES


def test_gaps_are_told_where_angles_do_not_fit(tmp_path):
    folder = write(tmp_path / "proj", PROJECTIONS)
    np.savetxt(tmp_path / "proj" / "angles.txt", angles())
    (folder / "p_7.tif").unlink()
    words = rf"{ANGLES} angles, for {ANGLES - 1} files; numbers in the names jump from 6 to 8: is a file missing"
    with pytest.raises(InputError, match=words):
        io.read_measurement(folder)
    with pytest.raises(InputError, match=rf"{ANGLES} angles for {ANGLES - 1} rows.*jump from 6 to 8"):
        io.read_measurement(folder, angles_deg=angles())


@pytest.mark.parametrize("other", [np.uint8, np.uint16])
def test_a_picture_of_another_type_has_another_scale(other, tmp_path):
    folder = write(tmp_path, np.zeros((4, 5, 6), np.float32), "sino_{}.tif")
    tifffile.imwrite(folder / "sino_1.tif", np.zeros((5, 6), other))
    data = io.load(folder).data
    with pytest.raises(
        InputError, match=rf"sino_1.tif holds whole numbers of {8 * other().itemsize} bits, .* real numb"
    ):
        data[1]
    assert data[2].shape == (5, 6)
    tifffile.imwrite(folder / "sino_1.tif", np.zeros((5, 6), np.float64))
    assert io.load(folder).data[1].shape == (5, 6)


def test_whole_numbers_of_another_length_have_another_scale(tmp_path):
    folder = write(tmp_path, np.zeros((4, 5, 6), np.uint16), "sino_{}.png")
    Image.fromarray(np.zeros((5, 6), np.uint8)).save(folder / "sino_3.png")
    with pytest.raises(
        InputError, match=r"sino_3.png holds whole numbers of 8 bits, sino_0.png whole numbers of 16 bits"
    ):
        io.load(folder)


@pytest.mark.parametrize("samples", ["rgb", "transparent"])
def test_grey_as_colours_has_the_scale_of_grey(samples, tmp_path):
    grey = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
    folder = write(tmp_path, grey, "sino_{}.tif")
    if samples == "rgb":
        tifffile.imwrite(folder / "sino_1.tif", np.stack([grey[1]] * 3, -1), photometric="rgb")
    else:
        both = np.stack([grey[1], np.full_like(grey[1], 255)], -1)
        tifffile.imwrite(folder / "sino_1.tif", both, photometric="minisblack", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(io.load(folder).data[1], grey[1])
    for k in (0, 2, 3):
        tifffile.imwrite(folder / f"sino_{k}.tif", grey[k].astype(np.uint16))
    with pytest.raises(InputError, match=r"sino_1.tif holds whole numbers of 8 bits, .*of 16 bits"):
        io.load(folder).data[1]


@pytest.mark.parametrize("ending", ["tif", "png"])
def test_black_and_white_has_a_scale_of_its_own(ending, tmp_path):
    folder = write(tmp_path, np.full((4, 9, 8), 255, np.uint8), f"sino_{{}}.{ending}")
    Image.fromarray(np.ones((9, 8), bool)).save(folder / f"sino_1.{ending}")
    with pytest.raises(InputError, match=r"sino_1.* holds whole numbers of 1 bit, sino_0.* whole numbers of 8 bits"):
        io.load(folder).data[1]


@pytest.mark.parametrize("name", ["sino_003.tif", "sino_3 (copy).tif", "sino_3 1.tif"])
def test_a_number_that_stands_twice_is_told(name, tmp_path):
    folder = write(tmp_path, np.zeros((6, 5, 6), np.float32), "sino_{}.tif")
    assert "stands in" not in str(io.load(folder).notes)
    tifffile.imwrite(folder / name, np.zeros((5, 6), np.float32))
    (told,) = [note for note in io.load(folder).notes if "stands in" in note]
    assert name in told and "each counts as a picture of its own" in told


def test_a_number_that_all_names_have_is_none_of_a_picture(tmp_path):
    for k in range(6):
        tifffile.imwrite(tmp_path / f"sino_{k}_v2.tif", np.zeros((5, 6), np.float32))
    assert "stands in" not in str(io.load(tmp_path).notes)
