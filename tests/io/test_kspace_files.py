"""K-space in every layout that people store it in, oversampled readouts, and ISMRMRD raw data."""

import re

import h5py
import numpy as np
import pytest
import scipy.io

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.phantom import shepp_logan
from napari_mlpatch.operators.coil_maps import simulated_coils

N = 32


def transform(images, axes=(-2, -1)):
    """Centred and orthonormal."""
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(images, axes=axes), norm="ortho"), axes=axes)


def coils(count=4, shape=(N, N)):
    """K-space [coils, rows, columns] and the image that it is of, the root sum of squares of the coils'."""
    image = np.zeros(shape)
    top = (shape[0] - N) // 2
    image[top : top + N] = shepp_logan(N)[:, : shape[1]]
    images = image * simulated_coils(count, shape)
    return transform(images).astype(np.complex64), np.sqrt((np.abs(images) ** 2).sum(0))


def error(problem, truth):
    x = problem.A.pinv(problem.y)[0, 0].abs().numpy()
    return np.linalg.norm(x - truth) / np.linalg.norm(truth)


def compound(array):
    record = np.zeros(array.shape, [("real", "f4"), ("imag", "f4")])
    record["real"], record["imag"] = array.real, array.imag
    return record


def write(path, array, how):
    if how == "npy":
        np.save(path.with_suffix(".npy"), array)
    elif how == "npz":
        np.savez(path.with_suffix(".npz"), kspace=array, mask=np.ones(array.shape[-2:], bool))
    elif how == "only complex array":
        np.savez(path.with_suffix(".npz"), something=array, mask=np.ones(array.shape[-2:], bool), n=3)
    elif how == "mat5":
        scipy.io.savemat(path.with_suffix(".mat"), {"kspace": np.moveaxis(array, 0, -1)})  # [rows, columns, coils]
        return path.with_suffix(".mat")
    else:
        suffix, values = {
            "mat73": (".mat", compound(array.swapaxes(-1, -2))),  # all axes reversed
            "compound": (".h5", compound(array)[None]),
            "complex128": (".h5", array[None].astype(complex)),
            "big-endian": (".h5", array[None].astype(">c8")),
            "two channels": (".h5", np.stack([array.real, array.imag], -1)[None]),
            "coils last": (".h5", np.moveaxis(array, 0, -1)[None]),
            "five axes": (".h5", array[None, None]),
        }[how]
        with h5py.File(path.with_suffix(suffix), "w", userblock_size=512 if suffix == ".mat" else 0) as file:
            file["kspace"] = values
        return path.with_suffix(suffix)
    return next(path.parent.glob("a.np?"))


LAYOUTS = ["npy", "npz", "only complex array", "mat5", "mat73", "compound", "complex128", "big-endian"]


@pytest.mark.parametrize("how", [*LAYOUTS, "two channels", "coils last", "five axes"])
def test_layouts(tmp_path, how):
    kspace, truth = coils()
    problem = io.read_measurement(write(tmp_path / "a", kspace, how))
    assert np.allclose(problem.y[0, 0].numpy(), kspace, atol=1e-6)
    assert error(problem, truth) < 0.02


def test_axes_can_be_named(tmp_path):
    kspace, _ = coils(3)
    np.save(tmp_path / "a.npy", kspace.transpose(1, 0, 2))
    problem = io.read_measurement(tmp_path / "a.npy", kspace_axes="rows, coils, columns")
    assert np.array_equal(problem.y[0, 0].numpy(), kspace)
    assert np.array_equal(io.open_source(problem.source).y, problem.y)
    for wrong in ("rows,columns", "rows,rows,columns", "a,b,c"):
        with pytest.raises(InputError, match=r"names the 3 axes of k-space \[32, 3, 32\]"):
            io.load(tmp_path / "a.npy", kspace_axes=wrong)


def test_what_the_first_axis_is_taken_for_is_told(tmp_path):
    kspace, _ = coils(3)
    np.save(tmp_path / "a.npy", kspace)
    assert any("taken for coils; if they are slices" in note for note in io.load(tmp_path / "a.npy").notes)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kspace"] = kspace
    measurement = io.load(tmp_path / "a.h5")
    assert len(measurement.data) == 3 and any("taken for slices" in note for note in measurement.notes)
    assert io.read_measurement(tmp_path / "a.h5", kspace_axes="coils,rows,columns").y.shape == (1, 1, 3, N, N)


