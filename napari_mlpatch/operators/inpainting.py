"""Inpainting: pixels that were not measured."""

from __future__ import annotations

import dataclasses
import math
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.array import Array
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.made_once import MadeOnce
from napari_mlpatch.core.operator import Half, Operator
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import Tensor, torch

from .image_shape import ImageShape
from .push_pull import fill, noise_among_kept, remark_on_kept


@operators.register("inpainting", title="Inpainting / missing pixels")
@dataclass(frozen=True, config=CONFIG)
class Inpainting(Operator):
    """Some pixels were not measured, ``y = m x`` with a mask m of zeros and ones. Images are real or complex.

    Equation:
        y = m x,      m = 0 where a pixel is missing, 1 elsewhere

    When to use it:
        Dead pixels, scratches, dust, text over a picture, gaps between detectors; paint your own in a Labels layer
        (``custom``). Scattered pixels come back well with every regularised method; of holes wider than the structures
        around them only a learned method makes more than a smooth filling.

    References:
        - M. Bertalmio, G. Sapiro, V. Caselles & C. Ballester, Image inpainting, SIGGRAPH 2000, 417-424,
          doi:10.1145/344779.344972.
    """

    image_shape: ImageShape
    mask: Annotated[
        Literal["random", "blocks", "stripes", "custom"],
        Field(description="single pixels, squares or columns are missing at random; custom: where missing says so"),
    ] = "random"
    kept: Annotated[float, Field(gt=0, le=1, description="share of the pixels that is measured; not for custom")] = 0.5
    size: Annotated[
        int,
        Field(ge=1, le=32768, description="side of a block, width of a stripe", json_schema_extra={"unit": "pixels"}),
    ] = 8
    seed: Annotated[int, Field(ge=0, description="which pixels")] = 0
    missing: Annotated[
        Array | None,
        Field(
            description="custom: rows and columns, not zero where a pixel is missing, as painted in a Labels layer",
            json_schema_extra={"none_means": "not custom"},
        ),
    ] = None

    closed_form = True

    @model_validator(mode="after")
    def _fits(self) -> Inpainting:
        if (self.mask == "custom") != (self.missing is not None):
            given = "is missing" if self.missing is None else f"is given, but mask = {self.mask!r}"
            raise ValueError(f'the parameter missing {given}: missing and mask = "custom" go together')
        if self.missing is not None and self.missing.shape != self.image_shape:
            raise ValueError(
                f"missing has the shape {' x '.join(map(str, self.missing.shape))}, the image "
                f"{' x '.join(map(str, self.image_shape))}: they must be equal"
            )
        if self.missing is not None and self.missing.values.all():
            raise ValueError("missing marks every pixel: leave at least one at zero")
        return self

    @property
    def domain_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return self.image_shape

    @property
    def range_shape(self) -> tuple[int, int]:  # type: ignore[override]
        return self.image_shape

    @property
    def sampled(self) -> Tensor:
        """The mask m, bool, on the CPU."""
        return self._on(torch.device("cpu"))

    @cached_property
    def _mask(self) -> np.ndarray:
        """True where a pixel is measured."""
        if self.missing is not None:
            return self.missing.values == 0
        rows, columns = self.image_shape
        size = 1 if self.mask == "random" else self.size
        tiles = 1 if self.mask == "stripes" else math.ceil(rows / size), math.ceil(columns / size)
        count = math.prod(tiles)
        chosen = np.random.default_rng(self.seed).permutation(count) < max(round(self.kept * count), 1)
        grid = chosen.reshape(tiles).repeat(size, axis=1)[:, :columns]
        return np.broadcast_to(grid, (rows, columns)) if tiles[0] == 1 else grid.repeat(size, axis=0)[:rows]

    def _on(self, device: torch.device) -> Tensor:
        return self._table("mask", device, torch.float32, lambda: self._mask)

    def _apply(self, x: Tensor) -> Tensor:
        return torch.where(self._on(x.device), x, 0.0)  # not a product: what is missing may be NaN

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._apply(y)

    def _normal(self, x: Tensor) -> Tensor:
        return self._apply(x)

    def solve_shifted(self, b: Tensor, alpha: float | Tensor) -> Tensor:
        """``b / (m + alpha)``."""
        if torch.is_tensor(alpha):
            return b / (self._on(b.device).to(b.dtype.to_real()) + alpha)
        # Of the last alpha: iterations ask for the same again and again.
        kept = self._table("divided", b.device, b.dtype, MadeOnce)
        kept.drop(lambda key: key != alpha)
        return b * kept.get_or_make(alpha, lambda: 1.0 / (self._on(b.device).to(b.dtype.to_real()) + alpha))

    def halves(self) -> tuple[Half, Half] | None:
        """Every other measured pixel, as on a chequerboard, and the rest; None where one of them were empty."""
        rows, columns = np.indices(self.image_shape)
        masks = [self._mask & ((rows + columns) % 2 == k) for k in (0, 1)]
        if not all(mask.any() for mask in masks):
            return None
        first, second = (dataclasses.replace(self, mask="custom", missing=Array(~mask)) for mask in masks)
        return (first, first._apply), (second, second._apply)

    def pinv(self, y: Tensor) -> Tensor:
        """What was measured, and a smooth surface in between: see ``push_pull.fill``."""
        self._check(y, "adjoint")
        return fill(y, self._on(y.device))

    def estimate_std(self, y: Tensor) -> float:
        """From what was measured: see ``push_pull.noise_among_kept``."""
        return noise_among_kept(y, self._on(y.device))

    def noise_remark(self, y: Tensor) -> str:
        return remark_on_kept(y, self._on(y.device))

    def memory_bytes(self) -> int:
        return 6 * math.prod(self.image_shape)
