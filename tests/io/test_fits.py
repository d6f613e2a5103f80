"""Shear maps and catalogues in FITS files, and what is none."""

import numpy as np
import pytest
import torch
from astropy.io import fits

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.operators.kaiser_squires import KaiserSquires

from .files import angles, sinogram


def shear(rows=24, columns=32):
    y, x = np.mgrid[:rows, :columns]
    kappa = np.exp(-((y - rows / 2) ** 2 + (x - columns / 3) ** 2) / 18)
    kappa -= kappa.mean()
    return kappa, KaiserSquires(image_shape=(rows, columns))(torch.from_numpy(kappa)[None, None])[0, 0].numpy()


def write(path, *arrays, **header):
    hdus = [fits.PrimaryHDU(arrays[0]), *(fits.ImageHDU(a) for a in arrays[1:])]
    hdus[0].header.update(header)
    fits.HDUList(hdus).writeto(path)
    return path


def check(path, kappa, gamma):
    measurement = mp.io.load(path)
    problem = measurement.problem()
    assert measurement.kind == "kaiser-squires" and measurement.missing == ()
    assert measurement.data[0].shape == gamma.shape
    assert problem.y.dtype == torch.complex64
    assert np.allclose(problem.y[0, 0].numpy(), gamma, atol=1e-6)
    again = mp.io.open_source(problem.source)
    assert torch.equal(again.y, problem.y) and again.A == problem.A
    if problem.A.sampled is None:
        assert np.allclose(problem.A.picture(problem.A.pinv(problem.y))[0, 0].numpy(), kappa, atol=1e-6)
    return problem


@pytest.mark.parametrize("dtype", [">f4", ">f8"])
def test_two_planes(tmp_path, dtype):
    kappa, gamma = shear()
    g1, g2 = gamma.real.astype(dtype), gamma.imag.astype(dtype)
    check(write(tmp_path / "last.fits", np.stack([g1, g2], -1)), kappa, gamma)
    check(write(tmp_path / "first.fits", np.stack([g1, g2])), kappa, gamma)
    check(write(tmp_path / "extensions.fits", g1, g2), kappa, gamma)


@pytest.mark.parametrize("names", [("map_g1", "map_g2"), ("gamma1_z2", "gamma2_z2"), ("E_1", "E_2")])
def test_two_files(tmp_path, names):
    kappa, gamma = shear()
    for name, plane in zip(names, (gamma.real, gamma.imag), strict=True):
        write(tmp_path / f"{name}.fits", plane)
    for name in names:  # either of them
        check(tmp_path / f"{name}.fits", kappa, gamma)


def test_what_was_not_measured(tmp_path):
    kappa, gamma = shear()
    gamma[:5] = 0
    problem = check(write(tmp_path / "a.fits", np.stack([gamma.real, gamma.imag])), kappa, gamma)
    assert torch.equal(problem.A.sampled, torch.from_numpy(gamma != 0))


@pytest.mark.parametrize(
    ("header", "arcmin"), [({"CDELT2": 0.01}, 0.6), ({"CD2_2": -0.005}, 0.3), ({"CDELT2": 0.5, "CUNIT2": "m"}, None)]
)
def test_pixel_size(tmp_path, header, arcmin):
    _, gamma = shear()
    A = mp.io.read_measurement(write(tmp_path / "a.fits", gamma.real, gamma.imag, **header)).A
    assert A.pixel_size_arcmin == pytest.approx(arcmin or 300 / 128)


@pytest.mark.parametrize("position", [("ra", "dec"), ("X", "Y")])
def test_catalogue(tmp_path, position):
    """The mean of the galaxies in each pixel; right ascension jumps at 360 degrees."""
    _, gamma = shear(40, 40)
    random = np.random.default_rng(0)
    y, x = random.uniform(0, 40, (2, 100_000))
    values = gamma[y.astype(int), x.astype(int)]
    across, up = ((x - 20) / 60 % 360, (y - 20) / 60) if position[0] == "ra" else (x, y)
    columns = dict(zip((*position, "gamma1", "gamma2"), (across, up, values.real, values.imag), strict=True))
    table = fits.BinTableHDU.from_columns([fits.Column(k, "D", array=v) for k, v in columns.items()])
    table.writeto(tmp_path / "catalogue.fits")
    problem = mp.io.read_measurement(tmp_path / "catalogue.fits")
    rows, cols = problem.A.range_shape
    assert rows * cols == pytest.approx(100_000 / 4, rel=0.02) and abs(rows - cols) <= 1
    if position[0] == "ra":
        assert problem.A.pixel_size_arcmin == pytest.approx(40 / rows, rel=0.01)
    at = (np.arange(rows) + 0.5) * 40 / rows
    expected = gamma[at.astype(int)][:, ((np.arange(cols) + 0.5) * 40 / cols).astype(int)]
    inside = problem.A.sampled.numpy()
    error = np.abs(problem.y[0, 0].numpy() - expected)[inside]
    assert np.median(error) < 0.02 * np.abs(gamma).max()


