"""Wavelet thresholding as a denoiser."""

from __future__ import annotations

import numpy as np
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import denoisers
from napari_mlpatch.torch_later import Tensor

from .base import Denoiser, each_channel


@denoisers.register("wavelets", title="Wavelets")
@dataclass(frozen=True, config=CONFIG)
class Wavelets(Denoiser):
    """BayesShrink (Chang, Yu & Vetterli 2000), averaged over 16 shifts, by scikit-image, on the CPU."""

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        from skimage.restoration import cycle_spin, denoise_wavelet

        options = {"sigma": sigma, "wavelet": "sym4", "method": "BayesShrink", "rescale_sigma": False}

        def one(image: np.ndarray) -> np.ndarray:
            return cycle_spin(image, denoise_wavelet, max_shifts=3, func_kw=options)

        return each_channel(one, x)
