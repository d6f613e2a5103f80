"""The proximal map of total variation: the TV denoiser of Rudin, Osher and Fatemi."""

from __future__ import annotations

import math

from napari_mlpatch.torch_later import Tensor, torch

from .gradient import gradient, gradient_norm, gradient_transpose
from .items import chosen, each, item_count

LOOKS = 8  # of so many iterations on a GPU, where each look at a number waits for it, one is looked at


def tv_prox(v: Tensor, weight: float | Tensor, *, iterations: int = 100, tolerance: float = 1e-4) -> Tensor:
    """``argmin_x ½ ‖x - v‖² + weight · sum |gradient of x|`` for images ``[B, C, *space]``, real or complex.

    Accelerated projected gradients on the dual (Beck & Teboulle, IEEE Trans. Image Process. 18, 2009, algorithm FGP);
    isotropic. ``weight`` is one for all, or ``[B]``. Each item stops when it changes by less than ``tolerance``,
    relatively.
    """
    axes, count = v.ndim - 2, item_count(v)
    weights = torch.as_tensor(weight, dtype=torch.float64).expand(count)
    positive = weights > 0
    if not bool(positive.any()):
        return v
    going = positive.to(v.device)
    strength, step_length = each(weights, v), each(1.0 / (4.0 * axes * torch.where(positive, weights, 1.0)), v)
    every = 1 if v.device.type == "cpu" else LOOKS
    p = torch.zeros_like(gradient(v, axes))
    q, t, x = p, 1.0, v
    for k in range(1, iterations + 1):
        step = q + gradient(v - strength * gradient_transpose(q), axes) * step_length
        p, previous = step / gradient_norm(step, True).clamp(min=1.0), p
        t, old = (1.0 + math.sqrt(1.0 + 4.0 * t * t)) / 2.0, t
        q = p + ((old - 1.0) / t) * (p - previous)
        new = v - strength * gradient_transpose(p)
        moved, size = ((torch.linalg.vector_norm(d.flatten(1), dim=1)) for d in (new - x, new))
        x = new if count == every == 1 else chosen(going, new, x)
        going = going & (moved > tolerance * size)
        if k % every == 0 and not bool(going.any()):
            break
    return x