def test_image_to_simulate_from(tmp_path):
    kappa, _ = shear()
    image, _ = mp.io.image_from_file(write(tmp_path / "kappa.fits", kappa[None]))
    assert image.dtype == np.float32 and np.allclose(image, kappa, atol=1e-6)


def nan():
    bad = np.ones((4, 4))
    bad[1, 2] = np.nan
    return bad


def table(**columns):
    return fits.BinTableHDU.from_columns([fits.Column(k, "D", array=v) for k, v in columns.items()])


def test_bad_input(tmp_path):
    one = np.ones((4, 4))
    g = np.ones(3)
    for name, content, words in (
        ("kappa", [one], "does not say at which angles its 4 rows"),
        ("g1", [one], "one plane"),
        ("cube", [np.ones((3, 4, 4))], "does not say at which angles its 4 rows"),
        ("unequal", [one, np.ones((4, 5))], r"IMAGE_1 \[4, 5\]. Name the sinogram|several arrays"),
        ("none", [None], "no image"),
        ("zero", [one * 0, one * 0], "all of it is zero"),
        ("nan", [nan()], r"1 NaN or infinite value.*\[1, 2\]"),
        ("columns", [None, table(ra=g, dec=g, gamma1=g)], "no column gamma2. It has: ra, dec, gamma1"),
        ("line", [None, table(ra=g, dec=g, g1=g / 9, g2=g / 9)], "lie on one line"),
        ("hole", [None, table(ra=g, dec=g, g1=g, g2=g * np.nan)], "No galaxy .* is usable: 3 of 3 galaxies with NaN"),
    ):
        hdus = [fits.PrimaryHDU(content[0])]
        hdus += [part if isinstance(part, fits.BinTableHDU) else fits.ImageHDU(part) for part in content[1:]]
        fits.HDUList(hdus).writeto(tmp_path / f"{name}.fits")
        with pytest.raises(InputError, match=words):
            options = {"angles_deg": "0:180:4"} if name == "nan" else {}
            mp.io.load(tmp_path / f"{name}.fits").problem(**options)
    with pytest.raises(InputError, match="no array 'g1'"):
        mp.io.load(tmp_path / "nan.fits", dataset="g1")
    with pytest.raises(InputError, match=r"A shear map is two: name them alike"):
        mp.io.load(tmp_path / "kappa.fits", content="shear")
    with pytest.raises(InputError, match="2 images"):
        mp.io.image_from_file(tmp_path / "unequal.fits")


def test_damaged_files(tmp_path):
    """Cut off, or with a header that promises more than there is: an InputError, nothing else."""
    _, gamma = shear()
    whole = write(tmp_path / "a.fits", np.stack([gamma.real, gamma.imag])).read_bytes()
    for k, length in enumerate((20, 81, 2880, 2900, 9000)):
        path = tmp_path / f"cut{k}.fits"
        path.write_bytes(whole[:length])
        with pytest.raises(InputError):
            mp.io.load(path)
    path = tmp_path / "huge.fits"
    path.write_bytes(whole.replace(b"NAXIS1  =                   32", b"NAXIS1  =           9999999999"))
    with pytest.raises(InputError, match="damaged"):
        mp.io.load(path)


def test_packed_with_gzip(tmp_path):
    kappa, gamma = shear()
    check(write(tmp_path / "a.fits.gz", np.stack([gamma.real, gamma.imag])), kappa, gamma)
    write(tmp_path / "b.fits.gz", sinogram())
    y = mp.io.read_measurement(tmp_path / "b.fits.gz", angles_deg=angles(), slice=2).y
    assert np.array_equal(y[0, 0].numpy(), sinogram()[2])


def test_sinograms(tmp_path):
    write(tmp_path / "one.fits", sinogram()[0])
    write(tmp_path / "two.fits", sinogram()[:2])  # not two planes of shear: nothing is negative
    write(tmp_path / "projections.fits", sinogram().swapaxes(0, 1))
    for name, index in (("one", None), ("two", 0), ("projections", 0)):
        problem = mp.io.read_measurement(tmp_path / f"{name}.fits", angles_deg=angles(), slice=index)
        assert np.array_equal(problem.y[0, 0].numpy(), sinogram()[0])
        assert torch.equal(mp.io.open_source(problem.source).y, problem.y)


