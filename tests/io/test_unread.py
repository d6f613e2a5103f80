"""What a file has but cannot be read is named: angles behind dead links, lists of another length, headers, records."""

import h5py
import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

from .files import angles, sinogram


@pytest.mark.parametrize(
    ("link", "why"), [(h5py.SoftLink("/nowhere"), "'/nowhere'"), (h5py.ExternalLink("gone.h5", "/x"), "'gone.h5'")]
)
def test_angles_behind_a_dead_link(tmp_path, link, why):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["sinogram"], file["theta"], file["center"] = sinogram()[0], link, link
    with pytest.raises(InputError, match=f"does not say at which angles .*'theta' is .*{why}"):
        io.read_measurement(tmp_path / "a.h5")
    problem = io.read_measurement(tmp_path / "a.h5", angles_deg=angles())
    assert problem.A.center is None or problem.A.center == 15.5
    assert any(note.startswith("not read: 'center'") for note in io.load(tmp_path / "a.h5").notes)


@pytest.mark.parametrize("suffix", [".rawtlt", ".tlt", ".mdoc"])
def test_tilts_of_another_number(tmp_path, suffix):
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(sinogram().swapaxes(0, 1).copy())
    line = "TiltAngle = {}\n" if suffix == ".mdoc" else "{}\n"
    (tmp_path / f"a{suffix}").write_text("".join(line.format(3 * k) for k in range(7)))
    with pytest.raises(InputError, match=rf"does not say .*\(a{suffix} holds 7 angles for 20 pictures\)"):
        io.read_measurement(tmp_path / "a.mrc")


@pytest.mark.parametrize("header", ["hello", "<encoding><reconSpace></reconSpace></encoding>"])
def test_a_header_that_does_not_say_the_size_of_the_picture(tmp_path, header):
    k = np.random.default_rng(0).normal(size=(2, 1, 32, 16)).astype(np.complex64)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kspace"], file["ismrmrd_header"] = k, header
    assert any("does not say how large the picture is" in note for note in io.load(tmp_path / "a.h5").notes)


def test_records_of_other_fields_are_named(tmp_path):
    k = np.zeros((16, 16), [("x", "f4"), ("y", "f4")])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kspace"], file["name"] = k, "x"
    with pytest.raises(InputError, match=r"records of several fields .'kspace'.*real and imag"):
        io.load(tmp_path / "a.h5")
    k = np.zeros((16, 16), [("real_part", "f4"), ("imag_part", "f4")])
    k["real_part"], k["imag_part"] = np.random.default_rng(0).normal(size=(2, 16, 16))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["kspace"] = k
    y = io.read_measurement(tmp_path / "b.h5").y.numpy()[0, 0, 0]
    assert np.array_equal(y, k["real_part"] + 1j * k["imag_part"])


@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1e25])
def test_where_zero_frequency_is_does_not_hang_on_the_unit(tmp_path, scale):
    r, c = np.mgrid[-16:16, -12:12]
    k = (np.exp(-(r**2 + c**2) / 30 + 1j * r) * scale).astype(np.complex64)
    for name, moved in (("middle", k), ("corner", np.fft.ifftshift(k))):
        np.save(tmp_path / f"{name}.npy", moved)
        found = any("is zero frequency there?" in note for note in io.load(tmp_path / f"{name}.npy").notes)
        assert found == (name == "corner")
