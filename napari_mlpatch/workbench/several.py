"""Which methods are run side by side on a problem: all that suit it, or one of each kind."""

from __future__ import annotations

from napari_mlpatch.core.method import Method
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import methods

KINDS = (
    ("fbp", "tikhonov"),
    ("tv",),
    ("unet",),
    ("unrolled",),
    ("equilibrium",),
    ("pnp-admm",),
)
"""Linear, variational, a network behind a quick picture, unrolled, deep equilibrium, plug-and-play; of a kind, what
suits the operator first."""


def all_methods(A: Operator) -> list[Method]:
    """Every method that suits the operator, with its default parameters."""
    return [cls() for cls in methods if not cls().unsuitable(A)]


def one_of_each_kind(A: Operator) -> list[Method]:
    """Of each kind the first method that suits the operator, with its default parameters."""
    known = set(methods.names())
    kinds = ([methods.get(name)() for name in kind if name in known] for kind in KINDS)
    fitting = ([method for method in kind if not method.unsuitable(A)] for kind in kinds)
    return [kind[0] for kind in fitting if kind]
