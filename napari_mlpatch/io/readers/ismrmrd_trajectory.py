"""ISMRM raw data along trajectories: spokes, spirals and others, as the non-Cartesian operator takes them.

Each acquisition carries its trajectory ``[samples, dimensions]``, kx (along the readout's x) first. The format leaves
the unit open; in use are cycles per pixel (up to 0.5), cycles per field of view (up to half of the matrix), radians per
pixel (up to pi) and cycles per length, which differ so much that the largest value tells them apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.core.array import Array
from napari_mlpatch.core.budget import bytes_of, reserve
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import torch

from ..arrays import Slices
from ..measurement import Measurement
from ..option_phrases import naming
from ..options import given, problem_options
from ..precision import check_finite
from .ismrmrd_header import Header

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem

LEAST_REACH = 0.8
"""Of the finest detail of the pixels, which trajectories are made to reach."""
COARSE, COARSEST = 0.125, 0.075
"""Cycles per pixel of coarser pictures than the header says: of trajectories that reach less than the first, cycles per
length are tried before, and what reaches less than the second is in some other unit."""
ALIKE = 0.01
"""Factors of two units that differ by no more are one."""
CALIBRATION = 24
"""Rows and columns of k-space, gridded from the samples, from which the coils' sensitivities are estimated."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Trajectory(Measurement):
    """The slices of a scan: ``read(i)`` gives complex64 ``[coils, spokes, readout]`` and radians per pixel along rows
    and columns ``[spokes, readout, 2]``. ``image_shape`` is what is reconstructed unless another is asked for.
    """

    read: Callable[[int], tuple[np.ndarray, np.ndarray]]
    image_shape: tuple[int, int]

    @property
    def is_complete(self) -> bool:
        return True

    def problem(self, **options: Any) -> Problem:
        """The problem of one slice, by default the middle one, with an ``MRINonCartesian`` operator.

        ``image_shape`` changes the field of view, pixels stay as they are. Several coils get sensitivities from the
        middle of k-space. Raises InputError for other options, slices that do not exist, and NaN.
        """
        from napari_mlpatch.core.problem import Problem

        chosen = problem_options(options)
        others = [name for name in given(chosen) if name not in ("slice", "image_shape")]
        if others:
            raise InputError(
                f"{self.path.name} is an MRI scan along a trajectory, to which only "
                f"{naming('slice and {image_shape}')} apply, not {', '.join(others)}."
            )
        count = len(self.data)
        index = count // 2 if chosen.slice is None else chosen.slice
        if isinstance(index, bool) or not isinstance(index, int | np.integer) or not 0 <= index < count:
            raise InputError(f"Slices of a scan are taken one at a time, from 0 to {count - 1}, got {index!r}.")
        samples, omega = self.read(int(index))
        check_finite(samples, f"Slice {index} of {self.path.name} [coil, spoke, sample]")
        if not samples.any():
            raise InputError(f"Slice {index} of {self.path.name} is zero everywhere: nothing was measured.")
        A = operator(samples, omega, tuple(chosen.image_shape or self.image_shape))
        source = {name: value for name, value in given(chosen).items() if name != "slice"}
        if chosen.slice is not None:
            source["slice"] = int(index)
        return Problem(A, torch.from_numpy(np.ascontiguousarray(samples))[None, None], source=self.source(source))


