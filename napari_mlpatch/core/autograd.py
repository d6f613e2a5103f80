"""How operators are differentiated. Imported when the first one is applied, because it needs PyTorch at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .operator import Operator

TRANSPOSE = {"apply": "adjoint", "adjoint": "apply", "normal": "normal"}


class Linear(torch.autograd.Function):
    """``op._apply`` (or its transpose) with the exact transpose as derivative, to any order.

    A linear map is its own derivative forwards (``jvp``); ``vmap``'s axis joins the batch. So operators take part in
    ``torch.func``.
    """

    @staticmethod
    def forward(x: Tensor, operator: Operator, kind: str) -> Tensor:  # type: ignore[override]
        with torch.autocast(x.device.type, enabled=False):  # never half precision in transforms and projectors
            return getattr(operator, f"_{kind}")(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Operator, str], output: Tensor) -> None:
        _, ctx.operator, ctx.kind = inputs

    @staticmethod
    def backward(ctx: Any, grad: Tensor):  # type: ignore[override]
        return Linear.apply(grad, ctx.operator, TRANSPOSE[ctx.kind]), None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: None):  # type: ignore[override]
        return Linear.apply(tangent, ctx.operator, ctx.kind)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None, None], x: Tensor, operator: Operator, kind: str):  # type: ignore[override]
        x = x.movedim(in_dims[0], 0)
        return Linear.apply(x.flatten(0, 1), operator, kind).unflatten(0, x.shape[:2]), 0  # type: ignore[union-attr]
