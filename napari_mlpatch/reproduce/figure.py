"""A published value, or a target of this program, and how to get ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Measure = Callable[..., dict[str, float]]
"""Metrics for a noise seed, a folder of data (or None), and of a ``limited`` figure a number of images (or None)."""


@dataclass(frozen=True)
class Figure:
    """``measure(seed, data)`` gives metrics, of which ``metric`` is compared; the others stand beside it.

    It is reproduced where the mean over the seeds lies within ``tolerance`` of ``published``; with ``at_least``, also
    where it lies above. ``data`` says what the folder given by ``--data`` must hold; empty where none is needed.
    ``seeds`` is how many noise seeds are usual: one for a whole set of images. Without the ``weights`` of these names,
    which are to come with the program, it cannot be computed. A ``limited`` one may be measured on fewer images than
    there are, evenly chosen.
    """

    title: str
    source: str
    published: float
    tolerance: float
    measure: Measure
    metric: str = "psnr"
    unit: str = "dB"
    at_least: bool = False
    data: str = ""
    seeds: int = 10
    weights: tuple[str, ...] = ()
    limited: bool = False

    def passed(self, value: float) -> bool:
        return abs(value - self.published) <= self.tolerance or (self.at_least and value > self.published)
