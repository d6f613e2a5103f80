"""How operators are differentiated. Imported when the first one is applied, because it needs PyTorch at once."""

from __future__ import annotations

import inspect
import itertools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .operator import Operator

TRANSPOSE = {"apply": "adjoint", "adjoint": "apply", "normal": "normal", "spread": "gathered", "gathered": "spread"}


_traced: WeakValueDictionary[int, Operator] = WeakValueDictionary()
_number = itertools.count()
"""Of a traced step: unlike ``id``, no later operator has it."""
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


def held(step: Any, by: Operator) -> Any:
    """The step, which lives as long as the operator that made it where it is traced: the graph does not hold it."""
    if is_traced() and step is not by:
        vars(by)["_steps"] = (*vars(by).get("_steps", ()), step)
    return step


class Linear(torch.autograd.Function):
    """``op._apply`` (or its transpose) with the exact transpose as derivative, to any order.

    A linear map is its own derivative forwards (``jvp``); ``vmap``'s axis joins the batch. So operators take part in
    ``torch.func``.
    """

    @staticmethod
    def forward(x: Tensor, operator: Operator, kind: str) -> Tensor:  # type: ignore[override]
        if is_traced():
            number = next(_number)
            _traced[number] = operator
            return torch.ops.napari_mlpatch.linear(x, number, kind)
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
    """A function of batches that looks at values, as quick pictures do for the noise in them, under ``torch.func``.

    ``vmap``'s axis joins the batch, whose items are independent; derivatives are the function's own, itemwise too.
    """

    @staticmethod
    def forward(f: Callable[..., Tensor], *tensors: Tensor) -> Tensor:  # type: ignore[override]
        return f(*tensors)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.f, *tensors = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, grad: Tensor):  # type: ignore[override]
        f, tensors = ctx.f, ctx.saved_tensors
        return None, *(Itemwise.apply(_pulled(f, i), *tensors, grad) for i in range(len(tensors)))

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Tensor | None):  # type: ignore[override]
        known = zip(ctx.saved_tensors, tangents, strict=True)
        changes = (torch.zeros_like(x) if change is None else change for x, change in known)
        return Itemwise.apply(_pushed(ctx.f), *ctx.saved_tensors, *changes)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], f: Callable[..., Tensor], *tensors: Tensor):  # type: ignore[override]
        size = info.batch_size
        stacks = [
            x.expand(size, *x.shape) if axis is None else x.movedim(axis, 0)
            for x, axis in zip(tensors, in_dims[1:], strict=True)
        ]
        return Itemwise.apply(f, *(x.flatten(0, 1) for x in stacks)).unflatten(0, (size, -1)), 0  # type: ignore[union-attr]


def _pushed(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """``(x, dx) -> f'(x) dx``, x and dx several tensors each."""

    def push(*tensors: Tensor) -> Tensor:
        half = len(tensors) // 2
        return torch.func.jvp(f, tensors[:half], tensors[half:])[1]

    return push


def _pulled(f: Callable[..., Tensor], index: int) -> Callable[..., Tensor]:
    """``(x, v) -> f'(x)ᵀ v``, of x several tensors, the part of number ``index``."""

    def pull(*tensors: Tensor) -> Tensor:
        return torch.func.vjp(f, *tensors[:-1])[1](tensors[-1])[index]

    return pull


def itemwise(f: Callable[[Tensor], Tensor], y: Tensor) -> Tensor:
    """``f(y)`` for y ``[B, ...]``, also inside of transforms of ``torch.func``."""
    return Itemwise.apply(f, y) if torch._C._are_functorch_transforms_active() else f(y)  # type: ignore[return-value]
