"""What the noise models of counts share."""

from __future__ import annotations

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.noise import per_item
from napari_mlpatch.torch_later import Tensor

MOST_COUNTS = 1e15  # beyond, Poisson samples overflow


def gain_of(y: Tensor, counts: float) -> float:
    """Counts for each unit of y. A band-limited projector undershoots at sharp edges: a few percent count as zero."""
    if y.is_complex():
        raise InputError("Counting noise needs real data, these are complex. Use Gaussian noise.")
    if float(y.min()) < -0.05 * float(y.abs().max()):
        raise InputError(
            f"Poisson noise needs a non-negative measurement, the smallest value is {float(y.min()):.4g}. "
            "Use Gaussian noise, or simulate from a non-negative image."
        )
    return counts / largest(y)


def gains_of(y: Tensor, counts: float) -> Tensor:
    """Counts for each unit of the items of y, ``[B, 1, ...]`` float64. Raises InputError for complex data."""
    if y.is_complex():
        raise InputError("Counting noise needs real data, these are complex. Use Gaussian noise.")
    return per_item(counts / y.flatten(1).amax(1).double().clamp(min=1e-30), y)


def largest(y: Tensor) -> float:
    """The value of the brightest sample."""
    return max(float(y.max()), 1e-30)


def mean_square(y: Tensor, counts: float) -> Tensor:
    """Mean square distance between y and what is counted in its place: y / gain, and of y below zero, y² (none is)."""
    y = y.double()
    return y.clamp(min=0) * (largest(y) / counts) + y.clamp(max=0).square()
