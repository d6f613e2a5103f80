"""Several operators that measure one image."""

from __future__ import annotations

import math
from functools import cached_property, reduce
from operator import add
from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import Tensor, torch

from .composed import Part, data_kind, narrowed, suggested, widened


@operators.register("stacked", title="Several operators on one image")
@dataclass(frozen=True, config=CONFIG)
class Stacked(Operator):
    """All measurements of several operators of the same image, one after the other as a vector.

    They are complex where one part's are. Images are real where one part takes only real ones. The quick picture is
    the mean of the parts' quick pictures. Noise of one standard deviation is right where all parts have the same.

    Equation:
        A x = (A₁ x, A₂ x, ...),      Aᵀy = Σᵢ Aᵢᵀ yᵢ

    When to use it:
        Several measurements of one object: two scans with other angles, CT beside a camera, an array in two
        configurations.
    """

    parts: Annotated[tuple[Part, ...], Field(min_length=1, description="operators on images of the same shape")]

    in_forms = False

    @model_validator(mode="after")
    def _fit(self) -> Stacked:
        shapes = [list(A.domain_shape) for A in self.parts]
        if any(shape != shapes[0] for shape in shapes):
            seen = ", ".join(f"{type(A).__name__} {s}" for A, s in zip(self.parts, shapes, strict=True))
            raise ValueError(f"all parts must take images of one shape, these take {seen}")
        return self

    @classmethod
    def suggest(cls, image_shape: tuple[int, ...]) -> dict[str, Any]:
        """A blurred image, and one with missing pixels."""
        return {"parts": tuple(suggested(name, image_shape) for name in ("blur", "inpainting"))}

    @property
    def domain_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.parts[0].domain_shape

    @property
    def range_shape(self) -> tuple[int]:  # type: ignore[override]
        return (sum(self._sizes),)

    @property
    def complex_image(self) -> bool | None:  # type: ignore[override]
        kinds = {A.complex_image for A in self.parts}
        return False if False in kinds else True if True in kinds else None

    @property
    def complex_data(self) -> bool | None:  # type: ignore[override]
        kinds = {data_kind(A, self.complex_image) for A in self.parts}
        return True if True in kinds else None if None in kinds else False

    @property
    def free_phase(self) -> bool:  # type: ignore[override]
        return all(A.free_phase for A in self.parts)

    @property
    def _sizes(self) -> list[int]:
        return [math.prod(A.range_shape) for A in self.parts]

    def split(self, y: Tensor) -> list[Tensor]:
        """The parts' measurements, each in its own shape."""
        pieces = zip(self.parts, torch.split(y, self._sizes, dim=-1), strict=True)
        return [narrowed(data_kind(A, self.complex_image), v.unflatten(-1, A.range_shape)) for A, v in pieces]

    @cached_property
    def _sampled(self) -> Tensor | None:
        masks = [A.sampled for A in self.parts]
        if all(mask is None for mask in masks):
            return None
        full = [torch.tensor(True) if mask is None else mask.cpu() for mask in masks]
        return torch.cat([mask.expand(A.range_shape).flatten() for A, mask in zip(self.parts, full, strict=True)])

    @property
    def sampled(self) -> Tensor | None:
        return self._sampled

    @property
    def column_norm(self) -> float:  # type: ignore[override]
        return math.hypot(*(A.column_norm for A in self.parts))

    def _sum(self, images: list[Tensor]) -> Tensor:
        return reduce(add, (narrowed(self.complex_image, x) for x in images))

    def _apply(self, x: Tensor) -> Tensor:
        return torch.cat([A._apply(widened(A, x)).flatten(2) for A in self.parts], dim=-1)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._sum([A._adjoint(v) for A, v in zip(self.parts, self.split(y), strict=True)])

    def _normal(self, x: Tensor) -> Tensor:
        return self._sum([A._normal(widened(A, x)) for A in self.parts])

    def pinv(self, y: Tensor) -> Tensor:
        self._check(y, "adjoint")
        return self._sum([A.pinv(v) for A, v in zip(self.parts, self.split(y), strict=True)]) / len(self.parts)

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor | float:
        return self._table(
            "circulant", device, dtype, lambda: sum((A.normal_symbol(device, dtype) for A in self.parts), 0.0)
        )

    def memory_bytes(self) -> int:
        return sum(A.memory_bytes() for A in self.parts)

    def picture(self, x: Tensor) -> Tensor:
        return self.parts[0].picture(x)

    def more_pictures(self, x: Tensor) -> dict[str, Tensor]:
        return self.parts[0].more_pictures(x)

    def data_picture(self, y: Tensor) -> Tensor:
        """The parts' pictures, one below the other."""
        pictures = [A.data_picture(v) for A, v in zip(self.parts, self.split(y), strict=True)]
        width = max(p.shape[-1] for p in pictures)
        return torch.cat([torch.nn.functional.pad(p, (0, width - p.shape[-1])) for p in pictures], dim=-2)

    def estimate_std(self, y: Tensor) -> float:
        """Root mean square over the samples of the parts' estimates."""
        found = [A.estimate_std(v) for A, v in zip(self.parts, self.split(y), strict=True)]
        return math.sqrt(sum(n * std**2 for n, std in zip(self._sizes, found, strict=True)) / sum(self._sizes))

    def remarks(self, y: Tensor) -> tuple[str, ...]:
        """Those of the parts, each once."""
        found = [A.remarks(v) for A, v in zip(self.parts, self.split(y), strict=True)]
        return tuple(dict.fromkeys(remark for its in found for remark in its))

    def noise_remark(self, y: Tensor) -> str:
        """Those of the parts, each once."""
        found = (A.noise_remark(v) for A, v in zip(self.parts, self.split(y), strict=True))
        return " ".join(dict.fromkeys(filter(None, found)))
