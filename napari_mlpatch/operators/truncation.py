"""Rows of a sinogram that do not end in air, because the object is wider than the detector.

The ramp filter takes what lies beyond the detector for zero, and a row that ends in a step gives a bright rim that
spoils the whole picture. Such rows are continued as those of an ellipse are: a quadratic is fitted to the mean square
of all rows over the outer half of the detector, ``q(s) = (E - s) (s + G)`` from the last bin, which is exact for the
mean of any ellipses about one centre, and each row goes on from its last values as ``sqrt(q)``, to zero at E. (Hsieh
et al., Med. Phys. 31, 2385 (2004), fit the rows one by one.) Inside the detector's view the picture is then right up
to a slowly varying offset: what lies outside is not determined by the data.

An end of the detector whose rays are seen from behind by another view (half acquisition) counts as its weight there,
which is zero: it needs no continuation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.phrases import phrase
from napari_mlpatch.torch_later import Tensor, torch

Padding = Literal["auto", "edge", "zero"]
LEAST_BINS = 8
AIR = (0.03, 0.07)  # of the largest root mean square of a bin: below, a row ends in air; above, it does not
ENOUGH = 2**16
"""Samples of which the median is taken, in views all over the scan: more take long and tell the noise no better."""
VIEWS = 64
"""That are summed at a time: their squares in double precision stay in the cache."""
SIGNIFICANT = 4.0  # standard errors of the noise
PIXELS = phrase("pixels, image_shape", "pixels, “image size”")


@dataclass(frozen=True)
class Truncation:
    """At the low and the high end of the detector, for each of ``y.flatten(0, 1)``: all are ``[2, items]``.

    ``level`` is the root mean square at the end over the largest of any bin, zero where it is not significant,
    ``reach`` (E) and ``other`` (G) the bins from the last bin to where the ellipse ends, outwards and inwards.
    ``strength`` is the factor of the continuation, ``bins`` by how many bins each item is to be continued, 0 for none.
    """

    level: Tensor
    reach: Tensor
    other: Tensor
    strength: Tensor
    bins: tuple[int, ...]

    def of(self, items: list[int]) -> Truncation:
        """That of some of the items."""
        level, reach, other, strength = (v[:, items] for v in (self.level, self.reach, self.other, self.strength))
        return Truncation(level, reach, other, strength, tuple(self.bins[i] for i in items))


def truncation(y: Tensor, weights: Tensor, padding: Padding = "auto") -> Truncation | None:
    """Of a measurement ``[B, C, views, bins]`` whose rays count by ``weights`` ``[views, bins]``; None for none.

    "edge" takes every end as cut off, "zero" none. Raises InputError for other words.
    """
    if not isinstance(padding, str) or padding not in ("auto", "edge", "zero"):
        raise InputError(f"Unknown padding {padding!r:.60}. Known: auto, edge, zero.")
    if padding == "zero" or y.shape[-1] < LEAST_BINS:
        return None
    from napari_mlpatch.core.autograd import is_traced  # needs PyTorch at once

    if is_traced():
        raise InputError(
            "torch.func.linearize cannot note how rows go on beyond the detector, which depends on their values. "
            'Take torch.func.jvp, or fbp with padding="zero".'
        )
    with torch.no_grad():
        rows = y.detach().flatten(0, 1)
        share = (weights / weights.amax(1, keepdim=True).clamp(min=1e-30)).square()
        parts = rows.split(VIEWS, dim=1)
        profile: Tensor = sum(part.double().square().sum(1) for part in parts) / rows.shape[1]  # type: ignore
        ends = [_end(rows.flip(-1), profile.flip(-1), share[:, 0]), _end(rows, profile, share[:, -1])]
        level, reach, other = (torch.stack(values) for values in zip(*ends, strict=True))
        strength = ((level - AIR[0]) / (AIR[1] - AIR[0])).clamp(0, 1)
        if padding == "edge":
            strength = torch.ones_like(strength)
        cut = strength > 0
        if not bool(cut.any()):
            return None
        bins = torch.where(cut, reach, torch.zeros_like(reach)).amax(0).ceil()
        return Truncation(level, reach, other, strength, tuple(int(n) for n in bins.tolist()))


def _end(rows: Tensor, profile: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Level, E and G ``[items]`` at the high end of rows ``[items, views, bins]`` of that mean square."""
    views, n = rows.shape[1:]
    k = edge_bins(n)
    half = max(n // 2, LEAST_BINS // 2)
    some = rows[:, :: max(1, views * half // ENOUGH), -half:].double()
    curvature = some.diff(n=2, dim=-1).abs().flatten(1).median(dim=1).values
    variance = (curvature / (0.6745 * math.sqrt(6.0))) ** 2
    edge = (rows[..., -k:].double().mean(-1).square() * share.double()).mean(1) - variance / k * share.double().mean()
    error = variance / k * math.sqrt(2.0 / views)
    peak = profile.unfold(-1, k, 1).mean(-1).amax(-1)
    level = torch.where(edge > SIGNIFICANT * error, (edge.clamp(min=0) / peak.clamp(min=1e-300)).sqrt(), 0.0)
    # a + b u + c u² over the outer half, u = 0 at the last bin and 1 at the innermost.
    u = np.arange(half)[::-1] / (half - 1.0)
    solve = torch.as_tensor(np.linalg.pinv(np.vander(u, 3, increasing=True)), device=rows.device)
    a, b, c = (profile[:, -half:] - variance[:, None]).matmul(solve.T).unbind(1)
    c = torch.minimum(c, -1e-6 * profile.amax(-1).clamp(min=1e-300))  # a straight line where it is not concave
    root = (b * b - 4 * a * c).clamp(min=0).sqrt()
    outwards, inwards = (root - b) / (2 * c), -(root + b) / (2 * c)
    reach = torch.where(a > 0, -outwards, 0.0) * (half - 1)
    return level, reach.clamp(n / 16, n), (inwards * (half - 1)).clamp(min=n / 2)


def edge_bins(n: int) -> int:
    """How many bins tell the value at an end."""
    return max(2, n // 32)


def extended(y: Tensor, weights: Tensor, cut: Truncation, bins: int) -> Tensor:
    """Weighted rows, continued by so many ``bins`` at either end."""
    low = _beyond(y.flip(-1), cut, 0, bins).flip(-1) * weights[:, :1]
    high = _beyond(y, cut, 1, bins) * weights[:, -1:]
    return torch.cat([low, y * weights, high], dim=-1)


def _beyond(y: Tensor, cut: Truncation, end: int, bins: int) -> Tensor:
    """The continuation ``[B, C, views, bins]`` at the high end."""
    shape = (*y.shape[:2], 1, 1)
    reach, other, strength = (v[end].to(y.dtype).view(shape) for v in (cut.reach, cut.other, cut.strength))

    def ellipse(distance: Tensor) -> Tensor:
        return ((1.0 - distance / reach) * (1.0 + distance / other)).clamp(min=0).sqrt()

    k = edge_bins(y.shape[-1])
    inside = -torch.arange(k, device=y.device).to(y.dtype)
    outside = torch.arange(1, bins + 1, device=y.device).to(y.dtype)
    value = y[..., -k:].sum(-1, keepdim=True) / ellipse(inside).sum(-1, keepdim=True)
    return strength * value * ellipse(outside)


def words(cut: Truncation | None, bins: int, bins_per_pixel: float) -> tuple[str, ...]:
    """What to tell a person."""
    if cut is None or float(cut.level.max()) < sum(AIR) / 2:
        return ()
    level = float(cut.level.max())
    is_cut = cut.level > AIR[0]
    beyond = torch.where(is_cut, cut.reach, torch.zeros_like(cut.reach)).sum(0).max()
    pixels = math.ceil((bins + float(beyond)) / bins_per_pixel)
    return (
        f"the rows do not end in air ({100 * level:.0f} % of their largest value at an end of the detector): the "
        "object is wider than the detector, the flat field is off, or these are counts. Filtered back-projection "
        "continues the rows smoothly, values are then right up to a slowly varying offset; iterative methods need an "
        f"image that holds the whole object (about {pixels} x {pixels} {PIXELS}) and many iterations",
    )
