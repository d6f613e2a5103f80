"""Operators made of others: one after another, and times a number. Side by side: ``stacked.py``."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG, build, describe
from napari_mlpatch.core.operator import Half, Operator
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import Tensor, torch


def _built(value: Any) -> Operator:
    """An operator, or the one that a description stands for."""
    return value if isinstance(value, Operator) else build(operators, value)


Part = Annotated[Operator, PlainValidator(_built), PlainSerializer(describe)]
"""An operator as a parameter; in JSON its ``{"name": ..., "params": {...}}``."""


def suggested(name: str, image_shape: tuple[int, ...]) -> Operator:
    """The operator of that name with the parameters that it suggests."""
    return build(operators, {"name": name, "params": operators.get(name).suggest(image_shape)})


def data_kind(A: Operator, image: bool | None) -> bool | None:
    """Whether the data are complex, where images are (None: either)."""
    return image if A.complex_data is None else A.complex_data


def widened(A: Operator, x: Tensor) -> Tensor:
    """An image, complex where A takes complex ones."""
    return x.to(x.dtype.to_complex()) if A.complex_image and not x.is_complex() else x


def narrowed(kind: bool | None, x: Tensor) -> Tensor:
    """The real part where something is real: the transpose of ``widened``."""
    return x.real if kind is False and x.is_complex() else x


@operators.register("composed", title="One operator after another")
@dataclass(frozen=True, config=CONFIG)
class Composed(Operator):
    """``outer(inner(x))``, which is also written ``outer @ inner``.

    Where the inner operator makes real data and the outer one takes complex images, they are taken as complex ones.
    The quick picture is ``inner.pinv(outer.pinv(y))``.

    Equation:
        A = outer ∘ inner,      Aᵀ = innerᵀ ∘ outerᵀ

    When to use it:
        A chain: a blurred picture with missing pixels, a projection seen by a camera with larger pixels. Made in Python
        by ``outer @ inner``.

    References:
        - M. Ravasi & I. Vasconcelos, PyLops: a linear-operator Python library for scalable algebra and optimization,
          SoftwareX 11 (2020) 100361, doi:10.1016/j.softx.2019.100361 (the idea of an algebra of operators).
    """

    outer: Annotated[Part, Field(description="the operator that measures")]
    inner: Annotated[Part, Field(description="the operator that acts on the image first")]

    in_forms = False

    @model_validator(mode="after")
    def _fit(self) -> Composed:
        inner, outer = self.inner, self.outer
        if tuple(inner.range_shape) != tuple(outer.domain_shape):
            raise ValueError(
                f"{type(inner).__name__} makes data of shape {list(inner.range_shape)}, but {type(outer).__name__} "
                f"takes images of shape {list(outer.domain_shape)}: give them sizes that fit"
            )
        if inner.complex_data and outer.complex_image is False:
            raise ValueError(
                f"{type(inner).__name__} makes complex data, {type(outer).__name__} takes only real images"
            )
        return self

    @classmethod
    def suggest(cls, image_shape: tuple[int, ...]) -> dict[str, Any]:
        """Missing pixels of a blurred image."""
        blur = suggested("blur", image_shape)
        return {"outer": suggested("inpainting", blur.range_shape), "inner": blur}

    @property
    def domain_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.inner.domain_shape

    @property
    def range_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.outer.range_shape

    @property
    def complex_image(self) -> bool | None:  # type: ignore[override]
        if self.inner.complex_image is not None or self.inner.complex_data is not None:
            return self.inner.complex_image
        return self.outer.complex_image

    @property
    def _between(self) -> bool | None:
        """Whether what lies between the two is complex."""
        return data_kind(self.inner, self.complex_image)

    @property
    def complex_data(self) -> bool | None:  # type: ignore[override]
        return data_kind(self.outer, self._between)

    @property
    def free_phase(self) -> bool:  # type: ignore[override]
        return self.inner.free_phase and self.outer.free_phase

    @property
    def sampled(self) -> Tensor | None:
        return self.outer.sampled

    def _apply(self, x: Tensor) -> Tensor:
        return self.outer._apply(widened(self.outer, self.inner._apply(x)))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.inner._adjoint(narrowed(self._between, self.outer._adjoint(y)))

    def _normal(self, x: Tensor) -> Tensor:
        between = self.outer._normal(widened(self.outer, self.inner._apply(x)))
        return self.inner._adjoint(narrowed(self._between, between))

    def halves(self) -> tuple[Half, Half] | None:
        """Those of the outer operator."""
        parts = self.outer.halves()
        if parts is None:
            return None
        first, second = ((dataclasses.replace(self, outer=A), pick) for A, pick in parts)
        return first, second

    def pinv(self, y: Tensor) -> Tensor:
        return self.inner.pinv(narrowed(self._between, self.outer.pinv(y)))

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor | float:
        """The product of both where they are of one size, else the inner one times the outer one's mean."""

        def make() -> Tensor | float:
            inner = self.inner.normal_symbol(device, dtype)
            if tuple(self.inner.range_shape) == tuple(self.domain_shape):
                return inner * self.outer.normal_symbol(device, dtype)
            return inner * self.outer.column_norm**2

        return self._table("circulant", device, dtype, make)

    def memory_bytes(self) -> int:
        return self.inner.memory_bytes() + self.outer.memory_bytes()

    def picture(self, x: Tensor) -> Tensor:
        return self.inner.picture(x)

    def more_pictures(self, x: Tensor) -> dict[str, Tensor]:
        return self.inner.more_pictures(x)

    def data_picture(self, y: Tensor) -> Tensor:
        return self.outer.data_picture(y)

    def estimate_std(self, y: Tensor) -> float:
        return self.outer.estimate_std(y)

    def remarks(self, y: Tensor) -> tuple[str, ...]:
        return self.outer.remarks(y)

    def noise_remark(self, y: Tensor) -> str:
        return self.outer.noise_remark(y)

    def noise_level(self, y: Tensor) -> tuple[float, str] | None:
        return self.outer.noise_level(y)


