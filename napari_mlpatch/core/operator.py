"""The linear forward operator A of a measurement ``y = A x + n``."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from .errors import InputError


class _Linear(torch.autograd.Function):
    """``op._apply`` (or its transpose) with the exact transpose as derivative, to any order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, operator: Operator, kind: str) -> Tensor:  # type: ignore[override]
        ctx.operator, ctx.kind = operator, kind
        with torch.autocast(x.device.type, enabled=False):  # never half precision in transforms and projectors
            return getattr(operator, f"_{kind}")(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor):  # type: ignore[override]
        transpose = {"apply": "adjoint", "adjoint": "apply", "normal": "normal"}[ctx.kind]
        return _Linear.apply(grad, ctx.operator, transpose), None, None


class Operator:
    """A linear map A from images to measurements.

    Tensors are ``[batch, channel, *space]``: ``A(x)`` takes ``[B, C, *domain_shape]`` to ``[B, C, *range_shape]``,
    ``A.T(y)`` goes back and is the exact adjoint, ``A.normal(x)`` is ``A.T(A(x))``. All follow the device and the
    floating dtype of the tensor that they are given, and are differentiable. There is no hidden normalisation and no
    noise in here.

    A subclass is a frozen pydantic dataclass (its fields are the parameters) that sets ``domain_shape`` and
    ``range_shape`` and defines ``_apply`` and ``_adjoint``; ``_normal``, ``pinv`` and ``normal_symbol`` where
    something faster or better than the default exists.
    """

    domain_shape: tuple[int, ...]
    range_shape: tuple[int, ...]

    dtypes = (torch.float32, torch.float64, torch.complex64, torch.complex128)
    """What it computes in. A subclass that knows only real tensors leaves out the complex ones."""

    @classmethod
    def suggest(cls, image_shape: tuple[int, ...]) -> dict[str, Any]:
        """Sensible parameters for simulating from an image of this shape: what forms and commands start from."""
        return {"image_shape": image_shape}

    def __call__(self, x: Tensor) -> Tensor:
        """A x."""
        return self._linear(x, "apply")

    @property
    def T(self) -> Adjoint:
        """The adjoint, itself callable; ``A.T.T is A``."""
        return Adjoint(self)  # not kept: a cycle would keep the operator's tables until the garbage is collected

    def normal(self, x: Tensor) -> Tensor:
        """AᵀA x, by the fastest exact way that the operator knows."""
        return self._linear(x, "normal")

    def pinv(self, y: Tensor) -> Tensor:
        """The field's usual quick image from a measurement (filtered back-projection, zero-filling...)."""
        return self.T(y) / self.norm**2

    @cached_property
    def norm(self) -> float:
        """The largest singular value of A, by 30 power iterations in float32 on the CPU (from below, within 1 %)."""
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(1, 1, *self.domain_shape, generator=generator)
        value = 0.0
        for _ in range(30):
            x = self.normal(x / torch.linalg.vector_norm(x))
            value = float(torch.linalg.vector_norm(x))
            if value == 0:
                return 0.0
        return math.sqrt(value)

    @cached_property
    def column_norm(self) -> float:
        """Root mean square of the norms of A's columns, ``sqrt(trace(AᵀA) / n)``, from 4 random probes."""
        generator = torch.Generator().manual_seed(0)
        z = torch.randint(0, 2, (4, 1, *self.domain_shape), generator=generator) * 2.0 - 1.0
        return math.sqrt(max(float((z * self.normal(z)).real.mean()), 0.0))

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor | float:
        """Eigenvalues of a circulant approximation of AᵀA in ``rfft2`` layout: what preconditioners divide by."""
        return self.column_norm**2

    def memory_bytes(self) -> int:
        """Estimate of the memory that the operator's own tables take, in bytes, in float32."""
        return 0

    def _apply(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _adjoint(self, y: Tensor) -> Tensor:
        raise NotImplementedError

    def _normal(self, x: Tensor) -> Tensor:
        return self._adjoint(self._apply(x))

    def _linear(self, x: Tensor, kind: str) -> Tensor:
        self._check(x, kind)
        return _Linear.apply(x, self, kind)  # type: ignore[return-value]

    def _check(self, x: Tensor, kind: str) -> None:
        side, shape = ("measurement", self.range_shape) if kind == "adjoint" else ("image", self.domain_shape)
        name = type(self).__name__
        if x.ndim != 2 + len(shape) or tuple(x.shape[2:]) != tuple(shape):
            raise InputError(
                f"{name} expects a {side} of shape [batch, channel, {', '.join(map(str, shape))}], "
                f"got {list(x.shape)}. Reshape the data or change the operator's sizes."
            )
        if x.dtype not in self.dtypes:
            known = " or ".join(str(t).removeprefix("torch.") for t in self.dtypes)
            given = str(x.dtype).removeprefix("torch.")
            raise InputError(f"{name} computes in {known}, got {given}. Convert the {side} first, e.g. with .float().")


class Adjoint:
    """Aᵀ as an object: ``A.T(y)``, with its two shapes and ``.T`` back to A."""

    def __init__(self, operator: Operator):
        self.T = operator
        self.domain_shape = operator.range_shape
        self.range_shape = operator.domain_shape

    def __call__(self, y: Tensor) -> Tensor:
        return self.T._linear(y, "adjoint")
