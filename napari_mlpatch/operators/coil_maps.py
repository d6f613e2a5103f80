"""Sensitivities of receiver coils: given, simulated, or estimated from the measurement itself.

Maps are complex ``[coils, rows, columns]``. K-space has its origin at row and column ``n // 2``.
"""

from __future__ import annotations

import math

import numpy as np
import scipy  # its parts load when they are used
from numpy.typing import NDArray

from napari_mlpatch.core.array import Array
from napari_mlpatch.core.errors import InputError

Complex = NDArray[np.complexfloating]

LARGEST_CALIBRATION = 32
SMALLEST_CALIBRATION = 8
COARSE = 64
STEPS = 2048.0
"""Estimated maps are rounded to parts of this, far below their error, so that recipes that hold them stay small."""
WIRES_AT = 1.6  # radius of the simulated array, in halves of the image: its corners are at 1.41


def coil_count(coils: int, sensitivities: Array | None) -> int:
    """How many coils there are; given sensitivities tell it."""
    return coils if sensitivities is None else sensitivities.shape[0]


def check_sensitivities(coils: int, sensitivities: Array | None, image_shape: tuple[int, int]) -> None:
    """Raises ValueError for sensitivities that do not fit the image or the number of coils."""
    if sensitivities is None:
        return
    shape = sensitivities.shape
    if len(shape) != 3 or shape[1:] != tuple(image_shape):
        raise ValueError(
            f"sensitivities have shape {list(shape)}, but [coils, {image_shape[0]}, {image_shape[1]}] is needed"
        )
    if coils not in (1, shape[0]):
        raise ValueError(f"coils = {coils}, but there are sensitivities of {shape[0]}: leave coils out")
    if not np.abs(sensitivities.values).max() > 0:
        raise ValueError("all sensitivities are zero")


def maps_of(coils: int, sensitivities: Array | None, image_shape: tuple[int, int]) -> Complex | None:
    """The maps ``[coils, rows, columns]`` of an operator; None where its single coil sees everything alike."""
    if sensitivities is not None:
        return np.array(sensitivities.values, np.complex128)
    return None if coils == 1 else simulated_coils(coils, image_shape)


def mean_seen(maps: Complex | None) -> float:
    """Mean over the pixels of ``sum |S|²``; 1 for the single coil that sees everything alike."""
    return 1.0 if maps is None else float((np.abs(maps) ** 2).sum(0).mean())


def one_over_seen(maps: Complex | None) -> NDArray[np.float64]:
    """``1 / sum |S|²`` at each pixel, zero where no coil sees anything: what combined coils are multiplied by."""
    seen = np.ones((1, 1)) if maps is None else (np.abs(maps) ** 2).sum(0)
    return np.divide(1.0, seen, out=np.zeros_like(seen), where=seen > 1e-12 * seen.max())


