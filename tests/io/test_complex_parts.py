"""Complex k-space that is stored as two real arrays, as records of magnitude and phase, or in MATLAB's cells."""

import h5py
import numpy as np
import pytest
import scipy.io

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.phantom import shepp_logan

N = 32


def kspace(slices=1):
    """[slices, rows, columns] of pictures whose phase is not zero."""
    r, c = np.mgrid[:N, :N] / N
    pictures = np.stack([(i + 1) * shepp_logan(N) * np.exp(2j * (r + i * c)) for i in range(slices)])
    shifted = np.fft.ifftshift(pictures, axes=(1, 2))
    return np.fft.fftshift(np.fft.fft2(shifted, norm="ortho"), axes=(1, 2)).astype(np.complex64)


def parts(k, polar=False, degrees=False):
    if polar:
        return np.abs(k), np.degrees(np.angle(k)) if degrees else np.angle(k)
    return k.real, k.imag


def matlab73(path, values):
    """HDF5 behind a user block, axes reversed, structs as groups."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in values.items():
            file[name] = np.asarray(value).T
            file[name].attrs["MATLAB_class"] = np.bytes_(b"double")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def write(path, values):
    """By the suffix, names with a dot or a slash being fields of structs or groups."""
    if path.suffix == ".npz":
        np.savez(path, **values)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            for name, value in values.items():
                file[name] = value
    else:
        made: dict = {}
        for name, value in values.items():
            group, _, field = name.rpartition("/")
            (made.setdefault(group, {}) if group else made)[field] = value
        scipy.io.savemat(path, made)
    return path


CARTESIAN = [
    ("kspace_real", "kspace_imag"),
    ("kspaceReal", "kspaceImag"),
    ("real_kspace", "imag_kspace"),
    ("ksp_re", "ksp_im"),
    ("ksp-r", "ksp-i"),
    ("kspace/real", "kspace/imag"),
    ("scan/kdata/re", "scan/kdata/im"),
    ("KSPACE_REAL", "KSPACE_IMAG"),
    ("real", "imag"),
    ("re", "im"),
]
POLAR = [
    ("kspace_mag", "kspace_phase"),
    ("kspace_abs", "kspace_angle"),
    ("magnitude", "phase"),
    ("kspace/amplitude", "kspace/phase"),
    ("kspaceMagnitude", "kspacePhase"),
]


@pytest.mark.parametrize("names", [*CARTESIAN, *POLAR], ids="+".join)
@pytest.mark.parametrize("suffix", [".h5", ".npz", ".mat"])
def test_two_arrays(tmp_path, names, suffix):
    if suffix != ".h5" and (names[0].count("/") > 1 or (suffix == ".npz" and "/" in names[0])):
        pytest.skip("no groups of groups there")
    if suffix == ".mat" and "-" in names[0]:
        pytest.skip("no name in MATLAB")
    k = kspace()[0]
    values = dict(zip(names, parts(k, names in POLAR), strict=True))
    path = write(tmp_path / f"a{suffix}", {"mask": np.ones((N, N)), "n": 3.0, **values})
    measurement = io.load(path)
    assert measurement.kind == "mri-cartesian" and any("complex numbers from" in note for note in measurement.notes)
    assert np.allclose(measurement.problem().y[0, 0, 0].numpy(), k, atol=2e-5)


def test_matlab_73(tmp_path):
    k = kspace(3)[0]
    matlab73(tmp_path / "a.mat", {"scan/kspace_real": k.real, "scan/kspace_imag": k.imag})
    assert np.allclose(io.read_measurement(tmp_path / "a.mat").y[0, 0, 0].numpy(), k)


def test_slices_are_read_one_by_one_and_named_by_the_joint_name(tmp_path):
    k = kspace(3)
    path = write(tmp_path / "a.h5", {"x/data_real": k.real, "x/data_imag": k.imag, "x/other": np.ones((20, 30))})
    with pytest.raises(InputError, match=r"several arrays.*If its complex 'x/data' is k-space"):
        io.load(path)
    problem = io.load(path, dataset="x/data").problem(slice=2)
    assert np.array_equal(problem.y[0, 0, 0].numpy(), k[2])
    assert np.array_equal(io.open_source(problem.source).y, problem.y)


@pytest.mark.parametrize("degrees", [False, True])
@pytest.mark.parametrize("unit", ["", "deg"])
def test_phases(tmp_path, degrees, unit):
    k = kspace()[0]
    values = parts(k, True, degrees)
    path = write(tmp_path / "a.h5", {"kspace_mag": values[0], "kspace_phase": values[1]})
    if unit:
        with h5py.File(path, "a") as file:
            file["kspace_phase"].attrs["units"] = unit
    measurement = io.load(path)
    told = any(f"phase in {'degrees' if degrees or unit else 'radians'}" in note for note in measurement.notes)
    right = np.allclose(measurement.problem().y[0, 0, 0].numpy(), k, atol=1e-4)
    assert told and right == (degrees or not unit)


def test_phases_of_a_scanner_are_refused(tmp_path):
    path = write(tmp_path / "a.npz", {"kspace_mag": np.ones((N, N)), "kspace_phase": np.full((N, N), 4095.0)})
    with pytest.raises(InputError, match="phase of complex numbers, but reaches 4095"):
        io.load(path)


@pytest.mark.parametrize(
    "values",
    [
        {"magnitude": shepp_logan(N), "phase": shepp_logan(N)},
        {"real": shepp_logan(N), "imag": shepp_logan(N)},
        {"kspace_real": np.ones((N, N))},
        {"kspace_imag": np.ones((N, N)), "angles": np.arange(N)},
        {"kspace_real": np.ones((N, N)), "kspace_imag": np.ones((N, N + 1))},
        {"one": kspace()[0], "other": kspace()[0]},
        {"one": kspace()[0], "other": np.ones((N, N)), "third": np.ones((N, N))},
        {"raw_real": np.ones((N, N)), "raw_imag": np.ones((N, N)), "other": np.ones((N, N))},
        {"kspace": np.ones((N, N))},
    ],
    ids=lambda values: "+".join(values),
)
def test_what_cannot_be_told_is_refused(tmp_path, values):
    with pytest.raises(InputError, match="complex"):
        io.load(write(tmp_path / "a.npz", values))


def test_pictures_can_be_called_k_space_and_one_of_them_a_sinogram(tmp_path):
    values = {"magnitude": shepp_logan(N), "phase": shepp_logan(N)}
    path = write(tmp_path / "a.npz", values)
    with pytest.raises(InputError, match="'magnitude and phase'"):
        io.load(path)
    assert io.load(path, dataset="magnitude and phase").kind == "mri-cartesian"
    assert io.load(path, dataset="magnitude").kind == "parallel-beam"


@pytest.mark.parametrize("names", [("mag", "phase"), ("abs", "angle"), ("Magnitude", "Phase")])
def test_records_of_magnitude_and_phase(tmp_path, names):
    k = kspace(2)
    record = np.zeros(k.shape, [(name, "f4") for name in names])
    record[names[0]], record[names[1]] = np.abs(k), np.angle(k)
    write(tmp_path / "a.h5", {"kspace": record})
    assert np.allclose(io.load(tmp_path / "a.h5").problem(slice=1).y[0, 0, 0].numpy(), k[1], atol=1e-4)
    np.save(tmp_path / "a.npy", record[0])
    assert np.allclose(io.read_measurement(tmp_path / "a.npy").y[0, 0, 0].numpy(), k[0], atol=1e-4)
    record[names[1]] *= 57.3
    np.save(tmp_path / "b.npy", record[0])
    with pytest.raises(InputError, match="radians"):
        io.read_measurement(tmp_path / "b.npy")


@pytest.mark.parametrize("axis", [0, 1, 3])
def test_an_axis_of_real_and_imaginary_part(tmp_path, axis):
    k = kspace(3)
    write(tmp_path / "a.h5", {"kspace": np.stack([k.real, k.imag], axis)})
    measurement = io.load(tmp_path / "a.h5")
    assert any("axis holds the real and the imaginary part" in note for note in measurement.notes)
    assert np.array_equal(measurement.problem(slice=1).y[0, 0, 0].numpy(), k[1])


# ---- MATLAB's cells -------------------------------------------------------------------------------------------------


def cells_5(path, **variables):
    made = {}
    for name, arrays in variables.items():
        made[name] = np.empty((1, len(arrays)), object)
        made[name][0] = [*arrays]
    scipy.io.savemat(path, made)


def cells_73(path, **variables):
    """Arrays in the group #refs#, and references to them."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, arrays in variables.items():
            references = []
            for number, array in enumerate(arrays):
                inner = file.create_dataset(f"#refs#/{name}{number}", data=np.asarray(array).T)
                inner.attrs["MATLAB_class"] = np.bytes_(b"double")
                references.append([inner.ref])
            file.create_dataset(name, data=references, dtype=h5py.ref_dtype)
            file[name].attrs["MATLAB_class"] = np.bytes_(b"cell")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def record(array):
    found = np.zeros(array.shape, [("real", "f4"), ("imag", "f4")])
    found["real"], found["imag"] = array.real, array.imag
    return found


