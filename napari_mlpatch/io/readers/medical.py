"""DICOM and NIfTI: pictures to simulate a measurement from."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..guard import check_claim, reading
from ..measurement import Measurement
from ..options import LoadOptions

NIFTI = (b"n+1\0", b"ni1\0", b"n+2\0", b"ni2\0")


def is_dicom(path: Path, head: bytes) -> bool:
    """By its mark, or by suffix and first tag where the preamble was left out."""
    old = path.suffix.lower() in (".dcm", ".dicom") and head[:4] in (b"\x02\0\0\0", b"\x08\0\0\0", b"\x08\0\x05\0")
    return old or head[128:132] == b"DICM"


def is_nifti(path: Path, head: bytes) -> bool:
    """By the mark in the header, also where the file is packed with gzip, or holds the numbers beside its header."""
    header = path.with_suffix(".hdr")
    if path.suffix.lower() == ".img" and header.is_file():
        with header.open("rb") as file:
            head = file.read(352)
    if head.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as file:
                head = file.read(352)
        except (OSError, EOFError, zlib.error):
            return False
    return head[344:348] in NIFTI or head[4:8] in NIFTI


def no_measurement(path: Path, options: LoadOptions) -> Measurement:
    """DICOM and NIfTI hold pictures. Raises InputError that says so."""
    raise InputError(f"{path} is a picture, not a measurement. Load it as an image to simulate a measurement from.")


def dicom_picture(path: Path) -> tuple[np.ndarray, list[str]]:
    """The picture of a DICOM file, the middle one of several frames, in the values that its numbers stand for.

    These are rescale slope and intercept, of the file or of the frame, or a table. Colours stay colours.
    """
    import pydicom

    with reading(path, "DICOM"):
        data: Any = pydicom.dcmread(path, force=True)  # also without a preamble
        pixels_are_there = any(name in data for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))
        if not (pixels_are_there and "Rows" in data and "Columns" in data):
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
        notes, frame = [], frames // 2
        if frames > 1:
            notes.append(f"frame {frame}, the middle one of {frames}")
            pixels = pixels[frame]
        pixels, more = _as_meant(data, pixels, frame)
        notes += [*more, *_uneven([float(n) for n in data.get("PixelSpacing") or ()])]
    return pixels, notes


def _as_meant(data: Any, pixels: np.ndarray, frame: int) -> tuple[np.ndarray, list[str]]:
    """The values that the numbers of one frame stand for, and notes."""
    notes = []
    kind = str(data.get("PhotometricInterpretation", ""))
    if kind == "PALETTE COLOR":
        from pydicom.pixels.processing import apply_color_lut

        return apply_color_lut(pixels, data), ["numbers replaced by the colours of the file's palette"]
    if kind == "MONOCHROME1" or data.get("PresentationLUTShape") == "INVERSE":
        why = kind if kind == "MONOCHROME1" else "PresentationLUTShape INVERSE"
        notes.append(f"small values are meant to be shown bright ({why}): values are kept as they are")
    meant = _transformation(data, frame)
    if meant.get("ModalityLUTSequence"):
        from pydicom.pixels.processing import apply_modality_lut

        unit = str(meant.ModalityLUTSequence[0].get("ModalityLUTType", "")).strip()
        notes.append(f"values by the table of the file (modality LUT) {unit}".rstrip())
        return apply_modality_lut(pixels, meant), notes
    slope, intercept = (_number(meant, name, usual) for name, usual in (("Slope", 1.0), ("Intercept", 0.0)))
    if (slope, intercept) != (1.0, 0.0):
        pixels = pixels * slope + intercept
        unit = str(meant.get("RescaleType", "") or ("HU" if data.get("Modality") == "CT" else "")).strip()
        notes.append(f"values times {slope:g} plus {intercept:g} {unit}".rstrip())
    return pixels, notes


def _transformation(data: Any, frame: int) -> Any:
    """What holds the rescaling of a frame: of files of many frames it is in the groups of each, or of all."""
    each, shared = data.get("PerFrameFunctionalGroupsSequence"), data.get("SharedFunctionalGroupsSequence")
    groups = [each[frame] if each and frame < len(each) else None, shared[0] if shared else None]
    for group in groups:
        found = None if group is None else group.get("PixelValueTransformationSequence")
        if found:
            return found[0]
    return data


def _uneven(sides: list[float]) -> list[str]:
    """A note on pixels that are not square."""
    if len(sides) != 2 or not min(sides) > 0 or max(sides) <= 1.001 * min(sides):
        return []
    return [f"pixels of {sides[0]:g} x {sides[1]:g} mm (rows, columns) are taken as if they were square"]


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
    slope, intercept = (getattr(volume.dataobj, name, usual) for name, usual in (("slope", 1.0), ("inter", 0.0)))
    if (slope, intercept) != (1.0, 0.0):
        notes.append(f"values times {slope:g} plus {intercept:g}, as the header says")
    sides = [float(n) for n in volume.header.get_zooms()[:2]]
    return plane.T[::-1], [*notes, *_uneven(sides[::-1])]


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

    found: Any = nibabel.load(path)
    parts = [Path(part.filename) for part in found.file_map.values() if part.filename]
    missing = [part.name for part in parts if not part.exists()]
    if missing:
        raise InputError(f"{path} is one of two files, {', '.join(missing)} is missing: put it beside it.")
    if not hasattr(found, "as_reoriented"):
        raise InputError(f"{path} holds {type(found).__name__.removesuffix('Image')} data, not a picture or a volume.")
    volume: Any = nibabel.as_closest_canonical(found)
    shape = tuple(int(n) for n in volume.shape)
    if len(shape) < 2 or 0 in shape:
        raise InputError(f"{path} holds an array of shape {list(shape)}, not a picture.")
    check_claim(path, "its volume", shape, volume.get_data_dtype().itemsize)
    if volume.get_data_dtype().kind not in "iuf":
        raise InputError(f"{path} holds {volume.get_data_dtype()}, not real numbers.")
    return volume, shape