def test_real_numbers_say_that_complex_ones_are_needed(tmp_path):
    np.savez(tmp_path / "a.npz", kspace=np.ones((3, N, N)))
    with pytest.raises(InputError, match="complex"):
        io.load(tmp_path / "a.npz")


def test_an_empty_middle_slice(tmp_path):
    kspace, _ = coils(1)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kspace"] = np.stack([kspace, 0 * kspace, kspace])
    measurement = io.load(tmp_path / "a.h5")
    assert any("slice 1 is zero everywhere" in note for note in measurement.notes)
    assert np.array_equal(measurement.problem(slice=0).y[0, 0].numpy(), kspace)
    assert np.isfinite(measurement.data[1]).all()
    with pytest.raises(InputError, match=r"Slice 1 of 3 .*zero everywhere"):
        measurement.problem()


# ---- oversampled readouts -------------------------------------------------------------------------------------------


def header(encoded, recon, trajectory="cartesian", more=""):
    def space(name, size):
        x, y = size
        matrix = f"<matrixSize><x>{x}</x><y>{y}</y><z>1</z></matrixSize>"
        return f"<{name}>{matrix}<fieldOfView_mm><x>{x}</x><y>{y}</y><z>5</z></fieldOfView_mm></{name}>"

    spaces = space("encodedSpace", encoded) + space("reconSpace", recon)
    return (
        '<?xml version="1.0"?><ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding>'
        f"{spaces}<encodingLimits>{more}</encodingLimits><trajectory>{trajectory}</trajectory></encoding></ismrmrdHeader>"
    )


