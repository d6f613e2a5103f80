"""Damaged files either load or raise InputError: nothing else, no crash, no endless reading."""

import hashlib
import json
import os

import h5py
import numpy as np
import pytest
import scipy.io
import torch
from astropy.io import fits
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

from .files import angles, sinogram, write_exchange, write_mat, write_mat73, write_npz, write_tiff


def write_own(path):
    A = mp.operators.ParallelBeam(image_shape=(8, 8), angles_deg="0:180:6", detector_count=12)
    io.write_measurement(path, mp.simulate(torch.ones(8, 8), A, mp.noise.Gaussian(), seed=0))
    return path


def write_npy(path):
    np.save(path, sinogram()[0])
    return path


def read_as_measurement(path):
    measurement = io.load(path)
    if measurement.is_complete and measurement.stored is None:  # k-space
        return measurement.problem().y.numpy()
    options = {} if measurement.stored else {"slice": "all", "rebin": measurement.kind == "fan-beam"}
    if "angles_deg" in measurement.missing:
        options["angles_deg"] = np.arange(measurement.data.shape[1]) * 9.0
    if "flat" in measurement.missing:
        options["flat"] = 2000
    return measurement.problem(**options).y.numpy()


MEASUREMENTS = {
    "exchange": (write_exchange, ".h5"),
    "own": (write_own, ".h5"),
    "npy": (write_npy, ".npy"),
    "npz": (write_npz, ".npz"),
    "mat5": (write_mat, ".mat"),
    "mat5 plain": (lambda path: write_mat(path, compress=False), ".mat"),
    "mat73": (write_mat73, ".mat"),
    "tiff": (write_tiff, ".tif"),
}


# ---- files of other fields: FITS, k-space, electron tomography, medicine --------------------------------------------


def write_fits(path):
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(sinogram())]).writeto(path)


def write_catalogue(path):
    random = np.random.default_rng(0)
    columns = {name: random.uniform(0.001, 0.5, 300) for name in ("ra", "dec", "e1", "e2", "weight")}
    columns = [fits.Column(name, "E", array=values) for name, values in columns.items()]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(path)


def kspace():
    """[coils, rows, columns], zero frequency in the middle."""
    r, c = np.mgrid[-12:12, -12:12]
    k = 10 * np.exp(-(r**2 + c**2) / 30 + 1j * r)
    return np.stack([k, 0.5j * k]).astype(np.complex64)


def write_kspace(path):
    if path.suffix == ".npy":
        np.save(path, kspace())
    elif path.suffix == ".npz":
        np.savez(path, kspace_real=kspace().real, kspace_imag=kspace().imag)
    elif path.suffix == ".mat":
        scipy.io.savemat(path, {"kspace": np.moveaxis(kspace(), 0, -1)})
    else:
        with h5py.File(path, "w") as file:
            file["kspace"], file["mask"] = kspace()[None], np.ones(24, bool)


def write_cells(path):
    cells = np.empty((1, 2), object)
    cells[0] = [sinogram()[0], sinogram()[1]]
    scipy.io.savemat(path, {"sino": cells, "angles": angles()})


def write_ismrmrd(path):
    """As the library of the format lays it out, with a trajectory where the name says so."""
    radial = "radial" in path.name
    space = "<matrixSize><x>24</x><y>24</y><z>1</z></matrixSize>"
    xml = f"<encodedSpace>{space}</encodedSpace><reconSpace>{space}</reconSpace>"
    xml += f"<trajectory>{'radial' if radial else 'cartesian'}</trajectory>"
    numbers = ("flags", "number_of_samples", "active_channels", "center_sample", "trajectory_dimensions")
    index = [(name, "u2") for name in ("kspace_encode_step_1", "kspace_encode_step_2", "slice", "contrast", "phase")]
    index += [("repetition", "u2"), ("set", "u2")]
    head = [(name, "u8" if name == "flags" else "u2") for name in numbers] + [("idx", index)]
    kind = [("head", head), ("traj", h5py.vlen_dtype(np.float32)), ("data", h5py.vlen_dtype(np.float32))]
    lines = np.zeros(24, kind)
    for row in range(24):
        lines[row]["head"]["number_of_samples"], lines[row]["head"]["active_channels"] = 24, 2
        lines[row]["head"]["center_sample"], lines[row]["head"]["idx"]["kspace_encode_step_1"] = 12, row
        lines[row]["head"]["trajectory_dimensions"] = 2 * radial
        k = (np.arange(24) - 12) / 24
        spoke = np.stack([k * np.cos(row / 7.6), k * np.sin(row / 7.6)], -1) if radial else np.zeros(0)
        lines[row]["traj"] = spoke.astype(np.float32).ravel()
        lines[row]["data"] = np.ascontiguousarray(kspace()[:, row]).view(np.float32).ravel()
    with h5py.File(path, "w") as file:
        file["dataset/xml"] = [xml.encode()]
        file.create_dataset("dataset/data", data=lines)


