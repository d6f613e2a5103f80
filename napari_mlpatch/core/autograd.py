"""How operators are differentiated. Imported when the first one is applied, because it needs PyTorch at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .operator import Operator


class Linear(torch.autograd.Function):
    """``op._apply`` (or its transpose) with the exact transpose as derivative, to any order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, operator: Operator, kind: str) -> Tensor:  # type: ignore[override]
        ctx.operator, ctx.kind = operator, kind
        with torch.autocast(x.device.type, enabled=False):  # never half precision in transforms and projectors
            return getattr(operator, f"_{kind}")(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor):  # type: ignore[override]
        transpose = {"apply": "adjoint", "adjoint": "apply", "normal": "normal"}[ctx.kind]
        return Linear.apply(grad, ctx.operator, transpose), None, None
