"""Pixels of FITS files as the standard defines them, ``BZERO + BSCALE · stored`` and NaN where BLANK is stored.

The files are written byte by byte, without a library.
"""

import gzip

import numpy as np
import pytest
from astropy.io import fits

import napari_mlpatch as mp
from napari_mlpatch.io.readers.fits import contents_of

from .files import angles, sinogram

STORED = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
ZEROS = ("0", "-128", "-128.0", "-1.28E2", "128", "32768", "32768.0", "-32768", "2147483648", "2147483648.")
ZEROS += ("9223372036854775808", "9.223372036854775808E18", "1000", "-5", "0.5", "3.25")
SCALES = ("1", "1.0", "2", "0.5", "-1")
MARK = 3


def file_of(bits, stored, **cards):
    """A FITS file of one image; cards are texts as they stand there."""
    sizes = {f"NAXIS{i}": n for i, n in enumerate(reversed(stored.shape), 1)}
    values = {"SIMPLE": "T", "BITPIX": bits, "NAXIS": stored.ndim, **sizes, **cards}
    header = "".join(f"{name:<8}= {value!s:>20}".ljust(80) for name, value in values.items()) + "END".ljust(80)
    data = stored.astype(STORED[bits]).tobytes()
    return header.encode().ljust(-(-len(header) // 2880) * 2880) + data.ljust(-(-len(data) // 2880) * 2880, b"\0")


def stored_values(bits):
    """Of all sizes, the ends of the type and ``MARK`` among them; of 64 bits those that a double holds."""
    random = np.random.default_rng(0)
    if bits < 0:
        return random.normal(size=(5, 6)).astype(STORED[bits])
    ends = np.iinfo(STORED[bits])
    values = random.integers(ends.min, ends.max, (5, 6), np.dtype(STORED[bits]).newbyteorder("="), endpoint=True)
    values.flat[:2] = ends.min, ends.max
    values = values // 2**11 if bits == 64 else values
    values.flat[4] = MARK
    return values


@pytest.mark.parametrize("marked", [False, True], ids=["", "BLANK"])
@pytest.mark.parametrize("bits", STORED)
def test_every_combination_of_bits_and_zero_points(tmp_path, bits, marked):
    stored = stored_values(bits)
    for zero in ZEROS:
        for scale in SCALES:
            cards = {} if zero == "0" else {"BZERO": zero}
            cards |= {} if scale == "1" else {"BSCALE": scale}
            expected = float(zero) + float(scale) * stored.astype(np.float64)
            if marked and bits > 0:
                cards["BLANK"] = MARK
                expected[stored == MARK] = np.nan
            content = file_of(bits, stored, **cards)
            for name, data in (("a.fits", content), ("a.fits.gz", gzip.compress(content, 1))):
                (tmp_path / name).write_bytes(data)
                found = contents_of(tmp_path / name).images[0].stored
                rows = np.stack([found.read(k) for k in range(5)])
                for values, right in ((found.read(()), expected), (rows, expected), (found.read(1), expected[1])):
                    precision = 1e-6 if bits in (8, 16, -32) else 1e-12
                    bound = precision * float(np.nanmax(np.abs(expected)))
                    np.testing.assert_allclose(values.astype(float), right, rtol=0, atol=bound, err_msg=str(cards))


@pytest.mark.parametrize("zero", ["-128", "-128.0"])
def test_a_sinogram_of_signed_bytes(tmp_path, zero):
    values = np.rint(sinogram()[0] / sinogram()[0].max() * 120).astype(np.int16)
    (tmp_path / "a.fits").write_bytes(file_of(8, values + 128, BZERO=zero))
    assert np.array_equal(mp.io.read_measurement(tmp_path / "a.fits", angles_deg=angles()).y[0, 0].numpy(), values)


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4"])
@pytest.mark.parametrize("blank", [None, 3])
def test_compressed_images(tmp_path, dtype, blank):
    values = np.random.default_rng(0).integers(0, 100, (16, 17)).astype(dtype)
    values.flat[4] = 53
    image = fits.CompImageHDU(values, compression_type="RICE_1")
    zero = {"i1": -128, "u2": 2**15, "u4": 2**31}.get(dtype, 0)
    expected = values.astype(np.float64)
    if blank is not None:
        image.header["BLANK"] = 53 - zero
        expected[values == 53] = np.nan
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(tmp_path / "a.fits")
    found = contents_of(tmp_path / "a.fits").images[0].stored.read(())
    np.testing.assert_allclose(found.astype(float), expected, rtol=1e-6)


@pytest.mark.parametrize(("dtype", "form", "null", "zero"), [("i2", "I", -99, None), ("u2", "I", -32768, 32768)])
def test_numbers_of_a_table_that_stand_for_none(tmp_path, dtype, form, null, zero):
    values = np.array([5, 7, 11, 13], dtype)
    values[2] = null + (zero or 0)
    column = fits.Column(name="theta", format=form, array=values, null=null, bzero=zero)
    table = fits.BinTableHDU.from_columns([column, fits.Column(name="x", format="E", array=np.ones(4, "f4"))])
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "a.fits")
    found = contents_of(tmp_path / "a.fits").columns
    np.testing.assert_array_equal(found["theta"], [5, 7, np.nan, 13])
    assert found["x"].dtype.kind == "f"
