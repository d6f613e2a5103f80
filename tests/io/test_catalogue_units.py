"""Units of tables in FITS: of positions of galaxies, and of angles."""

import numpy as np
import pytest
from astropy.io import fits

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

from .files import sinogram

RANDOM = np.random.default_rng(0)
RA, DEC = RANDOM.uniform(150, 150.5, 3000), RANDOM.uniform(2, 2.4, 3000)
SHEAR = RANDOM.normal(0, 0.05, (2, 3000))


def catalogue(path, ra, dec, units=(None, None), weight=None):
    columns = [fits.Column("ra", "D", units[0], array=ra), fits.Column("dec", "D", units[1], array=dec)]
    columns += [fits.Column(f"e{k + 1}", "D", array=SHEAR[k]) for k in range(2)]
    columns += [] if weight is None else [fits.Column("weight", "D", array=weight)]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(path)
    return path


@pytest.mark.parametrize(
    ("ra", "dec", "units"),
    [
        (RA * 3600, DEC * 3600, ("arcsec", "arcsec")),
        (RA * 60, DEC * 60, ("arcmin", "arcmin")),
        (np.radians(RA), np.radians(DEC), ("rad", "rad")),
        (RA / 15, DEC, ("h", "deg")),
        (RA / 15, np.radians(DEC), ("hourangle", "rad")),
        (RA, DEC, ("Degrees", "deg")),
        (RA, DEC, (None, None)),
    ],
)
def test_positions(tmp_path, ra, dec, units):
    right = io.read_measurement(catalogue(tmp_path / "right.fits", RA, DEC, ("deg", "deg")))
    path = catalogue(tmp_path / "a.fits", ra, dec, units)
    found = io.read_measurement(path)
    assert found.A.domain_shape == right.A.domain_shape
    np.testing.assert_allclose(found.y.numpy(), right.y.numpy(), atol=2e-2)  # some galaxies are at a pixel's edge
    sizes = [note for note in io.load(path).notes if note.startswith("pixels of ")]
    assert sizes == ["pixels of 0.9991 arcmin"]
    assert any("no unit is stated" in note for note in io.load(path).notes) == (units[0] is None)


def test_units_that_are_none_of_positions(tmp_path):
    with pytest.raises(InputError, match="'m' of right ascension is not known"):
        io.load(catalogue(tmp_path / "a.fits", RA, DEC, ("m", "deg")))
    with pytest.raises(InputError, match="none lies beyond 90"):
        io.load(catalogue(tmp_path / "b.fits", RA * 3600, DEC * 3600))


@pytest.mark.parametrize("unit", ["none", "--", "unitless", "-", "Unknown"])
def test_words_for_no_unit_are_no_unit(tmp_path, unit):
    right = io.read_measurement(catalogue(tmp_path / "right.fits", RA, DEC, ("deg", "deg")))
    path = catalogue(tmp_path / "a.fits", RA, DEC, (unit, unit))
    np.testing.assert_array_equal(io.read_measurement(path).y.numpy(), right.y.numpy())
    assert any("no unit is stated" in note for note in io.load(path).notes)


@pytest.mark.parametrize("unit", ["mas", "milliarcsec", "milli-arcsec"])
def test_milliarcseconds(tmp_path, unit):
    right = io.read_measurement(catalogue(tmp_path / "right.fits", RA, DEC, ("deg", "deg")))
    path = catalogue(tmp_path / "a.fits", RA * 3.6e6, DEC * 3.6e6, (unit, unit))
    np.testing.assert_allclose(io.read_measurement(path).y.numpy(), right.y.numpy(), atol=2e-2)
    assert any("converted from milliarcsec" in note for note in io.load(path).notes)


def test_days_are_no_positions(tmp_path):
    for units, what in (
        (("d", "deg"), "right ascension"),
        (("deg", "d"), "declination"),
        (("deg", "h"), "declination"),
    ):
        with pytest.raises(InputError, match=f"of {what} is not known"):
            io.load(catalogue(tmp_path / f"{units[0]}{units[1]}.fits", RA, DEC, units))


def test_fields_that_are_not_flat_are_told(tmp_path):
    sky = RANDOM.uniform(0, 359, 3000), RANDOM.uniform(-89, 89, 3000)
    for name, (ra, dec), told in (("sky", sky, True), ("pole", (RA, 86 + DEC), True), ("small", (RA, DEC), False)):
        notes = io.load(catalogue(tmp_path / f"{name}.fits", ra, dec, ("deg", "deg"))).notes
        assert any("its map is stretched" in note for note in notes) == told, name


def test_infinite_weights_are_left_out(tmp_path):
    weight = np.where(np.arange(3000) < 5, np.inf, 1.0)
    found = io.load(catalogue(tmp_path / "a.fits", RA, DEC, ("deg", "deg"), weight)).notes
    assert any(note.startswith("5 of 3000 galaxies of infinite weight") for note in found)
    assert not any("NaN or infinite" in note for note in found)


@pytest.mark.parametrize(("unit", "factor"), [("rad", 57.29577951308232), ("arcmin", 1 / 60), ("deg", 1.0)])
def test_angles_have_the_unit_of_their_column(tmp_path, unit, factor):
    values = np.array([0.0, 0.5, 1.0, 2.1])  # which tell nothing of themselves
    table = fits.BinTableHDU.from_columns([fits.Column("theta", "D", unit, array=values)])
    fits.HDUList([fits.PrimaryHDU(sinogram()[0, :4]), table]).writeto(tmp_path / "a.fits")
    np.testing.assert_allclose(io.load(tmp_path / "a.fits").angles_deg, values * factor)


def test_angles_of_an_unknown_unit_are_asked_for(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("theta", "D", "furlong", array=np.arange(20) * 9.0)])
    fits.HDUList([fits.PrimaryHDU(sinogram()[0]), table]).writeto(tmp_path / "a.fits")
    with pytest.raises(InputError, match="'furlong' that is stated"):
        io.read_measurement(tmp_path / "a.fits")