def fastmri(path, undersampled=True, recon=(N, N)):
    kspace, truth = coils(4, (2 * N, N))
    columns = np.ones(N, bool)
    if undersampled:
        columns[1::2] = False
        columns[N // 2 - 6 : N // 2 + 6] = True
    with h5py.File(path, "w") as file:
        file["kspace"] = (kspace * columns)[None]
        file["mask"] = columns
        file["ismrmrd_header"] = header((2 * N, N), recon)
        file["reconstruction_rss"] = truth[None, N // 2 : -N // 2].astype(np.float32)
    return path, kspace, truth[N // 2 : -N // 2]


def test_oversampled_readout(tmp_path):
    """The picture is the middle of the one of all k-space, by plain transforms."""
    path, kspace, truth = fastmri(tmp_path / "a.h5", undersampled=False)
    measurement = io.load(path)
    assert any("the picture is 32 x 32, k-space is 64 x 32" in note for note in measurement.notes)
    problem = measurement.problem()
    assert problem.A.domain_shape == (N, N) and error(problem, truth) < 0.02
    full = measurement.problem(image_shape=(2 * N, N))
    assert full.A.domain_shape == (2 * N, N) and np.allclose(full.y[0, 0].numpy(), kspace)
    assert np.allclose(
        np.linalg.norm(transform_back(problem.y[0, 0].numpy()), axis=0),
        np.linalg.norm(transform_back(kspace), axis=0)[N // 2 : -N // 2],
        atol=1e-5,
    )
    again = io.open_source(full.source)
    assert np.array_equal(again.y, full.y)


def transform_back(k, axes=(-2, -1)):
    return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(k, axes=axes), norm="ortho"), axes=axes)


def test_undersampled_columns_stay(tmp_path):
    path, _, truth = fastmri(tmp_path / "a.h5", recon=(N, N // 2))
    measurement = io.load(path)
    assert any("undersampled, the columns cannot be made fewer" in note for note in measurement.notes)
    problem = measurement.problem()
    assert problem.A.domain_shape == (N, N)
    for shape, words in (((N, N // 2), "undersampled along them"), ((4 * N, N), "as many or fewer")):
        with pytest.raises(InputError, match=words):
            measurement.problem(image_shape=shape)
    assert np.allclose(io.read_truth(path, problem.source), truth, atol=1e-6)


# ---- ISMRMRD --------------------------------------------------------------------------------------------------------


def write_raw(path, kspace, *, encoded=None, recon=None, repeat=1, asymmetric=0, trajectory="cartesian"):
    """With the library of the format; rows are phase-encoding steps."""
    ismrmrd = pytest.importorskip("ismrmrd")
    slices, count, rows, columns = kspace.shape
    with ismrmrd.Dataset(str(path), create_if_needed=True) as dataset:
        dataset.write_xml_header(header(encoded or (columns, rows), recon or (columns, rows), trajectory).encode())
        noise = ismrmrd.Acquisition()
        noise.resize(columns, count)
        noise.data[:] = 100
        noise.set_flag(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)
        dataset.append_acquisition(noise)
        for s in range(slices):
            for _ in range(repeat):
                for row in np.random.default_rng(0).permutation(rows):
                    acquisition = ismrmrd.Acquisition()
                    acquisition.resize(columns - asymmetric, count)
                    acquisition.center_sample = columns // 2 - asymmetric
                    acquisition.idx.kspace_encode_step_1, acquisition.idx.slice = int(row), s
                    acquisition.data[:] = kspace[s, :, row, asymmetric:]
                    dataset.append_acquisition(acquisition)
    return path


def test_raw_data(tmp_path):
    kspace, truth = coils()
    stack = np.stack([kspace, 2 * kspace])
    measurement = io.load(write_raw(tmp_path / "a.h5", stack, repeat=2))
    assert any("1 acquisitions of noise" in note for note in measurement.notes)
    assert any("averaged" in note for note in measurement.notes)
    for i in range(2):
        problem = measurement.problem(slice=i)
        assert np.allclose(problem.y[0, 0].numpy(), stack[i], atol=1e-6)
        assert error(problem, (i + 1) * truth) < 0.02


def test_raw_data_of_an_oversampled_readout_and_an_asymmetric_echo(tmp_path):
    kspace, truth = coils(4, (2 * N, N))
    path = write_raw(tmp_path / "a.h5", kspace.swapaxes(1, 2)[None], recon=(N, N))
    problem = io.read_measurement(path)
    assert problem.A.domain_shape == (N, N) and error(problem, truth[N // 2 : -N // 2].T) < 0.02
    kspace, _ = coils(1)
    found = io.load(write_raw(tmp_path / "b.h5", kspace[None], asymmetric=6))
    y = found.problem().y[0, 0].numpy()
    assert np.array_equal(y[..., 6:], kspace[..., 6:]) and not y[..., :6].any()


def test_a_trajectory_that_is_not_there_is_refused(tmp_path):
    path = write_raw(tmp_path / "a.h5", coils(1)[0][None], trajectory="radial")
    with pytest.raises(InputError, match=r"'radial' trajectory of 0 dimension"):
        io.load(path)


def rewrite_heads(path, change):
    """Change heads and samples ``[coils, samples]`` of all acquisitions but the noise."""
    with h5py.File(path, "a") as file:
        records = file["dataset/data"][()]
        for k, record in enumerate(records[1:]):
            coils = record["head"]["active_channels"]
            line = record["data"].view(np.complex64).reshape(coils, -1)
            record["data"] = np.ascontiguousarray(change(k, record["head"], line)).view(np.float32).ravel()
        file["dataset/data"][...] = records
    return path


def test_raw_data_measured_backwards_or_with_samples_to_discard(tmp_path):
    kspace, _ = coils(2)

    def back(k, head, line):
        head["flags"] |= (k % 2) << 21
        return line[:, ::-1] if k % 2 else line

    def padded(k, head, line):
        head["number_of_samples"], head["center_sample"] = N + 5, N // 2 + 3
        head["discard_pre"], head["discard_post"] = 3, 2
        return np.pad(line, ((0, 0), (3, 2)), constant_values=99)

    def both(k, head, line):
        return padded(k, head, back(k, head, line)) if k % 2 == 0 else back(k, head, line)

    for name, change in (("back", back), ("padded", padded), ("both", both)):
        found = io.load(rewrite_heads(write_raw(tmp_path / f"{name}.h5", kspace[None]), change))
        assert np.array_equal(found.problem().y[0, 0].numpy(), kspace), name
        assert any(word in note for note in found.notes for word in ("backwards", "discarded"))


def test_backwards_and_off_the_centre_is_refused(tmp_path):
    def back(k, head, line):
        head["flags"] |= 1 << 21
        return line

    path = rewrite_heads(write_raw(tmp_path / "a.h5", coils(1)[0][None], asymmetric=6), back)
    with pytest.raises(InputError, match="measured backwards of 26 of 32 samples, off the centre"):
        io.load(path)


@pytest.mark.parametrize("center", [0, 1])
def test_the_step_at_the_centre_of_the_third_direction(tmp_path, center):
    """Of two planes, zero frequency is the second; else a plane would lie outside."""

    def third(k, head, line):
        head["idx"]["kspace_encode_step_2"], head["idx"]["slice"] = head["idx"]["slice"], 0
        return line

    kspace, _ = coils(1)
    path = rewrite_heads(write_raw(tmp_path / "a.h5", np.stack([0 * kspace, kspace])), third)
    limits = f"<encodingLimits><kspace_encoding_step_2><center>{center}</center></kspace_encoding_step_2>"
    with h5py.File(path, "a") as file:
        file["dataset/xml"][0] = file["dataset/xml"][0].replace(b"<encodingLimits>", limits.encode())
    if center == 1:
        assert np.allclose(io.load(path).problem(slice=0).y[0, 0].numpy(), kspace / np.sqrt(2), atol=1e-6)
    else:
        with pytest.raises(InputError, match="does not fit"):
            io.load(path)


def test_what_is_no_line_of_the_picture_is_left_out(tmp_path):
    """Coil correction, phase stabilisation, other encoding spaces; calibration that is part of the picture stays."""
    kspace, _ = coils(2)
    same = lambda k, head, line: line  # noqa: E731
    for name, bits, space in (("coil", 29, 0), ("reference", 30, 0), ("phase", 31, 0), ("space", 0, 1)):
        path = rewrite_heads(write_raw(tmp_path / f"{name}.h5", kspace[None], repeat=2), same)

        def other(k, head, line, bits=bits, space=space):
            if k < N:
                return line
            head["flags"] |= (1 << bits - 1) if bits else 0
            head["encoding_space_ref"] = space
            return line + 100

        found = io.load(rewrite_heads(path, other))
        assert np.array_equal(found.problem().y[0, 0].numpy(), kspace), name
        assert any("left out" in note and f"{N + (bits > 0)} acq" in note for note in found.notes)

    def calibration(k, head, line):
        head["flags"] |= (1 << 19) | (1 << 20)
        return line

    path = rewrite_heads(write_raw(tmp_path / "acs.h5", kspace[None]), calibration)
    assert np.array_equal(io.load(path).problem().y[0, 0].numpy(), kspace)


@pytest.mark.parametrize("recon", [(2 * N, 2 * N), (N // 2, N), (N, N)])
def test_a_scanners_picture_of_other_pixels(tmp_path, recon):
    """Its field of view tells how many pixels of k-space it covers, not its matrix."""
    kspace, truth = coils(4, (2 * N, N))
    path = write_raw(tmp_path / "a.h5", kspace.swapaxes(1, 2)[None], recon=recon)
    with h5py.File(path, "a") as file:
        text = file["dataset/xml"][0]
        for word, x, y in ((b"encodedSpace", 2 * N, N), (b"reconSpace", N, N)):
            text = re.sub(
                rb"(<%b>.*?<fieldOfView_mm>).*?(</fieldOfView_mm>)" % word,
                rb"\g<1><x>%d</x><y>%d</y><z>5</z>\g<2>" % (x, y),
                text,
                flags=re.DOTALL,
            )
        file["dataset/xml"][0] = text
    found = io.load(path)
    problem = found.problem()
    assert problem.A.domain_shape == (N, N) and error(problem, truth[N // 2 : -N // 2].T) < 0.02
    assert any("others than k-space" in note for note in found.notes) == (recon != (N, N))
