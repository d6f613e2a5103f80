"""Wavelet thresholding as a denoiser."""

from __future__ import annotations

import numpy as np
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import denoisers
from napari_mlpatch.torch_later import Tensor

from .base import Denoiser, each_channel

SHORTEST = 16  # of the sides of a picture: the filters have 8 taps


@denoisers.register("wavelets", title="Wavelets")
@dataclass(frozen=True, config=CONFIG)
class Wavelets(Denoiser):
    """BayesShrink (Chang, Yu & Vetterli 2000), averaged over 16 shifts, by scikit-image, on the CPU.

    Sides shorter than two of its filters are continued by their mirror image.
    """

    draws = False

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        from skimage.restoration import cycle_spin, denoise_wavelet

        def one(image: np.ndarray, sigma: float) -> np.ndarray:
            options = {"sigma": sigma, "wavelet": "sym4", "method": "BayesShrink", "rescale_sigma": False}
            larger = np.pad(image, [(0, max(0, SHORTEST - n)) for n in image.shape], mode="symmetric")
            # More workers would be Dask tasks: on a cluster they wait for the worker that waits for them.
            clean = cycle_spin(larger, denoise_wavelet, max_shifts=3, func_kw=options, workers=1)
            return clean[tuple(slice(n) for n in image.shape)]

        return each_channel(one, x, sigma, "wavelets")
