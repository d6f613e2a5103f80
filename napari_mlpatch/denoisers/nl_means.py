"""Non-local means as a denoiser."""

from __future__ import annotations

import numpy as np
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import denoisers
from napari_mlpatch.torch_later import Tensor

from .base import Denoiser, each_channel


@denoisers.register("nl-means", title="Non-local means")
@dataclass(frozen=True, config=CONFIG)
class NonlocalMeans(Denoiser):
    """Buades, Coll & Morel (2005), by scikit-image, on the CPU."""

    draws = False

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        from skimage.restoration import denoise_nl_means

        def one(image: np.ndarray, sigma: float) -> np.ndarray:
            options = {"patch_size": 5, "patch_distance": 6, "h": 0.8 * sigma, "sigma": sigma, "fast_mode": True}
            return denoise_nl_means(image, **options).reshape(image.shape)  # it drops axes of one pixel

        return each_channel(one, x, sigma, "nl-means")
