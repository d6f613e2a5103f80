"""TIFF as people have it: appended pages, hyperstacks, ImageJ's calibration, compressions, colours."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.readers import tiff, tiff_layout, tiff_pages

from .files import ANGLES, BINS, angles, sinogram


def pixels(path, **options):
    return io.read_measurement(path, angles_deg=angles(), **options).y[:, 0].numpy()


def test_pages_that_were_appended_one_by_one(tmp_path):
    for k, page in enumerate(sinogram()):
        tifffile.imwrite(tmp_path / "a.tif", page, append=k > 0)
    assert np.array_equal(pixels(tmp_path / "a.tif", slice="all"), sinogram())
    assert np.array_equal(pixels(tmp_path / "a.tif", slice=2)[0], sinogram()[2])
    assert any("read as a stack" in note for note in io.load(tmp_path / "a.tif").notes)


def test_projections_appended_one_by_one(tmp_path):
    for k in range(ANGLES):
        tifffile.imwrite(tmp_path / "a.tif", sinogram()[:, k], append=k > 0)
    assert np.array_equal(pixels(tmp_path / "a.tif", angle_axis="pages", slice="all"), sinogram())


def test_images_of_other_sizes_are_told(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", sinogram()[0])
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 7), np.uint8), append=True)
    assert np.array_equal(pixels(tmp_path / "a.tif")[0], sinogram()[0])
    assert any("not read are those of [5, 7]" in note for note in io.load(tmp_path / "a.tif").notes)


@pytest.mark.parametrize("axes", ["TZYX", "TCYX", "TZCYX"])
def test_hyperstacks(tmp_path, axes):
    shape = {"TZYX": (2, 3), "TCYX": (2, 3), "TZCYX": (2, 1, 3)}[axes]
    stack = np.arange(6, dtype=np.float32)[:, None, None] * sinogram()[0]
    tifffile.imwrite(tmp_path / "a.tif", stack.reshape(*shape, ANGLES, BINS), imagej=True, metadata={"axes": axes})
    assert np.array_equal(pixels(tmp_path / "a.tif", slice="all"), stack)
    assert any("read as one stack of 6" in note for note in io.load(tmp_path / "a.tif").notes)


def test_signed_16_bit_of_imagej(tmp_path):
    values = (3000 * sinogram()[0] - 20).astype(np.int16)
    about = {"cf": 0, "c0": -32768.0, "c1": 1.0, "vunit": "Gray Value"}
    stored = (values.astype(np.int32) + 32768).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stored, imagej=True, metadata=about)
    assert np.array_equal(pixels(tmp_path / "a.tif")[0], values)
    assert any("signed 16-bit" in note for note in io.load(tmp_path / "a.tif").notes)
    assert np.array_equal(io.image_from_file(tmp_path / "a.tif")[0], values)


@pytest.mark.parametrize(
    ("function", "coefficients", "value"),
    [
        (0, (2.0, 0.5), lambda v: 2 + 0.5 * v),
        (1, (1.0, 2.0, 0.25), lambda v: 1 + 2 * v + 0.25 * v**2),
        (2, (1.0, 2.0, 0.25, 0.01), lambda v: 1 + 2 * v + 0.25 * v**2 + 0.01 * v**3),
        (4, (2.0, -0.01), lambda v: 2 * np.exp(-0.01 * v)),
        (21, (), lambda v: np.log10(255 / np.maximum(v, 1))),
        (20, (5.0, 5.0), lambda v: v),
    ],
)
def test_calibrations_of_imagej(tmp_path, function, coefficients, value):
    stored = (100 * sinogram()[0]).astype(np.uint8)
    about = {"cf": function, **{f"c{k}": c for k, c in enumerate(coefficients)}}
    tifffile.imwrite(tmp_path / "a.tif", stored, imagej=True, metadata=about)
    y = io.read_measurement(tmp_path / "a.tif", angles_deg=angles(), log=False).y[0, 0].numpy()
    assert np.allclose(y, value(stored.astype(float)), rtol=1e-6)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
@pytest.mark.parametrize("dtype", [np.float32, np.uint16, np.uint8])
def test_compressions(tmp_path, compression, dtype):
    stack = [(100 * page).astype(dtype) for page in sinogram()]
    first, *others = (Image.fromarray(page) for page in stack)
    first.save(tmp_path / "a.tif", compression=compression, save_all=True, append_images=others)
    for options in ({"slice": "all"}, {"slice": 1}):
        expected = np.stack(stack) if options["slice"] == "all" else stack[1][None]
        assert np.array_equal(pixels(tmp_path / "a.tif", log=False, **options), expected)


def test_what_nobody_decompresses_is_not_called_damaged(tmp_path, monkeypatch):
    Image.fromarray(sinogram()[0]).save(tmp_path / "a.tif", compression="tiff_lzw")
    for module in (tiff_layout, tiff_pages):
        monkeypatch.setattr(module, "needs_pillow", lambda page: True)
    monkeypatch.setattr(tiff_pages.Image, "open", lambda *args, **how: (_ for _ in ()).throw(OSError("no decoder")))
    with pytest.raises(InputError, match=r"LZW.*pip install imagecodecs") as caught:
        pixels(tmp_path / "a.tif")
    assert "damaged" not in str(caught.value)


def test_colours(tmp_path):
    grey = (100 * sinogram()[0]).astype(np.uint8)
    tifffile.imwrite(tmp_path / "grey.tif", np.stack([grey] * 3, axis=-1), photometric="rgb")
    assert np.array_equal(pixels(tmp_path / "grey.tif")[0], grey)
    tifffile.imwrite(tmp_path / "red.tif", np.stack([grey, 0 * grey, grey], axis=-1), photometric="rgb")
    with pytest.raises(InputError, match=r"colour picture.*save it as grey"):
        pixels(tmp_path / "red.tif")


def test_all_slices_of_projections_read_each_page_once(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", sinogram().swapaxes(0, 1), photometric="minisblack", compression="zlib")
    found = io.load(tmp_path / "a.tif", angle_axis="pages")
    opened = []
    real = tifffile.TiffFile
    monkeypatch.setattr(tifffile, "TiffFile", lambda path: opened.append(path) or real(path))
    assert np.array_equal(found.problem(angles_deg=angles(), slice="all").y[:, 0].numpy(), sinogram())
    assert len(opened) == 1


@pytest.mark.parametrize("pages", [1, 2])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colours_in_planes_are_colours(tmp_path, pages, compression):
    """A planar colour picture is [3, rows, columns] on disk: it must not pass for three slices."""
    values = np.round(1000 * sinogram()[:pages]).astype(np.uint16)
    alike = np.repeat(values[:, None], 3, axis=1)
    about = {"planarconfig": "separate", "photometric": "rgb", "compression": compression}
    tifffile.imwrite(tmp_path / "a.tif", alike, **about)
    assert np.array_equal(pixels(tmp_path / "a.tif", slice="all"), values)
    assert any("one is taken" in note for note in io.load(tmp_path / "a.tif").notes)
    alike[:, 1] += 1
    tifffile.imwrite(tmp_path / "b.tif", alike, **about)
    with pytest.raises(InputError, match="is a colour picture"):
        io.load(tmp_path / "b.tif")
    if pages == 1:
        tifffile.imwrite(tmp_path / "c.tif", np.moveaxis(alike[0], 0, -1), photometric="rgb")
        planar, interleaved = (io.image_from_file(tmp_path / name)[0] for name in ("b.tif", "c.tif"))
        assert np.array_equal(planar, interleaved)


def test_three_slices_that_tifffile_calls_colours_are_slices(tmp_path):
    about = {"planarconfig": "separate", "photometric": "rgb"}
    tifffile.imwrite(tmp_path / "a.tif", sinogram(), **about)
    assert np.array_equal(pixels(tmp_path / "a.tif", slice="all"), sinogram())
    assert any("planes colours" in note and "taken as slices" in note for note in io.load(tmp_path / "a.tif").notes)
    grey, notes = io.image_from_file(tmp_path / "a.tif")
    assert np.allclose(grey, np.tensordot([0.2125, 0.7154, 0.0721], sinogram(), 1), atol=1e-6)
    assert any("colour converted to grey" in note for note in notes)
    tifffile.imwrite(tmp_path / "b.tif", np.repeat(sinogram()[:1], 3, 0), **about)
    assert np.array_equal(pixels(tmp_path / "b.tif", slice="all"), sinogram()[:1])


def test_a_thumbnail_that_comes_first_is_not_the_measurement(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 7), np.uint8))
    tifffile.imwrite(tmp_path / "a.tif", sinogram()[0], append=True)
    assert np.array_equal(pixels(tmp_path / "a.tif")[0], sinogram()[0])
    assert any("number 2, the largest, of 2" in n and "[5, 7]" in n for n in io.load(tmp_path / "a.tif").notes)


def test_frames_that_an_ome_file_counts_but_lacks(tmp_path):
    stack = np.ones((3, ANGLES, BINS), np.float32)
    tifffile.imwrite(tmp_path / "a.ome.tif", stack, ome=True, metadata={"axes": "ZYX"})
    raw = (tmp_path / "a.ome.tif").read_bytes()
    assert raw.count(b'SizeZ="3"') == 1
    (tmp_path / "a.ome.tif").write_bytes(raw.replace(b'SizeZ="3"', b'SizeZ="9"'))
    with pytest.raises(InputError, match="6 of 9 frames are missing"):
        pixels(tmp_path / "a.ome.tif", slice="all")


@pytest.mark.parametrize("stack", [False, True])
def test_strips_without_bytes(tmp_path, stack):
    values = sinogram() if stack else sinogram()[0]
    tifffile.imwrite(tmp_path / "a.tif", values, rowsperstrip=3, compression="zlib", photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        page = file.pages[0]
        for tag in ("StripOffsets", "StripByteCounts"):
            page.tags[tag].overwrite([0 if k == 1 else n for k, n in enumerate(page.tags[tag].value)])
    with pytest.raises(InputError, match=r"strips of frame 0 are missing \(1, counted from 0\)"):
        pixels(tmp_path / "a.tif", slice=0)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("what", ["tags", "next", "back"])
def test_a_list_of_pages_that_breaks_off_is_refused(what, big, tmp_path):
    """All pages after it would be lost without a word: each one says where the next one is."""
    path, y = tmp_path / "stack.tif", np.random.default_rng(0).random((8, 6, 16)).astype(np.float32)
    tifffile.imwrite(path, y, photometric="minisblack", bigtiff=big, metadata=None, byteorder="<")
    assert io.load(path).data.shape == (8, 6, 16)
    with tifffile.TiffFile(path) as file:
        offsets, form = [page.offset for page in file.pages], file.tiff
    text = bytearray(path.read_bytes())
    tags = int.from_bytes(text[offsets[4] : offsets[4] + form.tagnosize], "little")
    if what == "tags":
        text[offsets[4] : offsets[4] + 30] = bytes(30)
    else:
        at = offsets[4] + form.tagnosize + tags * form.tagsize
        to = 10**9 if what == "next" else offsets[1]
        text[at : at + form.offsetsize] = to.to_bytes(form.offsetsize, "little")
    path.write_bytes(text)
    with pytest.raises(InputError, match="the list of its pages is damaged after page"):
        io.load(path)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_transparency_is_no_slice(tmp_path, planar):
    grey = np.random.default_rng(0).integers(0, 255, (20, 32)).astype(np.uint8)
    both = np.stack([grey, 255 - grey], -1 if planar == "contig" else 0)
    options = {"photometric": "minisblack", "extrasamples": ["unassalpha"], "planarconfig": planar}
    tifffile.imwrite(tmp_path / "a.tif", both, **options)
    measurement = io.load(tmp_path / "a.tif")
    assert len(measurement.data) == 1 and np.array_equal(measurement.data[0], grey)
    assert any("transparency" in note for note in measurement.notes)
    assert np.array_equal(io.image_from_file(tmp_path / "a.tif")[0], grey)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_parts_of_pages_with_transparency(tmp_path, planar):
    grey = np.arange(5 * 6 * 7, dtype=np.uint16).reshape(5, 6, 7)
    both = np.stack([grey, np.full_like(grey, 65535)], -1 if planar == "contig" else 1)
    options = {"photometric": "minisblack", "extrasamples": ["unassalpha"], "planarconfig": planar}
    tifffile.imwrite(tmp_path / "a.tif", both, **options)
    stored = tiff.open_tiff(tmp_path / "a.tif").stored
    every = slice(None)
    for index in ((), 2, (every, 3), (1, slice(2, 4)), (slice(0, 2), every, 1), (4, 5, 6)):
        assert np.array_equal(stored.read(index), grey[index]), index


@pytest.mark.parametrize(("photometric", "channels"), [("separated", 4), ("ycbcr", 3), ("cielab", 3)])
def test_colours_that_are_not_red_green_and_blue_are_refused(tmp_path, photometric, channels):
    """Their luminance would be of cyan, magenta and yellow, or of colour differences."""
    values = np.random.default_rng(0).integers(0, 255, (20, 32, channels)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric=photometric)
    for read in (io.load, io.image_from_file):
        with pytest.raises(InputError, match="Save it in red, green and blue"):
            read(tmp_path / "a.tif")
