"""A published value, or a target of this program, and how to get ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Given:
    """What a row is measured with: the folder of images, and how many of each set (None: all).

    ``tell`` is called with a line of text before each piece of work, some of which take minutes.
    """

    data: Path | None = None
    count: int | None = None
    tell: Callable[[str], None] = lambda text: None

    def each(self, items: Collection[Item], what: str) -> Iterator[Item]:
        """The items one after the other, each of them told: what it is, of how many, and how long one takes."""
        start = time.monotonic()
        for k, item in enumerate(items):
            pace = f", {(time.monotonic() - start) / k:.2g} s each" if k else ""
            self.tell(f"{what}: {k + 1} of {len(items)}{pace}")
            yield item


Measure = Callable[[int, Given], dict[str, float]]
"""Metrics for a noise seed and what is given."""


@dataclass(frozen=True)
class Figure:
    """``measure(seed, given)`` gives metrics, of which ``metric`` is compared; the others stand beside it.

    It is reproduced where the mean over the seeds lies within ``tolerance`` of ``published``; with ``at_least``, also
    where it lies above. ``data`` says what the folder given by ``--data`` must hold; empty where none is needed.
    ``seeds`` is how many noise seeds are usual: one for a whole set of images. Without the ``weights`` of these names,
    which are to come with the program, it cannot be computed. ``images`` is how many the public set has, of which fewer
    may be measured, evenly chosen; 0 where there is no set of images. Without a folder, ``samples`` images of the
    program are measured instead, where the row can. ``seconds`` is about what one seed takes on one core, of one image
    where there are any.
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
    images: int = 0
    samples: int = 0
    seconds: float = 1.0

    def passed(self, value: float) -> bool:
        return abs(value - self.published) <= self.tolerance or (self.at_least and value > self.published)

    def count(self, given: bool, most: int | None = None) -> int:
        """How many images are measured, of a given folder or without one, at most so many; 0: there is no set."""
        images = self.samples if self.samples and not given else self.images
        return images if most is None else min(images, most)

    def expected(self, seeds: int, count: int) -> float:
        """About how many seconds it takes, on one core, for so many seeds and images."""
        return self.seconds * seeds * max(count, 1)
