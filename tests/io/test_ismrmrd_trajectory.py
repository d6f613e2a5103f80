"""ISMRM raw data along radial and other trajectories, written with the library of the format."""

import re

import h5py
import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.phantom import shepp_logan
from napari_mlpatch.io.readers.ismrmrd_trajectory import _unit
from napari_mlpatch.operators.coil_maps import simulated_coils

from .test_kspace_files import header

ismrmrd = pytest.importorskip("ismrmrd")
SHAPE = (32, 40)


def samples(omega, coils=1, shape=SHAPE):
    """Fourier sums of a picture, term by term: [coils, spokes, readout], and the picture."""
    picture = np.zeros(shape)
    picture[: min(shape), : min(shape)] = shepp_logan(min(shape))
    maps = simulated_coils(coils, shape) if coils > 1 else np.ones((1, *shape))
    r, c = (np.arange(n) - n // 2 for n in shape)
    down, across = np.exp(-1j * omega[..., 0, None] * r), np.exp(-1j * omega[..., 1, None] * c)
    found = np.einsum("spr,krc,spc->ksp", down, maps * picture, across, optimize=True)
    return found / np.sqrt(picture.size), picture


def radial(spokes=60, readout=80):
    angle = np.arange(spokes)[:, None] * np.pi / spokes
    k = (np.arange(readout) - readout // 2) * (2 * np.pi / readout)
    return np.stack([np.sin(angle) * k, np.cos(angle) * k], -1)


def write(path, data, k, recon=None, kind="radial", encoded=(SHAPE[1], SHAPE[0]), third=None, discard=0):
    """``data`` [slices, coils, spokes, readout], ``k`` [spokes, readout, 2], x first."""
    with ismrmrd.Dataset(str(path), create_if_needed=True) as dataset:
        dataset.write_xml_header(header(encoded, recon or encoded, kind).encode())
        for s, one in enumerate(data):
            for spoke in range(one.shape[1]):
                acquisition = ismrmrd.Acquisition()
                acquisition.resize(one.shape[2], one.shape[0], 2 if third is None else 3)
                acquisition.idx.slice, acquisition.discard_pre = s, discard
                acquisition.data[:], acquisition.traj[..., :2] = one[:, spoke], k[spoke]
                if third is not None:
                    acquisition.traj[..., 2] = np.broadcast_to(third, k.shape[:2])[spoke]
                dataset.append_acquisition(acquisition)
    return path


@pytest.mark.parametrize(
    ("factor", "words"),
    [(1 / (2 * np.pi), "cycles per pixel"), (SHAPE[1] / (2 * np.pi), "cycles per field of view"), (1, "radians per")],
)
def test_units(tmp_path, factor, words):
    omega = radial()
    data, picture = samples(omega)
    measurement = io.load(write(tmp_path / "a.h5", data[None], factor * omega[..., ::-1]))
    assert measurement.kind == "mri-noncartesian" and any(words in note for note in measurement.notes)
    problem = measurement.problem()
    assert problem.A.domain_shape == SHAPE and np.allclose(problem.y[0, 0].numpy(), data, atol=1e-5)
    x = torch.from_numpy(picture)[None, None].to(torch.complex64)
    assert torch.linalg.vector_norm(problem.A(x) - problem.y) < 1e-3 * torch.linalg.vector_norm(problem.y)
    result = mp.reconstruct(problem, mp.methods.Tikhonov(weight=1e-3, iterations=30)).x[0, 0].abs().numpy()
    assert np.linalg.norm(result - picture) < 0.2 * np.linalg.norm(picture)
    again = io.open_source(problem.source)
    assert torch.equal(again.y, problem.y) and again.A == problem.A


@pytest.mark.parametrize(("scale", "words"), [(1.0, "cycles per mm"), (1000.0, "cycles per m,")])
def test_units_of_length(tmp_path, scale, words):
    """Of pixels of 8 mm the finest detail is at 1 / 16 cycles per mm, which was taken for cycles per pixel."""
    omega = radial()
    data, _ = samples(omega)
    path = write(tmp_path / "a.h5", data[None], omega[..., ::-1] / (2 * np.pi * 8) * scale)
    with h5py.File(path, "a") as file:
        text = file["dataset/xml"][0]
        file["dataset/xml"][0] = re.sub(rb"(fieldOfView_mm><x>)\d+", rb"\g<1>%d" % (8 * SHAPE[1]), text)
    found = io.load(path)
    assert any(words in note for note in found.notes)
    assert np.allclose(found.problem().A.omega.reshape(omega.shape), omega, atol=1e-6)
    path = write(tmp_path / "b.h5", data[None], omega[..., ::-1] / (2 * np.pi * 8))  # of pixels of 1 mm
    with pytest.raises(InputError, match="Its unit cannot be told"):
        io.load(path)


@pytest.mark.parametrize(
    ("largest", "pixel_mm", "factor", "words"),
    [
        (0.45, 1.1, 2 * np.pi, "cycles per pixel.*also be in cycles per mm"),
        (0.25, 2.0, 2 * np.pi, "cycles per pixel.*cycles per mm .2 times"),
        (0.5, 1.0, 2 * np.pi, "cycles per pixel[^;]*$"),
        (0.1, 0.0, 2 * np.pi, "cycles per pixel[^;]*$"),
        (0.02, 25.0, 50 * np.pi, "cycles per mm[^;]*$"),
        (3.0, 0.165, 1.0, "radians per pixel.*cycles per mm"),
        (63.0, 1.0, 2 * np.pi / 128, "cycles per field of view[^;]*$"),
        (500.0, 1.0, 2e-3 * np.pi, "cycles per m,[^;]*$"),
    ],
)
def test_units_of_pixels_come_before_those_of_length(tmp_path, largest, pixel_mm, factor, words):
    found, told = _unit(tmp_path, np.array([[[largest, 0.0]]]), (128, 128, 1), pixel_mm)
    assert found == pytest.approx(factor) and re.match(words, told)


def test_weights_that_differ_between_readouts(tmp_path):
    """They are kz of a stack where the header says that it has three dimensions."""
    omega = radial()
    k, weights = omega[..., ::-1] / (2 * np.pi), np.linspace(0.5, 1.0, len(omega))[:, None]
    path = write(tmp_path / "a.h5", samples(omega)[0][None], k, third=weights)
    assert np.allclose(io.load(path).problem().A.omega.reshape(omega.shape), omega, atol=1e-6)
    with h5py.File(path, "a") as file:
        file["dataset/xml"][0] = file["dataset/xml"][0].replace(b"<z>1</z></matrixSize>", b"<z>8</z></matrixSize>")
    with pytest.raises(InputError, match="three-dimensional"):
        io.load(path)


def test_stacks_of_trajectories_are_refused(tmp_path):
    omega = radial()
    data, _ = samples(omega)
    k = omega[..., ::-1] / (2 * np.pi)
    path = write(tmp_path / "a.h5", np.stack([data, data]), k)
    with h5py.File(path, "a") as file:
        records = file["dataset/data"][()]
        records["head"]["idx"]["kspace_encode_step_2"] = records["head"]["idx"]["slice"]
        records["head"]["idx"]["slice"] = 0
        file["dataset/data"][...] = records
    with pytest.raises(InputError, match="stack of 'radial' trajectories, of 2 steps"):
        io.load(path)


def test_coils_slices_and_the_picture_of_the_header(tmp_path):
    omega = radial(90, 80)
    data, picture = samples(omega, coils=3)
    path = write(tmp_path / "a.h5", np.stack([data, 2 * data]), omega[..., ::-1] / (2 * np.pi), third=1.0)
    measurement = io.load(path)
    assert any("third dimension" in note for note in measurement.notes) and measurement.data.shape == (2, 90, 80)
    assert measurement.data[1].shape == (90, 80)
    one, two = (measurement.problem(slice=i) for i in (0, 1))
    assert torch.allclose(two.y, 2 * one.y) and one.A.range_shape == (3, 90, 80)
    x = mp.reconstruct(one, mp.methods.Tikhonov(weight=1e-3, iterations=30)).x[0, 0].abs().numpy()
    assert np.linalg.norm(x - picture) < 0.2 * np.linalg.norm(picture)
    smaller = measurement.problem(slice=0, image_shape=(32, 32))
    assert smaller.A.domain_shape == (32, 32)
    path = write(tmp_path / "b.h5", data[None], omega[..., ::-1] / (2 * np.pi), recon=(20, 16), discard=4)
    found = io.load(path)
    assert found.problem().A.domain_shape == (16, 20) and found.data.shape == (1, 90, 76)
    assert any("76 of 80 left" in note for note in found.notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"factor": 1.0 / np.pi}, "unit cannot be told"),
        ({"third": np.linspace(-0.5, 0.5, 80)}, "three-dimensional"),
        ({"nan": True}, "NaN"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, change, words):
    k = radial()[..., ::-1] * change.get("factor", 1 / (2 * np.pi))
    if "nan" in change:
        k[3, 4] = np.nan
    path = write(tmp_path / "a.h5", np.ones((1, 1, 60, 80), np.complex64), k, third=change.get("third"))
    with pytest.raises(InputError, match=words):
        io.load(path)


def test_other_options_are_refused(tmp_path):
    path = write(tmp_path / "a.h5", np.ones((1, 1, 60, 80), np.complex64), radial()[..., ::-1] / (2 * np.pi))
    for options, words in (({"center": 3}, "only slice and image_shape"), ({"slice": 4}, "from 0 to 0")):
        with pytest.raises(InputError, match=words):
            io.load(path).problem(**options)


def test_the_command_reads_it(tmp_path, monkeypatch, capsys):
    from napari_mlpatch.cli import main

    monkeypatch.chdir(tmp_path)
    omega = radial(40, 48)
    write(tmp_path / "a.h5", samples(omega, coils=2)[0][None], omega[..., ::-1] / (2 * np.pi))
    method = ["--method", "tikhonov", "--set", "iterations=2"]
    assert main(["reconstruct", "a.h5", *method, "--image-shape", "32x32", "--out", "x.tif"]) == 0
    assert io.read_image("x.tif")[0].shape == (32, 32) and "cycles per pixel" in capsys.readouterr().err
    assert main(["replay", "x.tif", "--out", "y.tif"]) == 0
    assert np.array_equal(io.read_image("x.tif")[0], io.read_image("y.tif")[0])
