"""MRC tilt series with the angles that lie beside them; DICOM and NIfTI as pictures."""

import mrcfile
import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

from .files import angles, sinogram

SERIES = sinogram().swapaxes(0, 1)  # [tilts, rows, bins]


def series(path, data=SERIES):
    with mrcfile.new(path) as file:
        file.set_data(data)
        file.set_image_stack()
    return path


@pytest.mark.parametrize("beside", ["a.rawtlt", "a.tlt", "a.mrc.mdoc"])
def test_tilt_series(tmp_path, beside):
    path = series(tmp_path / "a.mrc")
    lines = [f"[ZValue = {i}]\nTiltAngle = {a}\n" if "mdoc" in beside else f"{a:.2f}\n" for i, a in enumerate(angles())]
    (tmp_path / beside).write_text("".join(lines))
    found = io.load(path)
    assert found.missing == () and np.allclose(found.angles_deg, angles())
    problem = found.problem(slice="all")
    assert np.array_equal(problem.y[:, 0].numpy(), sinogram())
    assert any(beside in note for note in found.notes)
    assert np.array_equal(io.open_source(problem.source).y, problem.y)


def test_whole_numbers_and_no_angles(tmp_path):
    path = series(tmp_path / "a.st", (1000 * SERIES).astype(np.int16))
    assert io.load(path).missing == ("angles_deg",)
    y = io.read_measurement(path, angles_deg=angles(), slice=0).y
    assert np.array_equal(y[0, 0].numpy(), (1000 * sinogram()[0]).astype(np.int16))


def test_damaged(tmp_path):
    whole = series(tmp_path / "a.mrc").read_bytes()
    (tmp_path / "b.mrc").write_bytes(whole[:3000])
    with pytest.raises(InputError):
        io.read_measurement(tmp_path / "b.mrc", angles_deg=angles())


def test_a_picture_in_mrc(tmp_path):
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(sinogram()[0])
    assert np.array_equal(io.image_from_file(tmp_path / "a.mrc")[0], sinogram()[0])
    image, notes = io.image_from_file(series(tmp_path / "b.mrc"))
    assert np.array_equal(image, SERIES[10]) and "middle one of 20" in notes[0]


def test_dicom(tmp_path):
    stored = (1000 * sinogram()[0]).astype(np.uint16)
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, pydicom.uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    data = pydicom.Dataset()
    data.file_meta = meta
    data.Modality, data.SOPClassUID, data.SOPInstanceUID = "CT", meta.MediaStorageSOPClassUID, generate_uid()
    data.Rows, data.Columns, data.SamplesPerPixel = (*stored.shape, 1)
    data.PhotometricInterpretation, data.PixelRepresentation = "MONOCHROME2", 0
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.RescaleSlope, data.RescaleIntercept = 15, 2, -1024
    data.PixelData = stored.tobytes()
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    image, notes = io.image_from_file(tmp_path / "a.dcm")
    assert np.array_equal(image, 2 * stored.astype(float) - 1024) and "HU" in notes[0]
    with pytest.raises(InputError, match="a picture, not a measurement"):
        io.load(tmp_path / "a.dcm")
    for gone, values in (("RescaleIntercept", 2.0 * stored), ("RescaleSlope", stored)):
        del data[gone]
        data.save_as(tmp_path / "b.dcm", enforce_file_format=True)
        assert np.array_equal(io.image_from_file(tmp_path / "b.dcm")[0], values)
    data.RescaleIntercept = -5
    data.save_as(tmp_path / "b.dcm", enforce_file_format=True)
    assert np.array_equal(io.image_from_file(tmp_path / "b.dcm")[0], stored - 5.0)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_nifti(tmp_path, name):
    volume = np.random.default_rng(0).standard_normal((12, 14, 5)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / name)
    image, notes = io.image_from_file(tmp_path / name)
    assert np.array_equal(image, volume[:, :, 2].T[::-1]) and "middle one of 5" in notes[0]
    with pytest.raises(InputError, match="a picture, not a measurement"):
        io.load(tmp_path / name)
