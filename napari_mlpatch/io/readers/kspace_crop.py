"""K-space of the middle of a picture: oversampled readouts see more than was asked for."""

from __future__ import annotations

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..option_phrases import naming


def full_lines(mask: np.ndarray, axis: int) -> bool:
    """Whether each line of k-space along an axis is measured from end to end or not at all."""
    return bool((mask.any(axis=axis) == mask.all(axis=axis)).all())


def crop(kspace: np.ndarray, mask: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """K-space ``[coils, *shape]`` and mask ``shape`` of the middle of the picture, whose values stay.

    Along an axis that is measured from end to end, k-space is transformed, cut and transformed back, which is exact;
    centred, orthonormal transforms. Raises InputError for axes along which it is not, and for larger shapes.
    """
    for axis, (word, wanted) in enumerate(zip(("rows", "columns"), shape, strict=True)):
        n = mask.shape[axis]
        if wanted == n:
            continue
        asked = f"{naming('{image_shape} has')} {wanted} {word}"
        if not 0 < wanted < n:
            raise InputError(f"{asked}, but k-space has {n}. Give as many or fewer.")
        if not full_lines(mask, axis):
            raise InputError(
                f"{asked} of {n}, but k-space is undersampled along them, so that it cannot be made "
                f"smaller. Keep {n} {word}, and cut the picture."
            )
        start = n // 2 - wanted // 2
        at = axis + 1
        lines = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(kspace, axes=at), axis=at, norm="ortho"), axes=at)
        lines = np.take(lines, np.arange(start, start + wanted), axis=at)
        kspace = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(lines, axes=at), axis=at, norm="ortho"), axes=at)
        mask = np.take(mask, np.arange(wanted), axis=axis)
    return np.ascontiguousarray(kspace, np.complex64), np.ascontiguousarray(mask)