def test_scaled_and_unsigned_pixels(tmp_path):
    image = fits.PrimaryHDU(sinogram()[0])
    image.scale("int16", bscale=0.0005)
    image.writeto(tmp_path / "a.fits")
    y = mp.io.read_measurement(tmp_path / "a.fits", angles_deg=angles()).y[0, 0].numpy()
    assert np.allclose(y, sinogram()[0], atol=3e-4)
    counts = (60000 * np.exp(-sinogram()[0])).astype(np.uint16)
    write(tmp_path / "b.fits", counts)
    y = mp.io.read_measurement(tmp_path / "b.fits", angles_deg=angles(), flat=60000).y[0, 0].numpy()
    assert np.allclose(y, sinogram()[0], atol=1e-4)


def test_angles_in_a_table_of_the_same_file(tmp_path):
    hdus = [fits.PrimaryHDU(sinogram()[0]), table(theta=np.deg2rad(angles()))]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    assert np.allclose(mp.io.read_measurement(tmp_path / "a.fits").A.angles_deg, angles())


def test_two_planes_that_may_be_either_ask(tmp_path):
    planes = sinogram()[:2].copy()
    planes[:, :, :2] -= 0.01
    write(tmp_path / "a.fits", planes)
    with pytest.raises(InputError, match=r"Give content \(--content\)"):
        mp.io.load(tmp_path / "a.fits")
    assert mp.io.load(tmp_path / "a.fits", content="shear").kind == "kaiser-squires"
    problem = mp.io.read_measurement(tmp_path / "a.fits", content="sinogram", angles_deg=angles(), slice=0)
    assert np.array_equal(problem.y[0, 0].numpy(), planes[0])


@pytest.mark.parametrize("mark", [np.nan, -99.0])
def test_outside_of_the_survey(tmp_path, mark):
    _, gamma = shear()
    planes = np.stack([gamma.real, gamma.imag])
    planes[:, :6, :9] = mark
    problem = mp.io.read_measurement(write(tmp_path / "a.fits", planes))
    inside = np.ones(gamma.shape, bool)
    inside[:6, :9] = False
    assert np.array_equal(problem.A.sampled.numpy(), inside)
    assert np.allclose(problem.y[0, 0].numpy()[inside], gamma[inside], atol=1e-6)
    assert any("not measured" in note for note in mp.io.load(tmp_path / "a.fits").notes)


def test_right_ascension_to_the_left(tmp_path):
    """gamma2 counts with right ascension: the columns are turned, and the mass is what it is."""
    kappa, gamma = shear()
    planes = np.stack([gamma.real, gamma.imag])[:, :, ::-1]
    path = write(tmp_path / "a.fits", planes, CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CDELT1=-0.01, CDELT2=0.01)
    check(path, kappa, gamma)
    assert any("reverse order" in note for note in mp.io.load(path).notes)


def galaxies():
    """Positions and shear of 40,000 galaxies, a third of them spoilt, and which are good."""
    _, gamma = shear(40, 40)
    random = np.random.default_rng(1)
    y, x = random.uniform(0, 40, (2, 40_000))
    values = gamma[y.astype(int), x.astype(int)]
    good = random.uniform(size=y.size) > 1 / 3
    return 10 + (x - 20) / 60, (y - 20) / 60, values, good, random


@pytest.mark.parametrize("names", ["ra dec e1 e2", "RAJ2000 DEJ2000 g1 g2", "ALPHA_J2000 DELTA_J2000 e1 e2"])
@pytest.mark.parametrize("spoil", ["weight", "w", "flags", "marks", "nan"])
def test_catalogues_as_surveys_publish_them(tmp_path, names, spoil):
    ra, dec, values, good, random = galaxies()
    first, second = values.real.copy(), values.imag.copy()
    bad = {"marks": -99.0, "nan": np.nan}.get(spoil, random.normal(0, 3, (~good).sum()))
    first[~good] = second[~good] = bad
    columns = dict(zip(names.split(), (ra, dec, first, second), strict=True))
    if spoil in ("weight", "w", "flags"):
        columns[spoil] = (good if spoil != "flags" else ~good).astype(float)
    table(**columns).writeto(tmp_path / "a.fits")
    found = mp.io.load(tmp_path / "a.fits")
    table(**dict(zip(names.split(), (ra[good], dec[good], values.real[good], values.imag[good]), strict=True))).writeto(
        tmp_path / "good.fits"
    )
    expected = mp.io.read_measurement(tmp_path / "good.fits")
    assert torch.equal(found.problem().y, expected.y)
    assert any(f"{(~good).sum()} of 40000 galaxies" in note for note in found.notes)


