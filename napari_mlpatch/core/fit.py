"""Whether a method, a network and a problem go together."""

from __future__ import annotations

from typing import Any

from .method import Fit, Method
from .problem import Problem


def fit(method: Method, network: Any, problem: Problem) -> Fit:
    """What the method says to this network (``Weights``, a card, a module, or None) for this problem."""
    reason = method.unsuitable(problem.A)
    if reason:
        return Fit(reason)
    card = network if hasattr(network, "sha256") else getattr(network, "card", None)
    if card is None and network is not None:
        return Fit()  # a network of the caller's own, of which nothing is known
    A = problem.A
    return method.accepts(
        card,
        A,
        problem.y.shape[1],
        is_complex=problem.y.is_complex() if A.complex_image is None else A.complex_image,
        noise=problem.noise,
    )
