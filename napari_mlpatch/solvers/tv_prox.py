"""The proximal map of total variation: the TV denoiser of Rudin, Osher and Fatemi."""

from __future__ import annotations

import math

from napari_mlpatch.torch_later import Tensor, torch

from .gradient import gradient, gradient_norm, gradient_transpose


def tv_prox(v: Tensor, weight: float, *, iterations: int = 100, tolerance: float = 1e-4) -> Tensor:
    """``argmin_x ½ ‖x - v‖² + weight · sum |gradient of x|`` for images ``[B, C, R, C']``, real or complex.

    Accelerated projected gradients on the dual (Beck & Teboulle, IEEE Trans. Image Process. 18, 2009, algorithm FGP);
    isotropic. Stops when x changes by less than ``tolerance``, relatively.
    """
    if weight <= 0:
        return v
    p = torch.zeros_like(gradient(v))
    q, t, x = p, 1.0, v
    for _ in range(iterations):
        step = q + gradient(v - weight * gradient_transpose(q)) / (8.0 * weight)
        p, previous = step / gradient_norm(step, True).clamp(min=1.0), p
        t, old = (1.0 + math.sqrt(1.0 + 4.0 * t * t)) / 2.0, t
        q = p + ((old - 1.0) / t) * (p - previous)
        x, last = v - weight * gradient_transpose(p), x
        if torch.linalg.vector_norm(x - last) <= tolerance * torch.linalg.vector_norm(x):
            break
    return x
