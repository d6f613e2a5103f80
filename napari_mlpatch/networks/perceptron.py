"""Multi-layer perceptrons, several side by side as batched matrix products."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Perceptrons(nn.Module):
    """``count`` perceptrons of the same shape, ReLU between the layers and none after the last.

    Weights are ``[count, in, out]``. With ``sigma_input`` the first layer has one more input, the noise level.
    He's initialisation; the last layer is scaled by ``last`` (0: the output is zero at first).
    """

    def __init__(self, count: int, sizes: Sequence[int], *, sigma_input: bool = False, last: float = 1.0):
        super().__init__()
        self.count, self.sigma_input = count, sigma_input
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        inputs = [sizes[0] + sigma_input, *sizes[1:-1]]
        for k, (a, b) in enumerate(zip(inputs, sizes[1:], strict=True)):
            is_last = k == len(inputs) - 1
            gain = last * math.sqrt(1 / a) if is_last else math.sqrt(2 / a)
            self.weights.append(nn.Parameter(gain * torch.randn(count, a, b)))
            self.biases.append(nn.Parameter(torch.zeros(count, b)))

    def forward(self, x: Tensor, sigma: Tensor | None, fold: Tensor | None = None) -> Tensor:
        """``x: [count, L, in]``, ``sigma``: None, one number or ``[L]`` -> ``[count, L, out]``.

        ``fold: [count, raw, in]`` says that x are raw values, which a linear map takes to the inputs; the map is
        then multiplied into the first layer. Weights are cast to the type of x.
        """
        weights = list(self.weights)
        first, bias, own = weights[0], self.biases[0][:, None], None
        if self.sigma_input:
            assert sigma is not None
            first, own = first[:, :-1], first[:, -1:]
            bias = bias + sigma.reshape(1, -1, 1).to(own.dtype) * own
        weights[0] = first if fold is None else fold @ first.to(fold.dtype)
        biases = [bias, *(b[:, None] for b in self.biases[1:])]
        pairs = [(w.to(x.dtype), b.to(x.dtype)) for w, b in zip(weights, biases, strict=True)]
        if torch.is_grad_enabled() or x.is_cuda:
            for k, (w, b) in enumerate(pairs):
                x = torch.baddbmm(b, x, w)
                if k < len(pairs) - 1:
                    x = x.relu_()
            return x
        return torch.stack([_alone(x[m], [(w[m], b[m]) for w, b in pairs]) for m in range(self.count)])


def _alone(x: Tensor, layers: list[tuple[Tensor, Tensor]]) -> Tensor:
    """One perceptron without gradients: on a CPU, one after the other keeps the layers in the cache."""
    for k, (w, b) in enumerate(layers):
        x = torch.addmm(b, x, w)
        if k < len(layers) - 1:
            x = x.relu_()
    return x