def test_columns_by_name_and_weights(tmp_path):
    ra, dec, values, _, random = galaxies()
    weight = random.uniform(0.5, 2, ra.size)
    odd = {"lon": ra, "lat": dec, "a": values.real, "b": values.imag, "how_good": weight}
    table(**odd).writeto(tmp_path / "a.fits")
    with pytest.raises(InputError, match=r"no column dec.*columns \(--columns\)"):
        mp.io.load(tmp_path / "a.fits")
    named = "ra=lon, dec=lat, g1=a, g2=b, weight=how_good"
    problem = mp.io.read_measurement(tmp_path / "a.fits", columns=named)
    table(ra=ra, dec=dec, g1=values.real, g2=values.imag, weight=weight).writeto(tmp_path / "b.fits")
    assert torch.equal(problem.y, mp.io.read_measurement(tmp_path / "b.fits").y)
    assert torch.equal(mp.io.open_source(problem.source).y, problem.y)
    plain = mp.io.read_measurement(tmp_path / "b.fits", columns="weight=none")
    assert not torch.equal(problem.y, plain.y)
    with pytest.raises(InputError, match="columns is a list such as"):
        mp.io.load(tmp_path / "b.fits", columns="weights:none")


@pytest.mark.parametrize("name", ["INV_VAR", "ivar", "wt", "inverse_variance"])
def test_inverse_variances_are_weights(tmp_path, name):
    ra, dec, values, good, _ = galaxies()
    columns = {"ra": ra, "dec": dec, "g1": values.real, "g2": values.imag}
    table(**columns, **{name: good.astype(float)}).writeto(tmp_path / "a.fits")
    table(**{key: column[good] for key, column in columns.items()}).writeto(tmp_path / "good.fits")
    found, expected = (mp.io.read_measurement(tmp_path / file) for file in ("a.fits", "good.fits"))
    assert torch.equal(found.y, expected.y)


def test_impossible_shear_is_left_out_and_unused_columns_are_named(tmp_path):
    ra, dec, values, good, _ = galaxies()
    columns = {"ra": ra, "dec": dec, "g1": np.where(good, values.real, 0.8), "g2": np.where(good, values.imag, -0.8)}
    table(**columns, zphot=ra, quality=good.astype(float)).writeto(tmp_path / "a.fits")
    table(**{key: column[good] for key, column in columns.items()}).writeto(tmp_path / "good.fits")
    found = mp.io.load(tmp_path / "a.fits")
    assert torch.equal(found.problem().y, mp.io.read_measurement(tmp_path / "good.fits").y)
    assert any(f"{(~good).sum()} of 40000 galaxies of shear beyond 1" in note for note in found.notes)
    assert any("columns not used: zphot, quality" in note and "weight=" in note for note in found.notes)


@pytest.mark.parametrize("count", [2000, 2758, 4100])
def test_pixels_of_a_catalogue_fill_the_field(tmp_path, count):
    """Convergence from a noiseless catalogue, against the true one at the pixels' centres (exact shear by Fourier)."""
    rows, columns = 48, 64
    random = np.random.default_rng(2)
    modes = [(a, b, random.normal(), random.uniform(0, 7)) for a in range(6) for b in range(-6, 7) if a or b > 0]
    v, u = random.uniform(0, rows, count), random.uniform(0, columns, count)

    def sums(y, x):
        kappa, gamma = np.zeros(np.shape(x)), np.zeros(np.shape(x), complex)
        for a, b, size, phase in modes:
            wave = size * np.cos(2 * np.pi * (a * y / rows + b * x / columns) + phase)
            k = b / columns + 1j * a / rows
            kappa, gamma = kappa + wave, gamma + (k / abs(k)) ** 2 * wave
        return kappa / 200, gamma / 200

    _, gamma = sums(v, u)
    table(ra=10 + (u - 32) / 60, dec=(v - 24) / 60, e1=gamma.real, e2=gamma.imag).writeto(tmp_path / "a.fits")
    problem = mp.io.read_measurement(tmp_path / "a.fits")
    x = problem.A.picture(mp.reconstruct(problem, mp.methods.Tikhonov(weight=0.001)).x)[0, 0].numpy()
    centers = [(np.arange(n) + 0.5) * (size / n) for n, size in zip(x.shape, (rows, columns), strict=True)]
    truth, _ = sums(centers[0][:, None], centers[1][None, :])
    assert np.corrcoef(x.ravel(), truth.ravel())[0, 1] > 0.97
    assert problem.A.pixel_size_arcmin**2 * x.size == pytest.approx(rows * columns, rel=0.01)
