"""How fast the iteration ``z <- f(z)`` converges near a fixed point: the spectral radius of its Jacobian."""

from __future__ import annotations

from collections.abc import Callable

from napari_mlpatch.torch_later import Tensor, torch

from .states import State, each_norm, joined, parts, separated


def spectral_radius(
    f: Callable[[State], State], z: State, *, iterations: int = 50, tolerance: float = 1e-3, seed: int = 0
) -> Tensor:
    """Largest magnitude of the eigenvalues of f's Jacobian J at z, for each item, ``[B]`` in double precision.

    Below one, plain iterations converge there, by that factor each in the end; above one, they do not. Power iterations
    ``v <- Jᵀ v`` from white noise, for which J is never made. Of each three vectors in line, ``v2 = a v1 + b v0`` in
    least squares, and the larger root of ``t² = a t + b`` is the estimate: so pairs of conjugate eigenvalues are found
    as well. They end when no estimate changes by more than ``tolerance`` of itself. Where many eigenvalues are about as
    large, it comes from below. Works under ``torch.inference_mode``, if what f depends on was made outside.
    """
    like = parts(z)
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode(False), torch.enable_grad():
        start = tuple(part.detach().clone().requires_grad_() for part in like)
        image = f(start if isinstance(z, tuple) else start[0])
        differentiable = [part for part in parts(image) if part.requires_grad]

    def transpose(v: Tensor) -> Tensor:
        chosen = [w for w, part in zip(separated(v, like), parts(image), strict=True) if part.requires_grad]
        with torch.inference_mode(False), torch.enable_grad():
            found = torch.autograd.grad(
                differentiable, start, [w.clone() for w in chosen], retain_graph=True, materialize_grads=True
            )
        return joined(found).detach()

    x = joined(start).detach()
    v = torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x)
    radius = torch.zeros(len(v), dtype=torch.float64, device=v.device)
    if not differentiable:
        return radius
    v0, length = _unit(v)
    v1, length = _unit(transpose(v0))
    for _ in range(iterations):
        image_of_v1 = transpose(v1)
        before, radius = radius, _larger_root(v0.double() / length[:, None].clamp(min=1e-300), v1.double(), image_of_v1)
        v0, (v1, length) = v1, _unit(image_of_v1)
        if bool(((radius - before).abs() <= tolerance * radius).all()):
            break
    return radius


def _unit(v: Tensor) -> tuple[Tensor, Tensor]:
    """Items of length one, or zero, and the lengths that they had."""
    length = each_norm(v)
    return v / torch.where(length > 0, length, 1.0)[:, None].to(v.dtype), length


def _larger_root(v0: Tensor, v1: Tensor, v2: Tensor) -> Tensor:
    """Largest magnitude of the roots of ``t² = a t + b`` for ``v2 = a v1 + b v0`` in least squares."""
    basis = torch.stack([v1, v0], 2)
    size = torch.linalg.vector_norm(basis, dim=1, keepdim=True).clamp(min=1e-300)
    gram = (basis / size).mT @ (basis / size)
    a, b = (
        (torch.linalg.pinv(gram, rtol=1e-6, hermitian=True) @ ((basis / size).mT @ v2.double()[..., None]))[..., 0]
        / size[:, 0]
    ).unbind(1)
    root = torch.sqrt((a * a + 4.0 * b).to(torch.complex128))
    return torch.maximum((a + root).abs(), (a - root).abs()) / 2.0
