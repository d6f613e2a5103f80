"""A method's steps that are told from each other at a glance."""

import torch

from napari_mlpatch.core.method import Iterate


def counting(problem, total, state, pause=False):
    """Adds one to the picture in each step."""
    x, done = (torch.zeros_like(problem.truth), 0) if state is None else (state["x"], state["k"])
    for k in range(done + 1, total + 1):
        if pause:
            yield None
        x = x + 1
        yield Iterate(x, k, total, {"level": float(k)}, state={"x": x, "k": k}, converged=k == total)
