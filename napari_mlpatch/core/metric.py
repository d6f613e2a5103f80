"""What a figure of merit is: one declaration, of which evaluation, table, curves and command line follow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from .errors import InputError
from .registry import entry_points
from .words import safe, short

Needs = Literal["truth", "region", "measurement", "runs", "halves"]


@dataclass(frozen=True)
class Metric:
    """A figure of merit.

    ``key`` is its name in results, ``title`` in words, ``heading`` above a column (with the unit), ``form`` how a value
    is written. ``better`` says which value wins, None that none does, unless it has a ``target``, the best value.

    ``of`` computes it, from what it ``needs``; pictures are ``[B, C, *space]``, as ``A.picture`` shows them:

    - "truth": ``of(x, truth, data_range)``. With ``needs_range`` it means nothing without its data range, and is left
      out where that is zero; with ``plane`` it is for 2-D pictures. ``region`` says how it is restricted to a region of
      interest: "pixels": ``of`` is given those alone, ``[B, C, n]``; "mask": ``of(x, truth, data_range, region=mask)``;
      None: it is not.
    - "region": ``of(inside, background)``, the pixels of a region and of what it is compared with.
    - "measurement": ``of(explained)``, see ``goodness.Explained``: x, problem, A x and the residual. NaN: unknown.
    - "runs" and "halves": it takes more reconstructions by the same method (see ``without_truth``), and is only
      computed when it is asked for: no ``of``.
    """

    key: str
    title: str
    heading: str
    form: str
    better: Literal["higher", "lower"] | None
    tooltip: str
    of: Callable[..., float] | None = None
    unit: str = ""
    needs_range: bool = False
    plane: bool = False
    target: float | None = None
    needs: Needs = "truth"
    region: Literal["pixels", "mask"] | None = None

    @property
    def ranks(self) -> bool:
        """Whether one value is better than another."""
        return self.better is not None or self.target is not None

    @property
    def per_region(self) -> bool:
        """Whether a region of interest changes it."""
        return self.region is not None or self.needs == "region"

    def order(self, value: float) -> float:
        """A number that is the smaller the better the value is, infinite for NaN; the value itself where none wins."""
        if math.isnan(value):
            return math.inf
        if self.target is not None:
            return abs(value - self.target)
        return -value if self.better == "higher" else value

    def text(self, value: float) -> str:
        """A value without its unit, empty for NaN."""
        return "" if math.isnan(value) else self.form.format(value)


class Metrics:
    """All metrics in the order in which they are shown: our own, added ones, those of other packages.

    An entry point of the group ``napari_mlpatch.metrics`` is a Metric or a list of them.
    """

    def __init__(self, own: Iterable[Metric], entry_point_group: str = "napari_mlpatch.metrics"):
        self._metrics = {metric.key: metric for metric in own}
        self._group, self._loaded = entry_point_group, False
        self.broken: dict[str, str] = {}
        """Entry points of other packages that failed, with the reason."""

    def add(self, metric: Metric) -> Metric:
        """Add one, after those that are there. Raises ValueError where another has its key."""
        if self._metrics.setdefault(metric.key, metric) != metric:
            raise ValueError(f"two metrics named {metric.key!r}")
        return metric

    def get(self, key: str) -> Metric:
        """The metric of that key. Raises InputError with the known ones."""
        for metric in self:
            if metric.key == key:
                return metric
        raise InputError(f"Unknown metric {short(key)}. Known: {', '.join(metric.key for metric in self)}.")

    def __iter__(self) -> Iterator[Metric]:
        self._load()
        return iter(tuple(self._metrics.values()))

    def __len__(self) -> int:
        return len(tuple(iter(self)))

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for entry in entry_points(group=self._group):
            try:
                thing = entry.load()
                for metric in [thing] if isinstance(thing, Metric) else list(thing):
                    if not isinstance(metric, Metric):
                        raise TypeError(f"{metric!r} is not a Metric")
                    self.add(metric)
            except (Exception, SystemExit) as error:  # what others broke must not take ours down
                self.broken[entry.name] = safe(f"{type(error).__name__}: {error}")