@operators.register("scaled", title="An operator times a number")
@dataclass(frozen=True, config=CONFIG)
class Scaled(Operator):
    """``factor · A(x)``, which is also written ``factor * A``: the same in other units.

    Equation:
        A = factor · B,      Aᵀ = factor · Bᵀ

    When to use it:
        Data in other units than the operator's. Made in Python by ``2.0 * B``.
    """

    operator: Annotated[Part, Field(description="the operator A")]
    factor: Annotated[float, Field(description="what its data are multiplied by, not zero")] = 1.0

    in_forms = False

    @model_validator(mode="after")
    def _not_zero(self) -> Scaled:
        if self.factor == 0:
            raise ValueError("the factor is zero: nothing would be measured")
        return self

    @classmethod
    def suggest(cls, image_shape: tuple[int, ...]) -> dict[str, Any]:
        """A blurred image in thousandths."""
        return {"operator": suggested("blur", image_shape), "factor": 1000.0}

    @property
    def domain_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.operator.domain_shape

    @property
    def range_shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.operator.range_shape

    @property
    def complex_image(self) -> bool | None:  # type: ignore[override]
        return self.operator.complex_image

    @property
    def complex_data(self) -> bool | None:  # type: ignore[override]
        return self.operator.complex_data

    @property
    def free_phase(self) -> bool:  # type: ignore[override]
        return self.operator.free_phase

    @property
    def closed_form(self) -> bool:  # type: ignore[override]
        return self.operator.closed_form

    @property
    def sampled(self) -> Tensor | None:
        return self.operator.sampled

    @property
    def norm(self) -> float:  # type: ignore[override]
        return abs(self.factor) * self.operator.norm

    @property
    def column_norm(self) -> float:  # type: ignore[override]
        return abs(self.factor) * self.operator.column_norm

    def _apply(self, x: Tensor) -> Tensor:
        return self.factor * self.operator._apply(x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.factor * self.operator._adjoint(y)

    def _normal(self, x: Tensor) -> Tensor:
        return self.factor**2 * self.operator._normal(x)

    def solve_shifted(self, b: Tensor, alpha: float | Tensor) -> Tensor:
        """``(A'A' + alpha I)⁻¹ b`` for A' = factor · A, from A's own."""
        return self.operator.solve_shifted(b, alpha / self.factor**2) / self.factor**2

    def halves(self) -> tuple[Half, Half] | None:
        parts = self.operator.halves()
        if parts is None:
            return None
        first, second = ((dataclasses.replace(self, operator=A), pick) for A, pick in parts)
        return first, second

    def pinv(self, y: Tensor) -> Tensor:
        return self.operator.pinv(y) / self.factor

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor | float:
        return self._table(
            "circulant", device, dtype, lambda: self.factor**2 * self.operator.normal_symbol(device, dtype)
        )

    def memory_bytes(self) -> int:
        return self.operator.memory_bytes()

    def picture(self, x: Tensor) -> Tensor:
        return self.operator.picture(x)

    def more_pictures(self, x: Tensor) -> dict[str, Tensor]:
        return self.operator.more_pictures(x)

    def data_picture(self, y: Tensor) -> Tensor:
        return self.operator.data_picture(y)

    def estimate_std(self, y: Tensor) -> float:
        return abs(self.factor) * self.operator.estimate_std(y / self.factor)

    def remarks(self, y: Tensor) -> tuple[str, ...]:
        return self.operator.remarks(y / self.factor)

    def noise_remark(self, y: Tensor) -> str:
        return self.operator.noise_remark(y / self.factor)

    def noise_level(self, y: Tensor) -> tuple[float, str] | None:
        told = self.operator.noise_level(y / self.factor)
        return None if told is None else (abs(self.factor) * told[0], told[1])
