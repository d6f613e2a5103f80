"""ISMRM raw data: acquisitions one by one, sorted into k-space.

Format: Inati et al., Magn. Reson. Med. 77, 2017. ``/dataset/xml`` is a header, ``/dataset/data`` a record for each
acquisition, with its head, and its samples ``[coils, samples, 2]``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from napari_mlpatch.core.budget import bytes_of, reserve
from napari_mlpatch.core.errors import InputError

from ..guard import check_claim, reading
from ..measurement import Measurement
from .h5_filters import read_compressed
from .h5_tree import Tree
from .ismrmrd_header import Header, header_of
from .kspace import kspace_measurement

NOT_IMAGES = (19, 20, 23, 24, 26, 27, 28)  # noise, calibration only, navigation, phase correction, feedback, dummy...
OTHERS = ("contrast", "phase", "repetition", "set")


def is_raw(tree: Tree) -> str | None:
    """The name of the group that holds raw data."""
    for name in tree.records:
        group = name.rpartition("/")[0]
        if name.endswith("data") and f"{group}/xml".strip("/") in tree.texts:
            return group
    return None


def load_ismrmrd(path: Path, tree: Tree, group: str) -> Measurement:
    """Cartesian scans as k-space ``[slices, coils, rows, columns]``, columns being the readout. Raises InputError."""
    header = header_of(tree.text(f"{group}/xml".strip("/")))
    if header.trajectory not in ("", "cartesian"):
        raise InputError(
            f"{path} is a scan along a {header.trajectory!r} trajectory. Of ISMRMRD files Cartesian ones are read."
        )
    file, inner = tree.records[f"{group}/data".strip("/")]
    with reading(path, "ISMRMRD"), h5py.File(file, "r") as opened:
        found: Any = opened[inner]
        check_claim(file, inner, found.shape, found.dtype.itemsize)
        if not {"head", "data"} <= set(found.dtype.names or ()):
            raise InputError(f"{path}: {inner!r} has no head and data of acquisitions.")
        records = read_compressed(file, found)
    kspace, notes = _sorted(path, records, header)
    slices, coils, rows, columns = kspace.shape
    notes = [f"ISMRMRD raw data of {len(records)} acquisitions", *notes]
    measured = (kspace != 0).any(axis=1)
    recon = None if header.recon is None else (header.recon[1], header.recon[0])
    return kspace_measurement(path, lambda i: kspace[i], (slices, coils, rows, columns), measured, recon, notes)


def _sorted(path: Path, records: np.ndarray, header: Header) -> tuple[np.ndarray, list[str]]:
    head = records["head"]
    names, notes = head.dtype.names or (), []
    flags = head["flags"].astype(np.uint64) if "flags" in names else np.zeros(len(head), np.uint64)
    other = sum((flags >> np.uint64(bit - 1)) & np.uint64(1) for bit in NOT_IMAGES) > 0
    used = np.flatnonzero(~np.asarray(other))
    if len(used) < len(head):
        notes.append(f"{len(head) - len(used)} acquisitions of noise, calibration or navigation left out")
    index = head["idx"] if "idx" in names else None
    if index is not None:
        for word in OTHERS:
            values = index[word][used]
            if len(values) and values.max() != values.min():
                notes.append(f"of {len(np.unique(values))} {word}s the first is taken")
                used = used[values == values.min()]
    if not len(used):
        raise InputError(f"{path} holds no acquisitions of an image.")
    step, depth, place = (_index(index, word, len(head))[used] for word in STEPS)
    if index is None:
        step = np.arange(len(used))
        notes.append("acquisitions have no phase-encoding step: taken in the order of the file, one for each row")
    samples, coils = (int(head[name][used].max()) for name in ("number_of_samples", "active_channels"))
    if len(np.unique(head["number_of_samples"][used])) > 1 or len(np.unique(head["active_channels"][used])) > 1:
        raise InputError(f"{path}: acquisitions have different numbers of samples or coils. Part the scan first.")
    columns, offset, note = _readout(head, names, used, samples, header)
    notes += filter(None, [note])
    encoded = header.encoded or (columns, int(step.max()) + 1, int(depth.max()) + 1)
    rows, planes = max(encoded[1], int(step.max()) + 1), max(encoded[2], int(depth.max()) + 1)
    shift = rows // 2 - header.centers.get(1, rows // 2)
    slices = int(place.max()) + 1
    shape = (slices, planes, coils, rows, columns)
    reserve(bytes_of(shape, 8), f"K-space of {path} of shape {list(shape)}", "Part the scan.")
    kspace, counts = np.zeros(shape, np.complex64), np.zeros((slices, planes, rows), np.int64)
    for at, ky, kz, z in zip(used, step, depth, place, strict=True):
        row, values = int(ky) + shift, np.asarray(records["data"][at], np.float32)
        if values.size != 2 * samples * coils or not 0 <= row < rows:
            raise InputError(f"{path}: acquisition {at} has {values.size} values at step {ky}, which does not fit.")
        line, first = values.reshape(coils, samples, 2), offset[at]
        kspace[z, kz, :, row, first : first + samples] += line[..., 0] + 1j * line[..., 1]
        counts[z, kz, row] += 1
    if counts.max() > 1:
        notes.append(f"lines measured up to {counts.max()} times are averaged")
        kspace /= np.maximum(counts, 1)[:, :, None, :, None]
    return _planes(path, kspace, counts, notes), notes


STEPS = ("kspace_encode_step_1", "kspace_encode_step_2", "slice")


def _index(index: np.ndarray | None, word: str, count: int) -> np.ndarray:
    return np.zeros(count, np.int64) if index is None else index[word].astype(np.int64)


def _readout(
    head: np.ndarray, names: tuple[str, ...], used: np.ndarray, samples: int, header: Header
) -> tuple[int, np.ndarray, str]:
    """Columns of k-space, and that of the first sample of each acquisition: zero frequency is its "center_sample"."""
    encoded = samples if header.encoded is None else header.encoded[0]
    center = head["center_sample"].astype(np.int64) if "center_sample" in names else np.full(len(head), samples // 2)
    offset = encoded // 2 - center
    fits = (offset[used] >= 0).all() and (offset[used] + samples <= encoded).all()
    symmetric = (center[used] == samples // 2).all()
    if fits and (samples == encoded or not symmetric):
        note = "" if samples == encoded else f"asymmetric echo: {samples} of {encoded} samples of the readout"
        return encoded, offset, note
    note = "" if samples == encoded else f"the header says {encoded} samples of the readout, the data have {samples}"
    return samples, np.zeros(len(head), np.int64), note


def _planes(path: Path, kspace: np.ndarray, counts: np.ndarray, notes: list[str]) -> np.ndarray:
    """Slices of a three-dimensional scan, whose third encoding has to be measured from end to end."""
    slices, planes, coils, rows, columns = kspace.shape
    if planes == 1:
        return kspace[:, 0]
    measured = counts > 0
    if not (measured.any(axis=1) == measured.all(axis=1)).all():
        raise InputError(f"{path} is a three-dimensional scan undersampled in its third direction, which is not read.")
    notes.append(f"three-dimensional: {planes} planes of k-space transformed to slices")
    kspace = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(kspace, axes=1), axis=1, norm="ortho"), axes=1)
    return kspace.reshape(slices * planes, coils, rows, columns).astype(np.complex64)