def write_bart(path):
    path.with_suffix(".cfl").write_bytes(np.asfortranarray(kspace().T[:, :, None]).tobytes("F"))
    path.write_text("# Dimensions\n24 24 1 2 1\n")


def write_mrc(path):
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(path) as file:
        file.set_data(sinogram().swapaxes(0, 1).copy())


def write_dicom(path):
    pydicom = pytest.importorskip("pydicom")
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = "1.2.3"
    data.Rows, data.Columns = sinogram()[0].shape
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation, data.SamplesPerPixel = 15, 0, 1
    data.PhotometricInterpretation, data.RescaleSlope, data.RescaleIntercept = "MONOCHROME2", "0.001", "0"
    data.PixelData = np.round(1000 * sinogram()[0]).astype(np.uint16).tobytes()
    data.save_as(path, enforce_file_format=True)


def write_nifti(path):
    nibabel = pytest.importorskip("nibabel")
    nibabel.Nifti1Image(sinogram()[0], np.eye(4)).to_filename(path)


MEASUREMENTS |= {
    "fits": (write_fits, ".fits"),
    "catalogue": (write_catalogue, ".fits"),
    "kspace npy": (write_kspace, ".npy"),
    "kspace npz": (write_kspace, ".npz"),
    "kspace mat": (write_kspace, ".mat"),
    "kspace h5": (write_kspace, ".h5"),
    "cells": (write_cells, ".mat"),
    "ismrmrd": (write_ismrmrd, ".h5"),
    "ismrmrd radial": (write_ismrmrd, ".h5"),
    "bart": (write_bart, ".hdr"),
    "mrc": (write_mrc, ".mrc"),
}
RECIPE = {"method": "tv"}
IMAGES = {
    "image tiff": (lambda path: io.write_image(path, sinogram()[0], RECIPE), ".tif"),
    "image npy": (lambda path: io.write_image(path, sinogram()[0], RECIPE), ".npy"),
    "image h5": (lambda path: io.write_image(path, sinogram()[0], RECIPE), ".h5"),
    "image png": (lambda path: Image.fromarray((sinogram()[0] * 200).astype(np.uint8)).save(path), ".png"),
}
PICTURES = {"dicom": (write_dicom, ".dcm"), "nifti": (write_nifti, ".nii")}
FILES = {name: (*how, read_as_measurement) for name, how in MEASUREMENTS.items()}
FILES |= {name: (*how, io.read_image) for name, how in IMAGES.items()}
FILES |= {name: (*how, io.image_from_file) for name, how in PICTURES.items()}


def write_weights(path):
    from napari_mlpatch import networks, weights

    network = networks.build("dncnn", {"depth": 3, "width": 2})
    made = networks.describe(network)
    about = {"method": "denoiser", "architecture": made, "data": "none", "steps": 0, "seed": 0, "metrics": {}}
    noise = {"name": "gaussian", "params": {"sigma": [0.0, 0.3]}}
    weights.save(path.parent, network.state_dict(), name=path.stem, title="T", licence="none", noise=noise, **about)
    if path.suffix == ".json":
        path.with_suffix(".safetensors").rename(path.parent / "weights of a card.safetensors")


