"""Does a denoiser do the same to a picture that is shifted, turned or mirrored?

>>> network = networks.opened(mp.weights.find("mlpatch-gray-small"))
>>> for found in deviations(network, image, sigma=0.1):
...     print(found.name, found.rms, found.largest)

f is equivariant to a transformation T where f(T x) = T f(x). What is compared is f(x) with T⁻¹ f(T x), so that all
differences lie where the picture lies. Only pixels count that do not depend on the border, where f knows less than it
would elsewhere; which those are is measured, by putting NaN there and looking how far they spread.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import F, Tensor, torch

SPILL = 8
"""Pixels from the border on which the Fourier shift's wiggles are largest; the mirrored picture has a kink there."""


@dataclass(frozen=True)
class Transformation:
    """T and its inverse on tensors ``[B, C, H, W]``; pixels that T pushed out of the picture come back as 0.

    ``spill``: the inverse mixes pixels, and this many next to the border are not compared.
    """

    there: Callable[[Tensor], Tensor]
    back: Callable[[Tensor], Tensor]
    spill: int = 0


@dataclass(frozen=True, eq=False)
class Deviation:
    """How far T⁻¹ f(T x) is from f(x).

    ``rms`` and ``largest`` are the root mean square and the largest absolute difference, both relative to the root
    mean square of f(x). ``difference`` ``[rows, columns]`` is NaN where it is not compared; ``share`` of the pixels
    are. ``inside`` is False where every pixel depends on the border: then the central quarter is compared, without
    what T pushed out of the picture.
    """

    name: str
    rms: float
    largest: float
    difference: np.ndarray
    share: float
    inside: bool


def shift(rows: int, columns: int) -> Transformation:
    """The picture moves up and left by whole pixels: its first rows and columns are cut off."""
    return Transformation(
        lambda x: x[..., rows:, columns:].contiguous(),
        lambda y: F.pad(y, (columns, 0, rows, 0)),
    )


def subpixel_shift(rows: float, columns: float) -> Transformation:
    """The picture moves by fractions of a pixel, in Fourier space, continued by its mirror image.

    All frequencies keep their magnitude, so the noise stays white; what f makes beyond the Nyquist frequency (sharp
    edges) is aliased, so not even an ideal f has no difference at all.
    """
    return Transformation(
        lambda x: fourier_shift(x, rows, columns), lambda y: fourier_shift(y, -rows, -columns), spill=SPILL
    )


def fourier_shift(x: Tensor, rows: float, columns: float) -> Tensor:
    """``x[..., i + rows, j + columns]`` by trigonometric interpolation of x and its mirror image."""
    both = torch.cat([x, x.flip(-1)], -1)
    both = torch.cat([both, both.flip(-2)], -2)
    height, width = both.shape[-2:]
    r = torch.fft.fftfreq(height, device=x.device, dtype=x.dtype)[:, None] * rows
    c = torch.fft.rfftfreq(width, device=x.device, dtype=x.dtype) * columns
    moved = torch.fft.irfft2(torch.fft.rfft2(both) * torch.exp(2j * math.pi * (r + c)), s=(height, width))
    return moved[..., : x.shape[-2], : x.shape[-1]].contiguous()


def turn(quarters: int) -> Transformation:
    return Transformation(
        lambda x: torch.rot90(x, quarters, (-2, -1)).contiguous(), lambda y: torch.rot90(y, -quarters, (-2, -1))
    )


def mirror(axis: int) -> Transformation:
    return Transformation(lambda x: x.flip(axis), lambda y: y.flip(axis))


TRANSFORMATIONS = {
    "shift by 1 row": shift(1, 0),
    "shift by 1 column": shift(0, 1),
    "shift by 3 rows, 5 columns": shift(3, 5),
    "shift by 16 rows, 16 columns": shift(16, 16),
    "quarter turn": turn(1),
    "half turn": turn(2),
    "mirrored rows": mirror(-2),
    "mirrored columns": mirror(-1),
    "shift by 0.5 rows": subpixel_shift(0.5, 0.0),
    "shift by 0.5 rows, 0.25 columns": subpixel_shift(0.5, 0.25),
}
"""16 is a multiple of the finest step to which a U-Net of depth 4 can be equivariant."""


def deviation(network: Any, image: np.ndarray, sigma: float, name: str) -> Deviation:
    """Of one transformation by its name. Raises InputError like ``deviations``."""
    return next(deviations(network, image, sigma, [name]))


def deviations(
    network: Any, image: np.ndarray, sigma: float, names: Sequence[str] | None = None
) -> Iterator[Deviation]:
    """Of a network, called with (x, sigma), on an image ``[rows, columns]``, one transformation after another.

    Values and sigma are in the units that the network was trained in. Raises InputError for unknown names, and for
    images that are not real, finite and of at least 32 x 32 pixels.
    """
    names = list(TRANSFORMATIONS) if names is None else list(names)
    unknown = [name for name in names if name not in TRANSFORMATIONS]
    if unknown:
        raise InputError(f"Unknown transformation {unknown[0]!r}. Known: {'; '.join(TRANSFORMATIONS)}.")
    array = np.asarray(image)
    if array.ndim != 2 or np.iscomplexobj(array) or min(array.shape) < 32:
        raise InputError(
            f"A real image of at least 32 x 32 pixels is needed, got {array.dtype} of shape {list(array.shape)}."
        )
    x = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))[None, None]
    if not bool(x.isfinite().all()):
        raise InputError("The image holds NaN or infinite values. Replace them first.")
    with torch.no_grad():
        plain, here = network(x, sigma), _free_of_border(network, x, sigma)
    for name in names:
        with torch.no_grad():
            found = _compared(network, x, sigma, name, plain, here)
        yield found


def _compared(network: Any, x: Tensor, sigma: float, name: str, plain: Tensor, here: Tensor) -> Deviation:
    T = TRANSFORMATIONS[name]
    moved = T.there(x)
    found = network(moved, sigma)
    difference = T.back(found) - plain
    there = _free_of_border(network, moved, sigma)
    counts = here & (_shrunk(there, T.spill) if T.spill else T.back(there.float()) > 0.5)
    inside = bool(counts.any())
    if not inside:
        rows, columns = x.shape[-2:]
        counts[..., rows // 4 : -(rows // 4), columns // 4 : -(columns // 4)] = True
        counts &= T.back(torch.ones_like(found)) > 0.5
    size = float(plain[counts].square().mean().sqrt())
    apart = difference[counts].abs()
    return Deviation(
        name=name,
        rms=float(apart.square().mean().sqrt()) / max(size, 1e-30),
        largest=float(apart.max()) / max(size, 1e-30),
        difference=difference.masked_fill(~counts, math.nan)[0, 0].numpy(),
        share=float(counts.float().mean()),
        inside=inside,
    )


def _free_of_border(network: Any, x: Tensor, sigma: float) -> Tensor:
    """Which output pixels do not depend on the outermost input pixels, as booleans."""
    marked = torch.full_like(x, math.nan)
    marked[..., 1:-1, 1:-1] = x[..., 1:-1, 1:-1]
    return network(marked, sigma).isfinite()


def _shrunk(mask: Tensor, pixels: int) -> Tensor:
    """What is left of the mask where everything within so many pixels of its edge goes."""
    outside = F.pad((~mask).float(), (pixels,) * 4, value=1.0)
    return F.max_pool2d(outside, 2 * pixels + 1, stride=1) < 0.5