@pytest.mark.parametrize("version", [5, 73])
def test_cells(tmp_path, version):
    path, k = tmp_path / "a.mat", kspace(3)
    write_cells = cells_5 if version == 5 else cells_73
    write_cells(path, kspace=k if version == 5 else [record(one) for one in k])
    measurement = io.load(path, kspace_axes="slices,rows,columns")
    assert any("cell array: its 3 arrays" in note for note in measurement.notes)
    assert np.array_equal(measurement.problem(slice=2).y[0, 0, 0].numpy(), k[2])
    write_cells(path, kspace=[k[0].real, k[0].imag])
    assert np.array_equal(io.read_measurement(path).y[0, 0, 0].numpy(), k[0])
    rows = np.tile(np.hanning(30), (20, 1))
    write_cells(path, sino=[rows, 2 * rows], angles=[np.array([[9.0 * i]]) for i in range(20)])
    measurement = io.load(path)
    assert measurement.data.shape == (2, 20, 30) and np.allclose(measurement.data[1], 2 * rows)
    assert np.allclose(measurement.angles_deg, 9.0 * np.arange(20))
    write_cells(path, sino=[rows, rows[:, :9]])
    with pytest.raises(InputError, match=r"sino\{1\} \[20, 30\], sino\{2\} \[20, 9\]"):
        io.load(path)