def read_weights(path):
    """With the hash of its card corrected, so that the damage reaches the reader of tensors."""
    from napari_mlpatch import networks, weights

    card = json.loads((path.parent / "weights.json").read_text())
    card["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(card))
    weights.files.size_of(path)
    network = networks.opened(weights.load(path))
    return np.concatenate([value.ravel().numpy() for value in network.state_dict().values()])


def read_card(path):
    from napari_mlpatch import weights

    card = weights.read_card(path)
    return np.array([len(" ".join(weights.facts(card))), card.noise_range is None, 1])


def write_checkpoint(path):
    torch.save({"model.0.weight": torch.rand(2, 1, 3, 3), "model.0.bias": torch.rand(2)}, path)


def read_pt(path):
    from napari_mlpatch.interop.checkpoint import read_checkpoint

    return np.concatenate([value.ravel().numpy() for value in read_checkpoint(path).values()])


def read_images_to_train(path):
    from napari_mlpatch.training import Files
    from napari_mlpatch.training.data import open_data

    return open_data(Files(paths=(str(path),), hold_out=0))[0].values.numpy()


def write_picture(path):
    Image.fromarray((sinogram()[0] * 200).astype(np.uint8)).convert("RGB").save(path)


MORE = {
    "weights": (write_weights, ".safetensors", read_weights),
    "card": (write_weights, ".json", read_card),
    "checkpoint": (write_checkpoint, ".pt", read_pt),
    "training npz": (write_npz, ".npz", read_images_to_train),
    **{f"training{suffix}": (write_picture, suffix, read_images_to_train) for suffix in (".png", ".jpg", ".bmp")},
}
FILES |= MORE
TEXT = {"angles": (lambda path: path.write_text("# angles\n0\n1.5\n3\n"), ".txt", io.read_angles)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Valid files, and the reader that gets their damaged copies."""
    place = tmp_path_factory.mktemp("valid")
    for name, (write, suffix, _) in {**FILES, **TEXT}.items():
        write(place / f"{name}{suffix}")
    return place


def damaged(data, content):
    """The content cut off, or with some bytes changed: half of the time near its beginning, where headers are."""
    content = bytearray(content)
    if data.draw(st.integers(0, 4)) == 0:
        return content[: data.draw(st.integers(0, len(content) - 1))]
    for _ in range(data.draw(st.sampled_from([1, 1, 2, 8]))):
        end = len(content) if data.draw(st.booleans()) else min(len(content), 1024)
        content[data.draw(st.integers(0, end - 1))] = data.draw(st.integers(0, 255))
    return content


@pytest.mark.parametrize("name", [*FILES, *TEXT])
@settings(max_examples=int(os.environ.get("FUZZ", "100")))
@given(data=st.data())
def test_damaged_files(name, folder, data):
    _, suffix, read = {**FILES, **TEXT}[name]
    path = folder / f"damaged {name}{suffix}"
    if name == "bart":
        path.with_suffix(".cfl").write_bytes((folder / f"{name}.cfl").read_bytes())
    path.write_bytes(damaged(data, (folder / f"{name}{suffix}").read_bytes()))
    try:
        read(path)
    except InputError as error:
        assert len(str(error)) > 20


@pytest.mark.parametrize("name", [*FILES, *TEXT])
def test_the_files_are_valid_before(name, folder):
    _, suffix, read = {**FILES, **TEXT}[name]
    found = read(folder / f"{name}{suffix}")
    values = np.asarray(found[0] if isinstance(found, tuple) else found)
    assert values.size > 2 and np.isfinite(values).all() and np.abs(values).max() > 0


@given(content=st.binary(max_size=300))
@example(content=b"\x89HDF\r\n\x1a\n")
@example(content=b"II*\0")
@example(content=b"PK\x03\x04")
@example(content=b"\x93NUMPY")
@example(content=b"MATLAB 5.0")
@settings(max_examples=50)
def test_arbitrary_bytes(content, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "arbitrary"
    path.write_bytes(content)
    for read in (io.load, io.read_image, io.image_from_file, io.read_measurement):
        with pytest.raises(InputError):
            read(path)
