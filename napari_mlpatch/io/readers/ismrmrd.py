"""ISMRM raw data: acquisitions one by one, sorted into k-space.

Format: Inati et al., Magn. Reson. Med. 77, 2017. ``/dataset/xml`` is a header, ``/dataset/data`` a record for each
acquisition, with its head, and its samples ``[coils, samples, 2]``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from napari_mlpatch.core.budget import bytes_of, reserve
from napari_mlpatch.core.errors import InputError

from ..guard import check_claim, reading
from ..measurement import Measurement
from .h5_filters import read_compressed
from .h5_found import Tree
from .ismrmrd_header import Header, header_of
from .ismrmrd_trajectory import load_trajectory
from .kspace import kspace_measurement
from .kspace_corner import Corner

NOT_IMAGES = (19, 20, 23, 24, 26, 27, 28, 29, 30, 31)
"""Bits of noise, calibration only, navigation, phase correction, feedback, dummies, coil correction, phase
stabilisation."""
CALIBRATION, AND_IMAGE = 20, 21
REVERSED = 22
OTHERS = ("contrast", "phase", "repetition", "set")


@dataclass(frozen=True)
class Lines:
    """Of each acquisition: its samples, those discarded first and last, those kept, the kept one at the centre."""

    samples: np.ndarray
    before: np.ndarray
    kept: np.ndarray
    center: np.ndarray
    reverse: np.ndarray

    @classmethod
    def of(cls, head: np.ndarray, flags: np.ndarray) -> Lines:
        def field(name: str, usual: Any) -> Any:
            return head[name].astype(np.int64) if name in (head.dtype.names or ()) else usual

        samples, none = field("number_of_samples", None), np.zeros(len(head), np.int64)
        before = field("discard_pre", none)
        kept = samples - before - field("discard_post", none)
        center = field("center_sample", before + kept // 2) - before
        return cls(samples, before, kept, center, _bit(flags, REVERSED))

    def cut(self, at: int, values: np.ndarray) -> np.ndarray:
        """Those kept of ``[coils, samples, 2]``, in the order of the others."""
        part = values[:, self.before[at] : self.before[at] + self.kept[at]]
        return part[:, ::-1] if self.reverse[at] else part


def is_raw(tree: Tree) -> str | None:
    """The name of the group that holds raw data."""
    for name in tree.records:
        group = name.rpartition("/")[0]
        if name.endswith("data") and f"{group}/xml".strip("/") in tree.texts:
            return group
    return None


def load_ismrmrd(path: Path, tree: Tree, group: str, corner: Corner | None = None) -> Measurement:
    """Cartesian scans as k-space ``[slices, coils, rows, columns]``, columns being the readout.

    Others with their trajectory, see ``ismrmrd_trajectory``. Raises InputError.
    """
    file, inner = tree.records[f"{group}/data".strip("/")]
    with reading(path, "ISMRMRD"), h5py.File(file, "r") as opened:
        found: Any = opened[inner]
        check_claim(file, inner, found.shape, found.dtype.itemsize)
        if not {"head", "data"} <= set(found.dtype.names or ()):
            raise InputError(f"{path}: {inner!r} has no head and data of acquisitions.")
        records = read_compressed(file, found)
    used, encoding, notes = _used(path, records)
    header = header_of(tree.text(f"{group}/xml".strip("/")), encoding)
    notes += filter(None, [header.resampled])
    if header.trajectory not in ("", "cartesian"):
        head = records["head"]
        index = head["idx"] if "idx" in (head.dtype.names or ()) else None
        place, depth = (_index(index, word, len(head)) for word in ("slice", "kspace_encode_step_2"))
        steps = len(np.unique(depth[used]))
        if steps > 1:
            raise InputError(
                f"{path} is a stack of {header.trajectory!r} trajectories, of {steps} steps in the third direction, "
                "which is not read. Transform it along that direction, and write slices."
            )
        found = load_trajectory(path, records, used, place[used], header)
        return dataclasses.replace(found, notes=(*found.notes, *notes))
    kspace, notes = _sorted(path, records, used, header, notes)
    slices, coils, rows, columns = kspace.shape
    notes = [f"ISMRMRD raw data of {len(records)} acquisitions", *notes]
    measured = (kspace != 0).any(axis=1)
    recon = None if header.recon is None else (header.recon[1], header.recon[0])
    return kspace_measurement(path, lambda i: kspace[i], (slices, coils, rows, columns), measured, recon, notes, corner)


def _used(path: Path, records: np.ndarray) -> tuple[np.ndarray, int, list[str]]:
    """Numbers of the acquisitions of one picture, the number of its encoding, and notes on those left out."""
    head = records["head"]
    names, notes = head.dtype.names or (), []
    flags = _flags(head)
    other = np.logical_or.reduce([_bit(flags, b) for b in NOT_IMAGES if b != CALIBRATION])
    other |= _bit(flags, CALIBRATION) & ~_bit(flags, AND_IMAGE)
    used = np.flatnonzero(~other)
    if len(used) < len(head):
        notes.append(f"{len(head) - len(used)} acquisitions of noise, calibration or navigation left out")
    spaces = head["encoding_space_ref"][used] if "encoding_space_ref" in names else np.zeros(len(used), int)
    encoding = int(spaces.min()) if len(used) else 0
    if len(used) and spaces.max() != encoding:
        notes.append(
            f"{np.count_nonzero(spaces != encoding)} acquisitions of other encoding spaces than {encoding} left out"
        )
        used = used[spaces == encoding]
    for word in OTHERS if "idx" in names else ():
        values = head["idx"][word][used]
        if len(values) and values.max() != values.min():
            notes.append(f"of {len(np.unique(values))} {word}s the first is taken")
            used = used[values == values.min()]
    if not len(used):
        raise InputError(f"{path} holds no acquisitions of an image.")
    return used, encoding, notes


def _flags(head: np.ndarray) -> np.ndarray:
    known = "flags" in (head.dtype.names or ())
    return head["flags"].astype(np.uint64) if known else np.zeros(len(head), np.uint64)


def _bit(flags: np.ndarray, number: int) -> np.ndarray:
    """Whether a flag is set; the format counts them from 1."""
    return ((flags >> np.uint64(number - 1)) & np.uint64(1)) > 0


def _sorted(
    path: Path, records: np.ndarray, used: np.ndarray, header: Header, notes: list[str]
) -> tuple[np.ndarray, list[str]]:
    head = records["head"]
    index, flags = head["idx"] if "idx" in (head.dtype.names or ()) else None, _flags(head)
    step, depth, place = (_index(index, word, len(head))[used] for word in STEPS)
    if index is None:
        step = np.arange(len(used))
        notes.append("acquisitions have no phase-encoding step: taken in the order of the file, one for each row")
    if len(np.unique(head["active_channels"][used])) > 1:
        raise InputError(f"{path}: acquisitions have different numbers of coils. Part the scan first.")
    lines, coils = Lines.of(head, flags), int(head["active_channels"][used].max())
    columns, offset, more = _readout(path, lines, used, header)
    notes += more
    encoded = header.encoded or (columns, int(step.max()) + 1, int(depth.max()) + 1)
    rows, planes = max(encoded[1], int(step.max()) + 1), max(encoded[2], int(depth.max()) + 1)
    shift = rows // 2 - header.centers.get(1, rows // 2)
    lift = planes // 2 - header.centers.get(2, planes // 2) if planes > 1 else 0
    slices = int(place.max()) + 1
    shape = (slices, planes, coils, rows, columns)
    reserve(bytes_of(shape, 8), f"K-space of {path} of shape {list(shape)}", "Part the scan.")
    kspace, counts = np.zeros(shape, np.complex64), np.zeros((slices, planes, rows), np.int64)
    for at, ky, kz, z in zip(used, step, depth, place, strict=True):
        row, plane, values = int(ky) + shift, int(kz) + lift, np.asarray(records["data"][at], np.float32)
        if values.size != 2 * lines.samples[at] * coils or not (0 <= row < rows and 0 <= plane < planes):
            raise InputError(
                f"{path}: acquisition {at} has {values.size} values at steps {ky}, {kz}, which does not fit."
            )
        line = lines.cut(int(at), values.reshape(coils, -1, 2))
        kspace[z, plane, :, row, offset[at] : offset[at] + line.shape[1]] += line[..., 0] + 1j * line[..., 1]
        counts[z, plane, row] += 1
    if counts.max() > 1:
        notes.append(f"lines measured up to {counts.max()} times are averaged")
        kspace /= np.maximum(counts, 1)[:, :, None, :, None]
    return _planes(path, kspace, counts, notes), notes


STEPS = ("kspace_encode_step_1", "kspace_encode_step_2", "slice")


def _index(index: np.ndarray | None, word: str, count: int) -> np.ndarray:
    return np.zeros(count, np.int64) if index is None else index[word].astype(np.int64)


def _readout(path: Path, lines: Lines, used: np.ndarray, header: Header) -> tuple[int, np.ndarray, list[str]]:
    """Columns of k-space, that of the first sample kept of each acquisition, and notes.

    Zero frequency is the "center_sample", which of a reversed readout can be counted from either end: it is read where
    both are the same, or no sample is left out.
    """
    kept, center, notes = lines.kept[used], lines.center[used], []
    if kept.min() < 1:
        raise InputError(f"{path}: acquisition {used[kept.argmin()]} discards all of its samples.")
    if (kept < lines.samples[used]).any():
        notes.append(
            f"samples before and after the readout discarded: {kept.min()} of {lines.samples[used].max()} left"
        )
    samples, back = int(kept.max()), lines.reverse[used]
    if back.any():
        notes.append(f"{back.sum()} of {len(used)} readouts were measured backwards, and are turned round")
    encoded, middle = samples if header.encoded is None else header.encoded[0], kept // 2
    even = (center == middle) | (center == kept - 1 - middle)
    offset = np.zeros(len(lines.kept), np.int64)
    center = np.where(back & even, middle, center)
    offset[used] = encoded // 2 - center
    fits = (offset[used] >= 0).all() and (offset[used] + kept <= encoded).all()
    alike = samples == kept.min()
    if fits and (samples == encoded or not (center == middle).all()) and not (alike and samples == encoded):
        if (back & ~even).any():
            raise InputError(
                f"{path} has readouts measured backwards of {samples} of {encoded} samples, off the centre: from which "
                "end their center_sample counts is not said. Turn them round first."
            )
        return encoded, offset, [*notes, f"asymmetric echo: {kept.min()} of {encoded} samples of the readout"]
    if not alike:
        raise InputError(f"{path}: acquisitions have different numbers of samples. Part the scan first.")
    if samples != encoded:
        notes.append(f"the header says {encoded} samples of the readout, the data have {samples}")
    return samples, np.zeros(len(lines.kept), np.int64), notes


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
