"""How far a training is, by its steps or by the clock, and its learning rate there."""

from __future__ import annotations

import math
import time
from typing import Any

from torch import nn

from .recipe import TrainingRecipe
from .tasks import Task

FINAL = 0.01
"""The learning rate at the end, in terms of the largest."""
RISE = 0.1
"""At the latest after this share of the minutes the learning rate is at its largest."""
CARE = 1.5
"""The work at the end may take so many times as long as it was measured to take."""
MOST_VALIDATION = 0.25
"""Of the minutes, that the last look at the images held out may take."""
EARLY = {1, 2, 5}
"""So many steps after the last time, a training against the clock waits for its device, to know how long one takes."""


class Clock:
    """Seconds of a training, and its end where it has ``minutes``: a reserve is kept for what comes after the steps.

    Without minutes the clock decides nothing: trainings with one seed are equal.
    """

    def __init__(self, recipe: TrainingRecipe):
        self._steps, self._start, self._before = recipe.steps, time.monotonic(), 0.0
        self.budget = math.inf if recipe.minutes is None else 60.0 * recipe.minutes
        self.reserve, self.validation = 0.0, 0.0
        """Seconds for what comes after the last step, of them for the images held out."""
        self._lap = (0, 0.0)  # step, seconds
        self._each = 0.0

    @property
    def limited(self) -> bool:
        return self.budget < math.inf

    def keep_reserve(self, task: Task, network: nn.Module, held_out: Any, crop: int) -> Any:
        """Measure what one image held out takes, and keep the time for all of them, or for as many as there is time.

        Returns the images that are left, the first ones; without minutes, all.
        """
        if not self.limited:
            return held_out
        self.reserve = min(2.0, 0.05 * self.budget)  # for the files
        if held_out is None:
            return None
        for _ in range(2):  # the first one prepares what others find ready
            start = time.monotonic()
            task.figures(network, held_out.first(1), crop)
            one = CARE * (time.monotonic() - start)
        count = min(len(held_out), max(1, int(MOST_VALIDATION * self.budget / max(one, 1e-6))))
        self.validation = count * one
        self.reserve += self.validation
        return held_out.first(count)

    def begin(self, done: int, before: float) -> None:
        """The first step is about to start, after ``done`` ones that took ``before`` seconds in an earlier process."""
        self._before = before
        if not self.limited:
            self._start = time.monotonic()
        self._lap = (done, self.seconds())

    def seconds(self) -> float:
        return self._before + time.monotonic() - self._start

    def lap(self, k: int) -> None:
        """Step k is done, on the device too."""
        now = self.seconds()
        if k > self._lap[0]:
            self._each = (now - self._lap[1]) / (k - self._lap[0])
        self._lap = (k, now)

    def wants_lap(self, k: int) -> bool:
        return self.limited and k - self._lap[0] in EARLY

    def total(self, k: int) -> int:
        """So many steps there will be at this pace."""
        share = self.share(k)
        return min(self._steps, max(k, round(k / share))) if self.limited and share else self._steps

    def share(self, k: int) -> float:
        """What is behind when step k is, in 0..1: of the steps or of the time, whichever is more."""
        return min(max(k / self._steps, self._by_time(k)), 1.0)

    def _by_time(self, k: int) -> float:
        if not self.limited:
            return 0.0
        return min(self._at(k) / max(self.budget - self.reserve - self._each, 1e-3), 1.0)

    def _at(self, k: int) -> float:
        """Seconds when step k is done: a GPU may be behind, by steps that are in its queue."""
        return max(self.seconds(), self._lap[1] + (k - self._lap[0]) * self._each)

    def room(self, seconds: float) -> bool:
        """Whether there is time for something that takes so long."""
        return self.seconds() + self.reserve + CARE * seconds < self.budget

    def over(self, k: int) -> bool:
        """Whether step k was the last one, because another would end too late."""
        return self.limited and self._at(k) + self._each + self.reserve >= self.budget

    def learning_rate(self, recipe: TrainingRecipe, k: int) -> float:
        """Of step k: ``learning_rate``, or in a training against the clock the same with time in the place of steps."""
        if not self.limited:
            return learning_rate(recipe, k)
        t = self._by_time(k)
        rising = min(1.0, max(k / recipe.warmup if recipe.warmup else 1.0, t / RISE))
        return recipe.lr * rising * _falling(max(t, _behind(recipe, k)))


def learning_rate(recipe: TrainingRecipe, k: int) -> float:
    """Linear warm-up, then half a cosine down to a hundredth."""
    if k <= recipe.warmup:
        return recipe.lr * k / recipe.warmup
    return recipe.lr * _falling(_behind(recipe, k))


def _behind(recipe: TrainingRecipe, k: int) -> float:
    """The share of the steps after the warm-up."""
    return max(0.0, (k - recipe.warmup) / max(recipe.steps - recipe.warmup, 1))


def _falling(share: float) -> float:
    return FINAL + (1 - FINAL) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
