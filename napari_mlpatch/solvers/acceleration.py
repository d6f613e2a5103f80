"""What the next point of a fixed-point iteration is, from the last one and the memory of steps before.

Vectors are ``[B, n]``, an item of the batch each. With ``r = f(x) - x``, a memory is a tuple of pairs of vectors; an
item with zeros there has forgotten them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from napari_mlpatch.torch_later import Tensor, torch

Pairs = tuple[tuple[Tensor, Tensor], ...]


@dataclass(frozen=True)
class Plain:
    """``x + beta r``."""

    memory: int = 0
    beta: float = 1.0
    regularisation: float = 0.0

    remembers = False

    def remember(self, pairs: Pairs, dx: Tensor, dr: Tensor) -> Pairs:
        return ()

    def following(self, x: Tensor, r: Tensor, image: Tensor, pairs: Pairs) -> Tensor:
        return image if self.beta == 1.0 else x + self.beta * r


@dataclass(frozen=True)
class Anderson:
    """Anderson acceleration (J. ACM 12, 1965), as Walker & Ni (SIAM J. Numer. Anal. 49, 2011) write it.

    ``x + beta r - (dX + beta dR) gamma`` for the gamma of least ``‖r - dR gamma‖² + λ trace(dRᵀdR) / m ‖gamma‖²``, with
    the columns of dR brought to one length before, as residuals fall by orders of magnitude. The normal matrix is in
    double precision.
    """

    memory: int = 5
    beta: float = 1.0
    regularisation: float = 1e-4

    remembers = True

    def remember(self, pairs: Pairs, dx: Tensor, dr: Tensor) -> Pairs:
        return (*pairs, (dx, dr))[-self.memory :]

    def following(self, x: Tensor, r: Tensor, image: Tensor, pairs: Pairs) -> Tensor:
        plain = x + self.beta * r
        if not pairs:
            return plain
        dX, dR = (torch.stack(some, 1) for some in zip(*pairs, strict=True))
        wide = dR.double()
        length = torch.linalg.vector_norm(wide, dim=2)
        scale = torch.where(length > 0, 1.0 / length, 0.0)
        wide = wide * scale[..., None]
        normal = wide @ wide.mT
        # Zero columns are those of an empty memory: their gamma is zero for any number here.
        known = normal.diagonal(dim1=1, dim2=2)
        ridge = torch.where(scale > 0, self.regularisation * known.sum(1, keepdim=True) / len(pairs), 1.0)
        factor = torch.linalg.cholesky_ex(normal + torch.diag_embed(ridge)).L
        gamma = torch.cholesky_solve(wide @ r.double()[..., None], factor) * scale[..., None]
        return plain - ((dX + self.beta * dR) * gamma.to(x.dtype)).sum(1)


@dataclass(frozen=True)
class Broyden:
    """Broyden's "good" method (Math. Comp. 19, 1965) for ``f(x) - x = 0``, from the Jacobian ``-I / beta``.

    The inverse Jacobian is ``-beta I + sum u vᵀ``, updated by Sherman & Morrison; its pairs (u, v) are the memory,
    which is emptied when it is full.
    """

    memory: int = 20
    beta: float = 1.0
    regularisation: float = 0.0

    remembers = True

    def remember(self, pairs: Pairs, dx: Tensor, dr: Tensor) -> Pairs:
        if len(pairs) == self.memory:
            pairs = ()
        image = _times(dr, [(u, v) for u, v in pairs], self.beta)
        v = _times(dx, [(v, u) for u, v in pairs], self.beta)
        curvature = _dot(v, dr)
        enough = curvature.abs() > 1e-12 * _dot(v, v).sqrt() * _dot(dr, dr).sqrt()
        u = (dx - image) / torch.where(enough, curvature, 1.0).to(dx.dtype)
        return (*pairs, (torch.where(enough, u, 0.0), v))

    def following(self, x: Tensor, r: Tensor, image: Tensor, pairs: Pairs) -> Tensor:
        return x - _times(r, list(pairs), self.beta)


Update = Plain | Anderson | Broyden
UPDATES: dict[str, Callable[..., Update]] = {
    "anderson": Anderson,
    "broyden": Broyden,
    "plain": Plain,
}


def _times(x: Tensor, pairs: list[tuple[Tensor, Tensor]], beta: float) -> Tensor:
    """``(-beta I + sum u vᵀ) x``."""
    image = -beta * x
    for u, v in pairs:
        image = image + u * _dot(v, x).to(x.dtype)
    return image


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """``<a, b>`` of each item, ``[B, 1]`` in double precision."""
    return (a.double() * b.double()).sum(1, keepdim=True)
