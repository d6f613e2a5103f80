"""Damaged files of the kinds that ``test_fuzz`` leaves out: with it, every format that is declared is mutated."""

import gzip
import os
import shutil
from datetime import timedelta

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.formats import FORMATS, format_of

from . import test_fuzz
from .files import angles, sinogram
from .test_fuzz import damaged, read_as_measurement
from .test_hdf5 import write_nxtomo


def write_netcdf(path):
    with scipy.io.netcdf_file(path, "w") as file:
        for name, values, axes in (("sinogram", sinogram()[0], "ab"), ("theta", angles(), "a")):
            for axis, n in zip(axes, values.shape, strict=True):
                file.dimensions.get(axis) or file.createDimension(axis, n)
            file.createVariable(name, "f4", tuple(axes))[:] = values


def write_packed_fits(path):
    fits.PrimaryHDU(sinogram()).writeto(path.with_suffix(""), overwrite=True)
    path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))


def write_tiles(path):
    counts = (1000 * sinogram()).astype(np.int32)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(counts, compression_type="RICE_1")]).writeto(path)


def write_png(path):
    Image.fromarray((1000 * sinogram()[0]).astype(np.uint16)).save(path)


def write_lzw(path):
    Image.fromarray(sinogram()[0]).save(path, compression="tiff_lzw")


def write_imagej(path):
    calibration = "ImageJ=1.53\nimages=1\ncf=0\nc0=-32768.0\nc1=1.0\nvunit=gray value\n"
    tifffile.imwrite(path, (100 * sinogram()[0]).astype(np.uint16), description=calibration, metadata=None)


def write_virtual(path):
    with h5py.File(path, "w") as file:
        file["parts/one"], file["theta"] = sinogram()[0], angles()
        layout = h5py.VirtualLayout(sinogram()[0].shape, "f4")
        layout[:] = h5py.VirtualSource(".", "parts/one", shape=sinogram()[0].shape)
        file.create_virtual_dataset("sinogram", layout)
        file["links/soft"] = h5py.SoftLink("/sinogram")


def write_packed_nifti(path):
    nibabel = pytest.importorskip("nibabel")
    nibabel.Nifti1Image(sinogram()[0], np.eye(4)).to_filename(path)


def write_mdoc(path):
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(path.with_name("tilts.mrc"), overwrite=True) as file:
        file.set_data(sinogram().swapaxes(0, 1).copy())
    path.write_text("".join(f"[ZValue = {k}]\nTiltAngle = {a}\n" for k, a in enumerate(angles())))


def read_beside_mdoc(path):
    shutil.copy(path, path.with_name("tilts.mrc.mdoc"))
    return read_as_measurement(path.with_name("tilts.mrc"))


def read_in_a_folder(path):
    """A page of a folder of pictures; the others are whole."""
    place = path.parent / "pages"
    place.mkdir(exist_ok=True)
    for k in range(4):
        tifffile.imwrite(place / f"page{k}.tif", sinogram()[0])
    shutil.copy(path, place / "page2.tif")
    return io.load(place).data[2]


def write_netcdf_picture(path):
    with scipy.io.netcdf_file(path, "w") as file:
        for axis, n in zip("ab", sinogram()[0].shape, strict=True):
            file.createDimension(axis, n)
        file.createVariable("picture", "f4", ("a", "b"))[:] = sinogram()[0]


def write_h5_picture(path):
    with h5py.File(path, "w") as file:
        file["picture"] = sinogram()[0]


def write_page(path):
    tifffile.imwrite(path, sinogram()[0])


FILES = {
    "netcdf": (write_netcdf, ".nc", read_as_measurement),
    "fits.gz": (write_packed_fits, ".fits.gz", read_as_measurement),
    "tiles": (write_tiles, ".fits", read_as_measurement),
    "png": (write_png, ".png", read_as_measurement),
    "lzw": (write_lzw, ".tif", read_as_measurement),
    "imagej": (write_imagej, ".tif", read_as_measurement),
    "nxtomo": (write_nxtomo, ".nxs", read_as_measurement),
    "virtual": (write_virtual, ".h5", read_as_measurement),
    "nifti.gz": (write_packed_nifti, ".nii.gz", io.image_from_file),
    "mdoc": (write_mdoc, ".mdoc", read_beside_mdoc),
    "folder": (write_page, ".tif", read_in_a_folder),
    "picture npz": (lambda path: np.savez_compressed(path, a=sinogram()[0]), ".npz", io.image_from_file),
    "picture mat": (lambda path: scipy.io.savemat(path, {"a": sinogram()[0]}), ".mat", io.image_from_file),
    "picture nc": (write_netcdf_picture, ".nc", io.image_from_file),
    "picture h5": (write_h5_picture, ".h5", io.image_from_file),
    "picture ome": (lambda path: io.write_image(path, sinogram()[0], {"method": "tv"}), ".ome.tif", io.read_image),
    "picture fits": (lambda path: io.write_image(path, sinogram()[0], {"method": "tv"}), ".fits", io.read_image),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("valid")
    for name, (write, suffix, _) in FILES.items():
        write(place / f"{name}{suffix}")
    return place


@pytest.mark.parametrize("name", FILES)
@settings(
    max_examples=int(os.environ.get("FUZZ", "40")),
    deadline=timedelta(seconds=20),
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_damaged_files(name, folder, data):
    _, suffix, read = FILES[name]
    path = folder / f"damaged {name}{suffix}"
    path.write_bytes(damaged(data, (folder / f"{name}{suffix}").read_bytes()))
    try:
        read(path)
    except InputError as error:
        assert len(str(error)) > 20


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_valid_before(name, folder):
    _, suffix, read = FILES[name]
    found = read(folder / f"{name}{suffix}")
    values = np.asarray(found[0] if isinstance(found, tuple) else found)
    assert values.size > 2 and np.isfinite(values).all() and np.abs(values).max() > 0


def test_every_format_is_mutated(folder, tmp_path):
    """Each row of the table of formats has a file here or in ``test_fuzz``."""
    mutated = {format_of(folder / f"{name}{suffix}").name for name, (_, suffix, _) in FILES.items() if name != "mdoc"}
    for name, (write, suffix, _) in test_fuzz.FILES.items():
        if name not in test_fuzz.MORE and not name.startswith("image "):
            write(tmp_path / f"{name}{suffix}")
            mutated.add(format_of(tmp_path / f"{name}{suffix}").name)
    assert mutated | {"folder"} == {kind.name for kind in FORMATS}
