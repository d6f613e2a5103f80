"""K-space in the two files of BART; the oracle are NumPy's centred, unitary transforms."""

import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

RANDOM = np.random.default_rng(0)


def write(path, array, dims=16):
    """``array`` has BART's axes in their order; the first runs fastest in the file."""
    array = np.asarray(array, np.complex64)
    sizes = array.shape + (1,) * (dims - array.ndim)
    path.with_suffix(".hdr").write_text("# Dimensions\n" + " ".join(map(str, sizes)) + " \n# Command\nphantom -k\n")
    path.with_suffix(".cfl").write_bytes(array.tobytes(order="F"))
    return path


def noise(*shape):
    return RANDOM.standard_normal(shape) + 1j * RANDOM.standard_normal(shape)


def ortho(image, axes=(0, 1)):
    return np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(image, axes=axes), axes=axes, norm="ortho"), axes=axes)


@pytest.mark.parametrize("suffix", [".cfl", ".hdr"])
@pytest.mark.parametrize("dims", [4, 16])
def test_one_coil(tmp_path, suffix, dims):
    image = noise(12, 16)
    path = write(tmp_path / "ksp", ortho(image)[:, :, None, None], dims).with_suffix(suffix)
    problem = io.read_measurement(path)
    assert problem.A.range_shape[-2:] == (12, 16)
    assert np.allclose(problem.A.T(problem.y)[0, 0].numpy(), image, atol=1e-5)
    assert np.array_equal(io.open_source(problem.source).y, problem.y)


def test_coils_slices_and_what_was_not_measured(tmp_path):
    kspace = noise(16, 20, 1, 3)
    kspace[:, [0, 2, 18]] = 0
    stack = np.zeros((16, 20, 1, 3, *(1,) * 9, 2), complex)
    stack[..., 0], stack[..., 1] = kspace.reshape(stack.shape[:-1]), 2 * kspace.reshape(stack.shape[:-1])
    write(tmp_path / "ksp", stack)
    found = io.load(tmp_path / "ksp.cfl")
    assert len(found.data) == 2
    y = found.problem(slice=1).y
    assert found.problem(slice=1).A.sampled.float().mean() == pytest.approx(17 / 20)
    assert np.allclose(np.squeeze(y.numpy()), 2 * kspace[:, :, 0].transpose(2, 0, 1), atol=1e-5)


def test_a_second_phase_becomes_slices(tmp_path):
    volume = noise(12, 16, 5)
    write(tmp_path / "ksp", ortho(volume, (0, 1, 2))[..., None])
    for index in (0, 3):
        problem = io.read_measurement(tmp_path / "ksp.hdr", slice=index)
        assert np.allclose(problem.A.T(problem.y)[0, 0].numpy(), volume[:, :, index], atol=1e-5)
    half = ortho(volume, (0, 1, 2))
    half[:, ::2, 1] = 0
    write(tmp_path / "half", half[..., None])
    with pytest.raises(InputError, match="undersampled along its second phase"):
        io.load(tmp_path / "half.cfl")


def test_what_is_no_cartesian_kspace(tmp_path):
    write(tmp_path / "radial", noise(1, 64, 20, 2))
    with pytest.raises(InputError, match="trajectory"):
        io.load(tmp_path / "radial.cfl")
    write(tmp_path / "echoes", noise(8, 8, 1, 1, 1, 3))
    with pytest.raises(InputError, match=r"several entries along echo \(3\)"):
        io.load(tmp_path / "echoes.cfl")
    path = write(tmp_path / "cut", noise(8, 8))
    path.with_suffix(".cfl").write_bytes(path.with_suffix(".cfl").read_bytes()[:-8])
    with pytest.raises(InputError, match=r"has 504 bytes, but cut.hdr says 8 x 8 .* 512 bytes"):
        io.load(tmp_path / "cut.cfl")
    path.with_suffix(".hdr").write_text("# Dimensions\n8 -8\n")
    with pytest.raises(InputError, match="positive numbers"):
        io.load(tmp_path / "cut.cfl")
    path.with_suffix(".hdr").unlink()
    with pytest.raises(InputError, match=r"cut.hdr does not exist"):
        io.load(tmp_path / "cut.cfl")
