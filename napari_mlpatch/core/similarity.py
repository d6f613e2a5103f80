"""How alike a picture and the truth are. The data range is always explicit.

All take tensors ``[B, C, H, W]`` and give the mean over the batch.
"""

from __future__ import annotations

import math

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch

from .arguments import is_number
from .errors import InputError

WINDOW = 7
"""Pixels of a side of SSIM's window; its map ends half a window before the border."""


def data_range_of(truth: Tensor) -> float:
    """Largest minus smallest value of the truth."""
    same_shape(truth, truth)
    if truth.is_complex() or truth.is_meta or not truth.numel():
        raise InputError(f"A data range is that of a real image, got {truth.dtype} of shape {list(truth.shape)}.")
    return float(truth.max() - truth.min())


def psnr(x: Tensor, truth: Tensor, *, data_range: float) -> float:
    """Peak signal-to-noise ratio in dB, ``10 log10(data_range² / MSE)``."""
    same_shape(x, truth)
    if not (is_number(data_range) and data_range > 0):
        raise InputError(f"The data range of a PSNR must be positive, got {data_range}. Give it explicitly.")
    mse = (x - truth).abs().double().square().flatten(1).mean(1)
    return float((10 * torch.log10(min(float(data_range), 1e150) ** 2 / mse)).mean())


def ssim(x: Tensor, truth: Tensor, *, data_range: float, region: Tensor | None = None) -> float:
    """Structural similarity with scikit-image's defaults (7x7 uniform window; Wang et al. 2004).

    With a ``region``, a bool mask ``[H, W]``, the mean of its map over that, but for three pixels at the border, as of
    the whole picture; windows there look up to three pixels beyond the region. NaN where that is empty.
    """
    from skimage.metrics import structural_similarity

    same_shape(x, truth)
    if not (is_number(data_range) and data_range > 0) or x.ndim != 4:
        raise InputError(
            f"SSIM needs images [batch, channel, rows, columns] and a positive data range, got {list(x.shape)} and "
            f"{data_range!r:.60}."
        )
    if min(x.shape[-2:]) < WINDOW:
        return math.nan
    pairs = zip(x.detach().cpu().numpy(), truth.detach().cpu().numpy(), strict=True)
    if region is None:
        values = [structural_similarity(b, a, data_range=data_range, channel_axis=0) for a, b in pairs]
        return float(np.mean(values))  # type: ignore[arg-type]
    edge = slice(WINDOW // 2, -(WINDOW // 2))
    inside = region.cpu().numpy()[edge, edge]
    if not inside.any():
        return math.nan
    maps = [structural_similarity(b, a, data_range=data_range, channel_axis=0, full=True)[1] for a, b in pairs]
    return float(np.mean([found[:, edge, edge][:, inside].mean(dtype=np.float64) for found in maps]))


def nrmse(x: Tensor, truth: Tensor) -> float:
    """Root mean square error relative to the truth, ``‖x - truth‖ / ‖truth‖``."""
    same_shape(x, truth)
    error, size = (v.abs().double().flatten(1).norm(dim=1) for v in (x - truth, truth))
    return float((error / size).mean())


def same_shape(x: Tensor, truth: Tensor) -> None:
    """Raises InputError where two images are not tensors of one shape."""
    for value, what in ((x, "The image"), (truth, "The truth")):
        if not torch.is_tensor(value):
            raise InputError(f"{what} is a tensor, got {type(value).__name__}: torch.as_tensor(it).")
        if value.layout != torch.strided:
            raise InputError(f"{what} is a dense tensor, got one of {value.layout}: take .to_dense() of it.")
    if x.shape != truth.shape:
        raise InputError(f"The image has shape {list(x.shape)}, the truth {list(truth.shape)}. They must be equal.")
