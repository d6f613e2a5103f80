"""How good a denoiser is on images that it has not seen."""

from __future__ import annotations

from typing import Any

import torch

from napari_mlpatch.core.metrics import psnr

from .pictures import Pictures
from .recipe import TrainingRecipe

SEED = 12345


@torch.inference_mode()
def validate(network: Any, pictures: Pictures, recipe: TrainingRecipe, crop: int | None = None) -> dict[str, float]:
    """Mean PSNR in dB (data range 1) at each of the recipe's noise levels, named ``psnr_LEVEL``.

    The noise is always the same. With ``crop``, only the middle of each image is taken, so many pixels wide.
    """
    found = {}
    for sigma in recipe.validation_sigmas:
        random = torch.Generator().manual_seed(SEED)
        values = []
        for k in range(len(pictures)):
            clean = _middle(pictures.image(k), crop)
            noise = torch.randn(clean.shape, generator=random).to(clean.device)
            values.append(psnr(network(clean + sigma * noise, sigma), clean, data_range=1.0))
        found[f"psnr_{label(sigma)}"] = sum(values) / len(values)
    return found


def label(sigma: float) -> str:
    """``25`` for 25/255, else the number itself."""
    return f"{255 * sigma:.0f}" if abs(255 * sigma - round(255 * sigma)) < 1e-6 else f"{sigma:g}"


def _middle(x: torch.Tensor, size: int | None) -> torch.Tensor:
    if size is None:
        return x
    top, left = (max(0, (n - size) // 2) for n in x.shape[-2:])
    return x[..., top : top + size, left : left + size]
