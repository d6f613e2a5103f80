"""A rectifier with learned slopes whose derivative is as fast as the convolutions around it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class PReLU(nn.PReLU):
    """``max(x, 0) + a min(x, 0)`` with a slope a for each channel of ``[B, C, ...]``; as PyTorch's, to the last bit.

    PyTorch computes its derivative on a CPU number by number, which takes as long as that of a convolution; here it is
    three operations on vectors.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.device.type != "cpu" or torch._C._are_functorch_transforms_active():
            return super().forward(input)
        return _Rectified.apply(input, self.weight.to(input.dtype))  # type: ignore[return-value]


class _Rectified(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, slopes: Tensor) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(x, slopes)
        return nn.functional.prelu(x, slopes)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        x, slopes = ctx.saved_tensors
        above = torch.ops.aten.threshold_backward(grad, x, 0)  # where x > 0, without a mask of booleans, which is slow
        below = grad - above
        each = slopes.view(1, -1, *[1] * (x.ndim - 2))
        return torch.addcmul(above, below, each), (below * x).sum([0, *range(2, x.ndim)])
