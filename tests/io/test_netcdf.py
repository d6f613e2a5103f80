"""NetCDF files of version 3, written by SciPy: values, packing, names of axes, damage."""

import numpy as np
import pytest
from scipy.io import netcdf_file

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

ANGLES = np.arange(40) * 4.5
BINS = np.arange(33) - 16.0
LINES = 0.04 * np.sqrt(np.maximum(12.0**2 - (BINS - 3 * np.cos(np.radians(ANGLES))[:, None]) ** 2, 0))


def written(path, arrays, version=1, unlimited=False):
    """Arrays by name: values, names of their axes, attributes."""
    with netcdf_file(path, "w", version=version) as file:
        for name, (values, axes, attributes) in arrays.items():
            values = np.asarray(values)
            for axis, n in zip(axes, values.shape, strict=True):
                if axis not in file.dimensions:
                    file.createDimension(axis, None if unlimited and axis == axes[0] else n)
            variable = file.createVariable(name, values.dtype, axes)
            variable[:] = values
            for key, value in attributes.items():
                setattr(variable, key, value)
    return path


def angles(kind="f8", values=ANGLES, units="degrees"):
    return np.asarray(values).astype(kind), ("view",), {"units": units}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("unlimited", [False, True])
def test_line_integrals(tmp_path, version, unlimited):
    arrays = {"sinogram": (LINES.astype("f4"), ("view", "bin"), {}), "angles": angles(values=np.radians(ANGLES))}
    arrays["angles"][2]["units"] = "radians"
    problem = io.read_measurement(written(tmp_path / "a.nc", arrays, version, unlimited))
    assert np.abs(problem.y[0, 0].numpy() - LINES).max() < 1e-6
    assert problem.A.angles_deg == pytest.approx(ANGLES)


def test_packed_counts_with_flats_and_no_unsigned_types(tmp_path):
    counts = np.rint(60000 * np.exp(-LINES))[:, None]  # [theta, y, x]
    signed = counts.astype("u2").view("i2")
    arrays = {
        "data": (signed, ("theta", "y", "x"), {"_Unsigned": "true"}),
        "data_white": (np.full((2, 1, 33), -5536, "i2"), ("white", "y", "x"), {"_Unsigned": "true"}),
        "data_dark": (np.zeros((2, 1, 33), "i2"), ("white", "y", "x"), {"scale_factor": 0.5, "add_offset": 0.0}),
        "theta": (ANGLES.astype("f4"), ("theta",), {"units": "degree"}),
    }
    path = written(tmp_path / "a.nc", arrays)
    assert np.abs(io.read_measurement(path).y[0, 0].numpy() - LINES).max() < 1e-4
    notes = " ".join(io.load(path).notes)
    assert "'data' holds numbers without a sign, as its attribute _Unsigned says" in notes


def test_axes_that_the_file_names(tmp_path):
    arrays = {"absorption": (LINES.T.astype("f8"), ("bin", "angle"), {}), "angle": (ANGLES, ("angle",), {})}
    problem = io.read_measurement(written(tmp_path / "a.nc", arrays))
    assert np.abs(problem.y[0, 0].numpy() - LINES).max() < 1e-6


@pytest.mark.parametrize("fill", [None, -1.0])
def test_values_never_written(tmp_path, fill):
    values = LINES.astype("f4")
    values[2, 5] = np.float32(9.969209968386869e36) if fill is None else fill
    attributes = {} if fill is None else {"_FillValue": np.float32(fill)}
    path = written(tmp_path / "a.nc", {"sinogram": (values, ("v", "b"), attributes), "angles": angles()})
    with pytest.raises(InputError, match=r"NaN or infinite value\(s\), the first at index \[2, 5\]"):
        io.read_measurement(path)


def test_kspace_in_two_parts(tmp_path):
    rng = np.random.default_rng(0)
    k = rng.standard_normal((2, 24, 20, 2)).astype("f4")
    parts = {f"kspace_{word}": (k[..., i], ("coil", "ky", "kx"), {}) for i, word in enumerate(("real", "imag"))}
    found = io.load(written(tmp_path / "a.nc", parts), kspace_axes="coils,rows,columns")
    assert np.array_equal(found.read(0), k[..., 0] + 1j * k[..., 1])


def test_the_newer_64_bit_format_is_refused_by_name(tmp_path):
    path = tmp_path / "a.nc"
    path.write_bytes(b"CDF\x05" + bytes(64))
    with pytest.raises(InputError, match=r"64-bit data format .*nccopy -k nc4"):
        io.load(path)


def test_damage_is_refused(tmp_path):
    arrays = {"sinogram": (LINES.astype("f4"), ("view", "bin"), {}), "angles": angles()}
    whole = written(tmp_path / "a.nc", arrays).read_bytes()
    path, rng, refused = tmp_path / "b.nc", np.random.default_rng(0), 0
    for _ in range(150):
        data = bytearray(whole)
        for at in rng.integers(4, 300, 3):
            data[at] = int(rng.choice([0, 0x7F, 0x80, 0xFF, 17, 65]))
        path.write_bytes(data[: int(rng.integers(8, len(data)))] if rng.random() < 0.3 else data)
        try:
            y = io.read_measurement(path).y
        except InputError as error:  # anything else fails
            refused += 1
            assert "b.nc" in str(error)
        else:
            assert y.isfinite().all(), "damaged numbers are told"
    assert 50 < refused < 150