def simulated_coils(coils: int, image_shape: tuple[int, int]) -> Complex:
    """Smooth maps of loops around the image, ``sum |S|² = 1`` at every pixel.

    The field of two opposite currents at a and b, ``1 / (z - a) - 1 / (z - b)`` with z = column + i row (the plane
    field of straight wires), as in a birdcage coil.
    """
    rows, columns = image_shape
    half = max(image_shape) / 2.0
    z = (np.arange(columns) - columns // 2 + 1j * (np.arange(rows) - rows // 2)[:, None]) / half
    angles = 2.0 * math.pi * np.arange(coils) / coils
    width = math.pi / max(coils, 3)
    a, b = (WIRES_AT * np.exp(1j * (angles + side * width / 2.0))[:, None, None] for side in (1, -1))
    maps = (1.0 / (z - a) - 1.0 / (z - b)) * np.exp(1j * angles)[:, None, None]
    return maps / np.sqrt((np.abs(maps) ** 2).sum(0))


def mask_of(kspace: Complex) -> NDArray[np.bool_]:
    """Where k-space ``[coils, rows, columns]`` was sampled: where any coil is not zero, ``[rows, columns]``."""
    return (kspace != 0).any(axis=tuple(range(kspace.ndim - 2)))


def calibration_region(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The fully sampled rows and columns around the centre of k-space, at most 32 of each.

    Raises InputError where there are fewer than 8 of either (or than the image has).
    """
    center = [n // 2 for n in mask.shape]
    half, growing = [0, 0], [True, True]

    def block() -> tuple[slice, slice]:
        return tuple(  # type: ignore[return-value]
            slice(max(c - h, 0), min(c + max(h, 1), n)) for c, h, n in zip(center, half, mask.shape, strict=True)
        )

    while any(growing):
        for axis in (0, 1):
            if growing[axis]:
                half[axis] += 1
                if not mask[block()].all() or 2 * half[axis] > min(mask.shape[axis] + 1, LARGEST_CALIBRATION):
                    half[axis] -= 1
                    growing[axis] = False
    found = block()
    sizes = [int(mask[found].shape[axis]) for axis in (0, 1)] if mask[found].all() else [0, 0]
    if any(size < min(SMALLEST_CALIBRATION, n) for size, n in zip(sizes, mask.shape, strict=True)):
        raise InputError(
            f"The fully sampled centre of k-space has {sizes[0]} x {sizes[1]} samples; at least "
            f"{SMALLEST_CALIBRATION} x {SMALLEST_CALIBRATION} are needed to estimate coil sensitivities. Give "
            "sensitivities, and check that zero frequency is at row and column n // 2."
        )
    return found


def estimate_sensitivities(
    kspace: Complex, mask: NDArray[np.bool_] | None = None, *, kernel: int = 6, threshold: float = 0.02
) -> Complex:
    """Coil sensitivities ``[coils, rows, columns]`` complex64 from the fully sampled centre of ``kspace``, alike.

    ESPIRiT with one set of maps (Uecker et al., Magn. Reson. Med. 71, 2014). Every ``kernel x kernel`` neighbourhood
    of all coils' k-space lies in a space V of few dimensions (singular values above ``threshold`` times the largest).
    Projecting onto it is a convolution of k-space, hence at each pixel a matrix G of coils by coils, and the
    sensitivities are its eigenvector to the eigenvalue 1. That leaves a phase open: it is chosen so that the
    image of the centre alone is real and positive, which leaves to the image only what phase varies quickly.
    ``sum |S|² = 1`` everywhere. Raises InputError where the centre is not sampled.
    """
    if kspace.ndim != 3 or not np.iscomplexobj(kspace):
        raise InputError(
            f"K-space must be complex [coils, rows, columns], got {kspace.dtype} of shape {list(kspace.shape)}."
        )
    image_shape = kspace.shape[1:]
    region = calibration_region(mask_of(kspace) if mask is None else mask)
    center = kspace[:, *region].astype(np.complex128)
    sizes = [max(min(COARSE, n), 2 * kernel) for n in image_shape]
    G = _matrices(center, min(kernel, *center.shape[1:]), threshold, sizes)
    maps = np.moveaxis(np.linalg.eigh(G)[1][..., -1], -1, 0)
    origin = [n // 2 - part.start for n, part in zip(image_shape, region, strict=True)]
    low = _image_of_center(center, origin, sizes)
    aligned = (maps.conj() * low).sum(0)
    maps = _enlarged(maps * np.exp(1j * np.angle(aligned)), image_shape)
    maps = maps / np.sqrt((np.abs(maps) ** 2).sum(0) + 1e-30)
    return ((maps * STEPS).round() / STEPS).astype(np.complex64)


def _matrices(center: Complex, kernel: int, threshold: float, sizes: list[int]) -> Complex:
    """G ``[*sizes, coils, coils]``: the projection onto V as a convolution of k-space, seen at the pixels."""
    coils, m = len(center), 2 * kernel
    windows = np.lib.stride_tricks.sliding_window_view(center, (kernel, kernel), axis=(1, 2))
    blocks = windows.transpose(1, 2, 0, 3, 4).reshape(-1, coils * kernel**2)
    _, values, rows = np.linalg.svd(blocks, full_matrices=False)
    V = rows[values > threshold * values[0]].reshape(-1, coils, kernel, kernel)
    # The correlations of all pairs of coils, summed over V: products of their transforms.
    spectra = np.fft.fft2(V.conj(), s=(m, m))
    lags = np.fft.ifft2(np.einsum("vcrs,vdrs->cdrs", spectra.conj(), spectra)) / kernel**2
    place = [np.fft.fftfreq(m, 1.0 / m).astype(int) % n for n in sizes]
    convolution = np.zeros((coils, coils, *sizes), complex)
    convolution[:, :, place[0][:, None], place[1]] = lags
    return np.moveaxis(np.fft.fftshift(np.fft.fft2(convolution), axes=(2, 3)), (0, 1), (-2, -1))


def _image_of_center(center: Complex, origin: list[int], sizes: list[int]) -> Complex:
    """Images of the coils from the middle of k-space under a Hann window, ``[coils, *sizes]``."""
    grid = np.zeros((len(center), *sizes), complex)
    place = []
    for axis, (n, zero, size) in enumerate(zip(center.shape[1:], origin, sizes, strict=True)):
        offset = np.arange(n) - zero
        window = 0.5 + 0.5 * np.cos(math.pi * offset / (max(zero, n - zero) + 1.0))
        center = center * (window[:, None] if axis == 0 else window)
        place.append(offset % size)
    grid[:, place[0][:, None], place[1]] = center
    return np.fft.fftshift(np.fft.ifft2(grid), axes=(1, 2))


def _enlarged(maps: Complex, image_shape: tuple[int, ...]) -> Complex:
    """Smooth maps on a finer grid with the same middle, by periodic cubic splines."""
    if maps.shape[1:] == image_shape:
        return maps
    where = [
        (np.arange(n) - n // 2) * (size / n) + size // 2 for n, size in zip(image_shape, maps.shape[1:], strict=True)
    ]
    grid = np.meshgrid(*where, indexing="ij")
    parts = [
        [scipy.ndimage.map_coordinates(part, grid, order=3, mode="grid-wrap") for part in (m.real, m.imag)]
        for m in maps
    ]
    return np.stack([real + 1j * imaginary for real, imaginary in parts])
