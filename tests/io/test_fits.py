"""Shear maps and catalogues in FITS files, and what is none."""

import numpy as np
import pytest
import torch
from astropy.io import fits

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.operators.kaiser_squires import KaiserSquires


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
        ("kappa", [one], "one plane"),
        ("g1", [one], "one plane"),
        ("cube", [np.ones((3, 4, 4))], r"\[3, 4, 4\]. A shear map is two planes"),
        ("unequal", [one, np.ones((4, 5))], "two planes of equal size"),
        ("none", [None], "no image"),
        ("zero", [one * 0, one * 0], "all of it is zero"),
        ("nan", [one, nan()], r"gamma2 of nan.fits holds 1 NaN.*\[1, 2\]"),
        ("columns", [None, table(ra=g, dec=g, gamma1=g)], "no column gamma2. It has: ra, dec, gamma1"),
        ("line", [None, table(ra=g, dec=g, g1=g, g2=g)], "lie on one line"),
        ("hole", [None, table(ra=g, dec=g, g1=g, g2=g * np.nan)], "Column g2 of hole.fits holds 3 NaN"),
    ):
        hdus = [fits.PrimaryHDU(content[0])]
        hdus += [part if isinstance(part, fits.BinTableHDU) else fits.ImageHDU(part) for part in content[1:]]
        fits.HDUList(hdus).writeto(tmp_path / f"{name}.fits")
        with pytest.raises(InputError, match=words):
            mp.io.load(tmp_path / f"{name}.fits").problem()
    with pytest.raises(InputError, match="leave out dataset"):
        mp.io.load(tmp_path / "nan.fits", dataset="g1")
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
