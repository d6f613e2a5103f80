"""DICOM and NIfTI: pictures to simulate a measurement from."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..guard import check_claim, reading
from ..measurement import Measurement
from ..options import LoadOptions

NIFTI = (b"n+1\0", b"ni1\0", b"n+2\0", b"ni2\0")


def is_dicom(path: Path, head: bytes) -> bool:
    return head[128:132] == b"DICM"


def is_nifti(path: Path, head: bytes) -> bool:
    """By the mark in the header, also where the file is packed with gzip."""
    if head.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as file:
                head = file.read(352)
        except (OSError, EOFError):
            return False
    return head[344:348] in NIFTI or head[4:8] in NIFTI


def no_measurement(path: Path, options: LoadOptions) -> Measurement:
    """DICOM and NIfTI hold pictures. Raises InputError that says so."""
    raise InputError(f"{path} is a picture, not a measurement. Load it as an image to simulate a measurement from.")


def dicom_picture(path: Path) -> tuple[np.ndarray, list[str]]:
    """The picture of a DICOM file, the middle one of several frames, with its rescale slope and intercept applied."""
    import pydicom

    with reading(path, "DICOM"):
        data: Any = pydicom.dcmread(path)
        if "PixelData" not in data and "FloatPixelData" not in data:
            raise InputError(f"{path} is a DICOM file without a picture.")
        frames = int(data.get("NumberOfFrames", 1) or 1)
        check_claim(path, "its picture", (frames, int(data.Rows), int(data.Columns)), int(data.BitsAllocated) // 8 or 1)
        try:
            pixels = np.asarray(data.pixel_array)
        except (RuntimeError, NotImplementedError, AttributeError) as error:
            raise InputError(
                f"{path} is a compressed DICOM file that needs another package: {str(error)[:200]}. "
                "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg, or save it uncompressed."
            ) from error
        notes = []
        if frames > 1:
            notes.append(f"frame {frames // 2}, the middle one of {frames}")
            pixels = pixels[frames // 2]
        slope, intercept = (_number(data, name, usual) for name, usual in (("Slope", 1.0), ("Intercept", 0.0)))
        if (slope, intercept) != (1.0, 0.0):
            pixels = pixels * slope + intercept
            unit = str(data.get("RescaleType", "") or ("HU" if data.get("Modality") == "CT" else "")).strip()
            notes.append(f"values times {slope:g} plus {intercept:g} {unit}".rstrip())
        if data.get("PhotometricInterpretation") == "MONOCHROME1":
            notes.append("small values are meant to be shown bright (MONOCHROME1): values are kept as they are")
    return pixels, notes


def _number(data: Any, name: str, usual: float) -> float:
    """Of the rescaling, whose two numbers may be missing or empty."""
    value = data.get(f"Rescale{name}")
    return usual if value is None or value == "" else float(value)


def nifti_picture(path: Path) -> tuple[np.ndarray, list[str]]:
    """The middle axial plane of a NIfTI volume: rows from front to back, columns from right to left of the patient's.

    Values are scaled by the header's slope and intercept.
    """
    with reading(path, "NIfTI"):
        volume, shape = _opened(path)
        index = tuple(n // 2 if axis == 2 else 0 for axis, n in enumerate(shape) if axis > 1)
        plane = np.asarray(volume.dataobj[(slice(None), slice(None), *index)])
    notes = [f"plane {index[0]}, the middle one of {shape[2]} across the third axis"] if index else []
    if len(index) > 1:
        notes.append("the first of the volumes")
    return plane.T[::-1], notes


def nifti_planes(path: Path) -> np.ndarray:
    """All axial planes of a NIfTI volume, ``[planes, rows, columns]``, of the first one where there are several.

    They are turned and scaled like ``nifti_picture``. Raises InputError for what holds no picture.
    """
    with reading(path, "NIfTI"):
        volume, shape = _opened(path)
        index = (slice(None),) * min(3, len(shape)) + (0,) * (len(shape) - 3)
        values = np.asarray(volume.dataobj[index])
    return np.moveaxis(np.atleast_3d(values), (0, 1), (2, 1))[:, ::-1]


def _opened(path: Path) -> tuple[Any, tuple[int, ...]]:
    """A NIfTI file and the shape of its array, turned so that the axes go to the right, the front and up."""
    import nibabel

    volume: Any = nibabel.as_closest_canonical(nibabel.load(path))
    shape = tuple(int(n) for n in volume.shape)
    if len(shape) < 2 or 0 in shape:
        raise InputError(f"{path} holds an array of shape {list(shape)}, not a picture.")
    check_claim(path, "its volume", shape, volume.get_data_dtype().itemsize)
    if volume.get_data_dtype().kind not in "iuf":
        raise InputError(f"{path} holds {volume.get_data_dtype()}, not real numbers.")
    return volume, shape