def operator(samples: np.ndarray, omega: np.ndarray, image_shape: tuple[int, ...]) -> Any:
    """Of samples ``[coils, spokes, readout]``: several coils with sensitivities from gridded pictures of each."""
    from napari_mlpatch.operators.coil_maps import estimate_sensitivities
    from napari_mlpatch.operators.mri_noncartesian import MRINonCartesian

    shape = (int(image_shape[0]), int(image_shape[1]))
    alone = MRINonCartesian(image_shape=shape, trajectory="custom", trajectory_values=Array(omega))
    if len(samples) == 1:
        return alone
    pictures = alone.pinv(torch.from_numpy(np.ascontiguousarray(samples))[:, None, None])[:, 0].numpy()
    kspace = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(pictures, axes=(1, 2)), norm="ortho"), axes=(1, 2))
    rows, columns = (np.abs(np.arange(n) - n // 2) < CALIBRATION // 2 for n in shape)
    maps = estimate_sensitivities(kspace, rows[:, None] & columns)
    return MRINonCartesian(
        image_shape=shape, trajectory="custom", trajectory_values=Array(omega), sensitivities=Array(maps)
    )


def load_trajectory(path: Path, records: np.ndarray, used: np.ndarray, place: np.ndarray, header: Header) -> Trajectory:
    """Of the acquisitions ``used``, each in the slice ``place``. Raises InputError for what no 2-D operator takes."""
    if "traj" not in (records.dtype.names or ()):
        raise InputError(f"{path} is a scan along a {header.trajectory!r} trajectory, but holds no trajectory.")
    head = records["head"]
    heads = head[used]
    kinds = {(int(h["number_of_samples"]), int(h["active_channels"]), int(h["trajectory_dimensions"])) for h in heads}
    if len(kinds) != 1:
        raise InputError(
            f"{path}: acquisitions along the {header.trajectory!r} trajectory differ in samples, coils or dimensions "
            f"({sorted(kinds)[:4]}). Part the scan first."
        )
    ((samples, coils, dimensions),) = kinds
    if dimensions not in (2, 3) or samples < 1:
        raise InputError(
            f"{path} has a {header.trajectory!r} trajectory of {dimensions} dimension(s): two (kx, ky) are read, and "
            "three of which the last is constant or density weights."
        )
    reserve(bytes_of((len(used), coils, samples), 24), f"The samples of {path}", "Part the scan.")
    k, values = np.zeros((len(used), samples, dimensions)), np.zeros((len(used), coils, samples), np.complex64)
    for i, at in enumerate(used):
        trajectory, line = (np.asarray(records[name][at], np.float32) for name in ("traj", "data"))
        if trajectory.size != samples * dimensions or line.size != 2 * samples * coils:
            raise InputError(
                f"{path}: acquisition {at} has {line.size} values and {trajectory.size} coordinates, which does not "
                f"fit {coils} coil(s), {samples} samples and {dimensions} dimensions."
            )
        k[i] = trajectory.reshape(samples, dimensions)
        line = line.reshape(coils, samples, 2)
        values[i] = line[..., 0] + 1j * line[..., 1]
    before, after = (_field(heads, name) for name in ("discard_pre", "discard_post"))
    if len({*zip(before, after, strict=True)}) != 1 or before[0] + after[0] >= samples:
        raise InputError(f"{path}: acquisitions discard different numbers of samples, or all. Part the scan first.")
    kept = slice(int(before[0]), samples - int(after[0]))
    k, values = k[:, kept], values[:, :, kept]
    check_finite(k, f"The trajectory of {path.name} [acquisition, sample, dimension]")
    matrix = header.encoded or header.recon
    if matrix is None:
        raise InputError(f"{path} does not say the size of its picture: its header has no encodedSpace matrixSize.")
    notes = [f"ISMRMRD raw data of {len(records)} acquisitions, {len(used)} of them along {header.trajectory}"]
    if samples != k.shape[1]:
        notes.append(f"samples before and after the readout discarded: {k.shape[1]} of {samples} left")
    if dimensions == 3:
        third, deep = k[..., 2], matrix[2] > 1
        by_readout = np.ptp(third, axis=1).max() <= 1e-6  # as kz of a stack, but also as weights can be
        if np.ptp(third) > 1e-6 and (third.min() < 0 or (by_readout and deep)):
            raise InputError(f"{path} has a three-dimensional trajectory, which is not read: kz is not constant.")
        notes.append("the trajectory's third dimension is constant or density weights, and is not used")
    factor, unit = _unit(path, k[..., :2], matrix, header.pixel_mm)
    omega = np.clip(factor * k[..., 1::-1], -math.pi, math.pi)  # rows (y) first
    return _measurement(path, values, omega, place, header, [*notes, f"trajectory in {unit}"])


def _unit(path: Path, k: np.ndarray, matrix: tuple[int, ...], pixel_mm: float) -> tuple[float, str]:
    """The factor to radians per pixel, and the unit's name, with others that fit as well.

    Units of pixels come first; those of length count where none of them fits, or one that would leave most of k-space
    unmeasured.
    """
    largest, size = float(np.abs(k).max()), max(matrix[:2])
    by_pixel = {
        "cycles per pixel": 2.0 * math.pi,
        "cycles per field of view": 2.0 * math.pi / size,
        "radians per pixel": 1.0,
    }
    by_length = {"cycles per mm": 2.0 * math.pi * pixel_mm, "cycles per m": 2e-3 * math.pi * pixel_mm}
    units = by_pixel | (by_length if pixel_mm > 0 else {})
    reach = {name: largest * factor / math.pi for name, factor in units.items()}
    fitting = [name for name, part in reach.items() if LEAST_REACH <= part <= 1.02]
    lengths = [name for name in fitting if name in by_length]
    name = None
    if COARSE <= largest <= 0.51:
        name = "cycles per pixel"
    elif 0.8 * size / 2 <= largest <= 1.02 * size / 2:
        name = "cycles per field of view"
    elif 0.9 * math.pi <= largest <= 1.01 * math.pi:
        name = "radians per pixel"
    elif lengths:
        name = min(lengths, key=lambda name: abs(reach[name] - 1.0))
    elif COARSEST <= largest < COARSE:
        name = "cycles per pixel"
    if name is None:
        listed = ", ".join(f"{math.pi / factor:.4g} in {name}" for name, factor in units.items())
        raise InputError(
            f"{path}: the trajectory reaches {largest:.4g}, for a matrix of {matrix[0]} x {matrix[1]}. Its unit cannot "
            f"be told: the finest detail of these pixels is at {listed}. Convert it to one of these."
        )
    told = f"{name}, because it reaches {largest:.4g} for {matrix[0]} x {matrix[1]} pixels"
    others = {other: units[other] / units[name] for other in fitting}
    differing = [f"{other} ({part:.3g} times as far out)" for other, part in others.items() if abs(part - 1.0) > ALIKE]
    if differing:
        told += f"; it may also be in {' or '.join(differing)}: if so, convert it to {name}"
    return units[name], told


def _measurement(
    path: Path, values: np.ndarray, omega: np.ndarray, place: np.ndarray, header: Header, notes: list[str]
) -> Trajectory:
    coils, readout = values.shape[1:]
    slices, spokes = int(place.max()) + 1, np.bincount(place)
    matrix, recon = header.encoded or header.recon, header.recon
    assert matrix is not None
    shape = (matrix[1], matrix[0])
    if recon is not None and recon[0] <= matrix[0] and recon[1] <= matrix[1] and recon[:2] != matrix[:2]:
        shape = (recon[1], recon[0])
        notes.append(f"the middle {shape[0]} x {shape[1]} of {matrix[1]} x {matrix[0]} pixels, as the header says")
    notes.append(f"{coils} coil(s), {spokes.max()} readouts of {readout} samples, {shape[0]} x {shape[1]} pixels")
    if coils > 1:
        notes.append("coil sensitivities estimated from the middle of k-space (ESPIRiT)")
    if slices > 1:
        notes.append(f"{slices} slices, of which {slices // 2} (the middle one) is taken unless you choose")

    def read(index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = place == index
        if not chosen.any():
            raise InputError(f"{path.name} has no samples of slice {index}.")
        return values[chosen].swapaxes(0, 1), omega[chosen]

    def picture(index: int) -> np.ndarray:
        size = np.linalg.norm(values[place == index], axis=1) if (place == index).any() else np.zeros((1, readout))
        return np.log1p(1e3 * size / max(float(size.max()), 1e-30)).astype(np.float32)

    data = Slices((slices, int(spokes.max()), readout), picture)
    return Trajectory(data=data, path=path, kind="mri-noncartesian", read=read, image_shape=shape, notes=tuple(notes))


def _field(heads: np.ndarray, name: str) -> list[int]:
    return [int(value) for value in heads[name]] if name in (heads.dtype.names or ()) else [0] * len(heads)
