"""How operators are differentiated. Imported when the first one is applied, because it needs PyTorch at once."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .operator import Operator

TRANSPOSE = {"apply": "adjoint", "adjoint": "apply", "normal": "normal"}


_traced: WeakValueDictionary[int, Operator] = WeakValueDictionary()
_library = torch.library.Library("napari_mlpatch", "FRAGMENT")
_library.define("linear(Tensor x, int operator, str kind) -> Tensor")


def applied(x: Tensor, operator: Operator, kind: str) -> Tensor:
    """``operator._kind(x)``, never in half precision."""
    if not torch.is_autocast_enabled(x.device.type):  # entering a context takes as long as a small transform
        return getattr(operator, f"_{kind}")(x)
    with torch.autocast(x.device.type, enabled=False):
        return getattr(operator, f"_{kind}")(x)


@torch.library.impl(_library, "linear", "CompositeExplicitAutograd")
def _linear(x: Tensor, operator: int, kind: str) -> Tensor:
    """An operator as one step of a traced graph, which cannot hold sparse tables; the operator lives elsewhere."""
    if operator not in _traced:
        raise RuntimeError("The operator of a traced function is gone: keep it as long as the function.")
    return applied(x, _traced[operator], kind)


def is_traced() -> bool:
    """Whether ``torch.fx`` notes each step, as ``torch.func.linearize`` does."""
    tracing = sys.modules.get("torch.fx.experimental.proxy_tensor")
    return tracing is not None and tracing.get_proxy_mode() is not None


class Linear(torch.autograd.Function):
    """``op._apply`` (or its transpose) with the exact transpose as derivative, to any order.

    A linear map is its own derivative forwards (``jvp``); ``vmap``'s axis joins the batch. So operators take part in
    ``torch.func``.
    """

    @staticmethod
    def forward(x: Tensor, operator: Operator, kind: str) -> Tensor:  # type: ignore[override]
        if is_traced():
            _traced[id(operator)] = operator
            return torch.ops.napari_mlpatch.linear(x, id(operator), kind)
        return applied(x, operator, kind)

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


Linear.forward.__signature__ = inspect.signature(Linear.forward)  # type: ignore[attr-defined]
"""PyTorch asks for it at each call, which took as long as an operator on a small image."""


class Itemwise(torch.autograd.Function):
    """A function of a batch that looks at values, as quick pictures do for the noise in them, under ``torch.func``.

    ``vmap``'s axis joins the batch, whose items are independent; derivatives are the function's own.
    """

    @staticmethod
    def forward(y: Tensor, f: Callable[[Tensor], Tensor]) -> Tensor:  # type: ignore[override]
        return f(y)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Any], output: Tensor) -> None:
        y, ctx.f = inputs
        ctx.save_for_backward(y)
        ctx.save_for_forward(y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor):  # type: ignore[override]
        return torch.func.vjp(ctx.f, *ctx.saved_tensors)[1](grad)[0], None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None):  # type: ignore[override]
        return torch.func.jvp(ctx.f, ctx.saved_tensors, (tangent,))[1]

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], y: Tensor, f: Callable[[Tensor], Tensor]):  # type: ignore[override]
        y = y.movedim(in_dims[0], 0)
        return Itemwise.apply(y.flatten(0, 1), f).unflatten(0, y.shape[:2]), 0  # type: ignore[union-attr]


def itemwise(f: Callable[[Tensor], Tensor], y: Tensor) -> Tensor:
    """``f(y)`` for y ``[B, ...]``, also inside of transforms of ``torch.func``."""
    return Itemwise.apply(y, f) if torch._C._are_functorch_transforms_active() else f(y)  # type: ignore[return-value]
