"""Conjugate gradients whose end depends continuously on the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from napari_mlpatch.torch_later import Tensor, torch

from .cg import LOOKS, CgStep
from .items import dot, each, norm


def smoothed(steps: Iterable[CgStep], enough: Tensor) -> Iterator[CgStep]:
    """The steps with residuals that only fall, the last of them exactly where ``‖r‖`` reaches ``enough [B]``.

    Residuals of conjugate gradients go up and down, so that rounding decides which step is the first below a bound:
    after many steps it is another one in other units, and the solutions differ by as much as the bound allows. Minimal
    residual smoothing (Schönauer 1987; Gutknecht & Rozložník, BIT 41, 2001) follows the lines

        x' <- x' + t (x - x'),  r' <- r' + t (r - r'),  t = argmin ‖r'‖

    along which ``‖r'‖`` falls, and ends on one of them. It is never larger than ``‖r‖``, so no step is added.
    """
    x = r = done = None
    for step in steps:
        if x is None or r is None or done is None:
            x, r = step.x, step.residual
            done = norm(r) <= enough
        else:
            d = step.residual - r
            rd, dd, rr = dot(r, d), dot(d, d), dot(r, r)
            dd = torch.where(dd > 0, dd, 1.0)
            t = (-rd / dd).clamp(min=0.0)
            root = rd * rd - dd * (rr - enough * enough)  # of ‖r + t d‖ = enough
            there = ((-rd - root.clamp(min=0.0).sqrt()) / dd).clamp(min=0.0)
            ends = ~done & (root >= 0) & (there <= t)
            t = torch.where(done, 0.0, torch.where(ends, there, t))
            x, r, done = x + each(t, x) * (step.x - x), r + each(t, r) * d, done | ends
        yield CgStep(x, r, step.relative_residual, step.k)
        if (x.device.type == "cpu" or step.k % LOOKS == 0) and bool(done.all()):
            return
