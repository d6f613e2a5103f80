"""MRC tilt series with the angles that lie beside them; DICOM and NIfTI as pictures."""

import struct

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


def test_bytes_without_a_sign(tmp_path):
    """As IMOD wrote them for long: its mark, and no flag for signed ones; or the header's largest value."""
    stored = np.arange(256, dtype=np.uint8).reshape(16, 16)
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(stored.view(np.int8))
    content = bytearray((tmp_path / "a.mrc").read_bytes())
    for name, mark, flags, largest, found in (
        ("b", 1146047817, 0, 127, stored),
        ("c", 1146047817, 1, 127, stored.view(np.int8)),
        ("d", 0, 0, 255, stored),
        ("e", 0, 0, 127, stored.view(np.int8)),
    ):
        content[76:84], content[152:160] = struct.pack("<ff", 0, largest), struct.pack("<ii", mark, flags)
        (tmp_path / f"{name}.mrc").write_bytes(content)
        image, notes = io.image_from_file(tmp_path / f"{name}.mrc")
        assert np.array_equal(image, found), name
        assert any("without a sign" in note for note in notes) == (found is stored)


def test_mrc_says_what_is_wrong(tmp_path):
    path = series(tmp_path / "a.mrc")
    content = bytearray(path.read_bytes())
    (tmp_path / "b.mrc").write_bytes(content[:-100])
    with pytest.raises(InputError, match="breaks off"):
        io.load(tmp_path / "b.mrc")
    content[64:76] = struct.pack("<iii", 2, 1, 3)
    (tmp_path / "c.mrc").write_bytes(content)
    assert any("run along y, x, z" in note for note in io.image_from_file(tmp_path / "c.mrc")[1])
    content[12:16] = struct.pack("<i", 101)
    (tmp_path / "d.mrc").write_bytes(content)
    with pytest.raises(InputError, match=r"numbers of mode 101\. Modes 0, 1, 2, 6, 12 are read"):
        io.load(tmp_path / "d.mrc")


def dicom(path, stored, **tags):
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, pydicom.uid.EnhancedCTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    data = pydicom.Dataset()
    data.file_meta, data.Modality = meta, "CT"
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.Rows, data.Columns, data.SamplesPerPixel = (*stored.shape[-2:], 1)
    data.PhotometricInterpretation, data.PixelRepresentation = "MONOCHROME2", 0
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit = 15
    for name, value in tags.items():
        setattr(data, name, value)
    data.PixelData = stored.tobytes()
    data.save_as(path, enforce_file_format=True)
    return data


def test_dicom_frames_have_their_own_scale(tmp_path):
    """Files of many frames keep it in the groups of each frame, or of all; tables go before it."""

    def group(slope, intercept):
        inner, outer = pydicom.Dataset(), pydicom.Dataset()
        inner.RescaleSlope, inner.RescaleIntercept, inner.RescaleType = slope, intercept, "HU"
        outer.PixelValueTransformationSequence = [inner]
        return outer

    one = np.arange(600, dtype=np.uint16).reshape(20, 30)
    frames, path = np.stack([one, one + 7, one * 2]), tmp_path / "a.dcm"
    dicom(path, frames, NumberOfFrames=3, PerFrameFunctionalGroupsSequence=[group(1, 0), group(2, -9), group(3, 5)])
    image, notes = io.image_from_file(path)
    assert np.array_equal(image, 2.0 * (one + 7) - 9) and any("times 2 plus -9 HU" in note for note in notes)
    dicom(path, frames, NumberOfFrames=3, SharedFunctionalGroupsSequence=[group(0.5, 1)])
    assert np.array_equal(io.image_from_file(path)[0], 0.5 * (one + 7) + 1)
    table = pydicom.Dataset()
    table.add_new("LUTDescriptor", "US", [600, 0, 16])
    table.ModalityLUTType = "US"
    table.add_new("LUTData", "US", list(range(0, 1800, 3)))
    dicom(path, one, ModalityLUTSequence=[table])
    image, notes = io.image_from_file(path)
    assert np.array_equal(image, 3.0 * one) and any("table" in note for note in notes)


def test_dicom_pixels_that_are_not_square_and_no_preamble(tmp_path):
    one = np.arange(600, dtype=np.uint16).reshape(20, 30)
    dicom(tmp_path / "a.dcm", one, PixelSpacing=["0.5", "2"])
    assert any("0.5 x 2 mm" in note for note in io.image_from_file(tmp_path / "a.dcm")[1])
    dicom(tmp_path / "c.dcm", one, PresentationLUTShape="INVERSE")
    assert any("bright (PresentationLUTShape INVERSE)" in note for note in io.image_from_file(tmp_path / "c.dcm")[1])
    (tmp_path / "b.dcm").write_bytes((tmp_path / "a.dcm").read_bytes()[132:])
    assert np.array_equal(io.image_from_file(tmp_path / "b.dcm")[0], one)


def test_nifti_in_two_files(tmp_path):
    volume = np.random.default_rng(0).standard_normal((12, 14, 5)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Pair(volume, np.diag([0.5, 2, 1, 1])), tmp_path / "a.img")
    for name in ("a.img", "a.hdr"):
        image, notes = io.image_from_file(tmp_path / name)
        assert np.array_equal(image, volume[:, :, 2].T[::-1]) and any("2 x 0.5 mm" in note for note in notes)


def test_dicom_whose_preamble_looks_like_a_tiff(tmp_path):
    one = np.arange(12, dtype=np.uint16).reshape(3, 4)
    path = tmp_path / "a.dcm"
    dicom(path, one)
    content = path.read_bytes()
    path.write_bytes(b"II*\0\x54\x18\x08\0" + content[8:])  # as those have that may be opened as both
    assert np.array_equal(io.image_from_file(path)[0], one) and np.array_equal(io.read_image(path)[0], one)
    with pytest.raises(InputError, match="is a picture, not a measurement"):
        io.load(path)


def test_dicom_without_rows(tmp_path):
    path = tmp_path / "a.dcm"
    dicom(path, np.zeros((3, 4), np.uint16))
    data = pydicom.dcmread(path)
    del data.Rows
    data.save_as(path)
    with pytest.raises(InputError, match="a DICOM file without a picture"):
        io.image_from_file(path)


def test_nifti_of_two_files_without_the_other(tmp_path):
    image = nibabel.Nifti1Pair(np.zeros((3, 4, 5), np.float32), np.eye(4))
    nibabel.save(image, tmp_path / "a.img")
    (tmp_path / "a.img").unlink()
    with pytest.raises(InputError, match=r"a\.img is missing: put it beside it"):
        io.image_from_file(tmp_path / "a.hdr")
