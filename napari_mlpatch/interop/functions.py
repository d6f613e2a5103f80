"""Operators from a pair of Python functions, and the test that the second is the adjoint of the first."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass
from torch import Tensor

from napari_mlpatch.core.declare import CONFIG, PYTHON
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import gives_input_errors

Function = Annotated[Callable[[Any], Any], Field(exclude=True)]
Shape = tuple[int, ...]


@functools.partial(gives_input_errors, title="operator from functions")
@dataclass(frozen=True, config=CONFIG)
class FromFunctions(Operator):
    """``A(x) = apply(x)`` and ``A.T(y) = adjoint(y)``, functions of tensors ``[batch, channel, *shape]``.

    Both must be linear, return tensors of the other's shape on the same device, and leave the batch and the channels
    apart; ``check_adjoint`` tests that they belong together. Say so where images or data are complex. A recipe cannot
    hold functions: it names them, and can only be run in the program that has them.

    >>> A = FromFunctions(apply=lambda x: x.cumsum(-1), adjoint=lambda y: y.flip(-1).cumsum(-1).flip(-1),
    ...                   domain_shape=(64, 64), range_shape=(64, 64), name="sums")
    >>> check_adjoint(A)
    """

    apply: Annotated[Function, Field(description="the operator")]
    adjoint: Annotated[Function, Field(description="its adjoint")]
    domain_shape: Annotated[Shape, Field(description="shape of an image")]
    range_shape: Annotated[Shape, Field(description="shape of a measurement")]
    name: Annotated[str, Field(description="what recipes call it")] = PYTHON + "functions"
    complex_image: Annotated[bool, Field(description="whether images are complex")] = False  # type: ignore[misc]
    complex_data: Annotated[bool, Field(description="whether measurements are complex")] = False  # type: ignore[misc]

    in_forms = False

    @field_validator("domain_shape", "range_shape")
    @classmethod
    def _sizes(cls, shape: Shape) -> Shape:
        if not shape or min(shape) < 1:
            raise ValueError(f"a shape has at least one size, and sizes from 1 on, got {list(shape)}")
        return shape

    @field_validator("name")
    @classmethod
    def _marked(cls, name: str) -> str:
        return name if name.startswith(PYTHON) else PYTHON + name

    @model_validator(mode="after")
    def _kinds(self) -> FromFunctions:
        if self.complex_image and not self.complex_data:
            raise ValueError("complex images with real data are not a linear operator over complex numbers")
        return self

    @classmethod
    def of_numpy(cls, apply: Function, adjoint: Function, **parameters: Any) -> FromFunctions:
        """From functions of single NumPy arrays of ``domain_shape`` and ``range_shape``. They run on the CPU."""
        return cls(apply=_each(apply), adjoint=_each(adjoint), **parameters)

    @property
    def title(self) -> str:
        return self.name.removeprefix(PYTHON)

    def _apply(self, x: Tensor) -> Tensor:
        return self._called(self.apply, x, self.range_shape, self.complex_data)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._called(self.adjoint, y, self.domain_shape, self.complex_image)

    def _called(self, function: Function, x: Tensor, shape: Shape, is_complex: bool) -> Tensor:
        result = function(x)
        which = "apply" if function is self.apply else "adjoint"
        wanted = (*x.shape[:2], *shape)
        if not isinstance(result, Tensor) or tuple(result.shape) != wanted:
            seen = list(result.shape) if isinstance(result, Tensor) else type(result).__name__
            raise InputError(f"{which} of {self.title!r} gave {seen}, a tensor of shape {list(wanted)} is needed.")
        if result.is_complex() and not is_complex:
            kind = "complex_data" if which == "apply" else "complex_image"
            raise InputError(f"{which} of {self.title!r} gave complex numbers: set {kind}, or return the real part.")
        dtype = x.dtype.to_real()
        return result.to(dtype.to_complex() if is_complex else dtype)


def check_adjoint(
    A: Operator, *, tolerance: float = 1e-4, channels: int = 1, device: str = "cpu", seed: int = 0
) -> float:
    """How far ``A.T`` is from A's adjoint: ``|<A x, y> - <x, Aᵀ y>| / (‖A x‖ ‖y‖)``, the worst of four random pairs.

    In single precision, about 1e-6 is exact. Raises InputError beyond ``tolerance``, with the factor between the two
    where it is always the same, and for an A that is not linear.
    """
    generator = torch.Generator().manual_seed(seed)
    worst, ratios = 0.0, []

    def noise(shape: Shape, is_complex: bool | None) -> Tensor:
        dtype = torch.complex64 if is_complex else torch.float32
        return torch.randn(1, channels, *shape, generator=generator, dtype=dtype).to(device)

    with torch.no_grad():
        for _ in range(4):
            x, z = noise(A.domain_shape, A.complex_image), noise(A.domain_shape, A.complex_image)
            Ax = A(x)
            size = _length(Ax)
            bent = _length(A(x + 2.0 * z) - Ax - 2.0 * A(z))
            if not bent <= max(tolerance, 1e-3) * (size + _length(A(z))):
                raise InputError(
                    f"A is not linear: A(x + 2 z) differs from A(x) + 2 A(z) by {bent:.3g}, A(x) is {size:.3g} long. "
                    "Take noise, offsets and clipping out of it."
                )
            y = noise(A.range_shape, Ax.is_complex())
            y = y * (size / _length(y)) + Ax  # half of it where A makes data, where a wrong adjoint shows most
            there, back = _dot(Ax, y), _dot(x, A.T(y))
            if not A.complex_image:
                there, back = complex(there.real), complex(back.real)
            worst = max(worst, abs(there - back) / max(size * _length(y), 1e-30))
            ratios.append(back / there if there else complex(math.nan))
    if worst <= tolerance:
        return worst
    spread = max(abs(r - ratios[0]) for r in ratios)
    factor = ratios[0] if A.complex_image else ratios[0].real
    hint = f" It is {factor:.4g} times the adjoint." if spread < 1e-3 * abs(ratios[0]) else ""
    raise InputError(
        f"A.T is not the adjoint of A: <A x, y> and <x, Aᵀ y> differ by {worst:.2g} of ‖A x‖ ‖y‖ ({tolerance:g} is "
        f"allowed).{hint} Methods need the exact adjoint to converge."
    )


def _dot(a: Tensor, b: Tensor) -> complex:
    wide = torch.promote_types(torch.promote_types(a.dtype, b.dtype), torch.float64)
    return complex(torch.vdot(a.flatten().to(wide), b.flatten().to(wide)))


def _length(a: Tensor) -> float:
    return math.sqrt(abs(_dot(a, a)))


def _each(function: Function) -> Function:
    """A function of arrays as one of batches of tensors."""

    def applied(x: Tensor) -> Tensor:
        arrays = x.detach().cpu().flatten(0, 1).numpy()
        results = np.stack([np.asarray(function(a)) for a in arrays])
        return torch.from_numpy(results).unflatten(0, x.shape[:2]).to(x.device)

    return applied
