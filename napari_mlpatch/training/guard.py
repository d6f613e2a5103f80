"""Ends a training that has gone wrong, before its last good checkpoint is replaced."""

from __future__ import annotations

import math
import statistics
from collections import deque
from pathlib import Path

from torch import nn

from napari_mlpatch.core.errors import InputError

from . import checkpoint
from .recipe import TrainingRecipe

EXPLODED = 1e3
"""So many times its running median is more than any loss swings."""
REMEMBERED, ENOUGH = 101, 3
"""Means of the loss; before there are enough of them, each step is looked at."""


class Guard:
    """Looks at the mean losses of a training, and at its weights before they are kept."""

    def __init__(self, recipe: TrainingRecipe, folder: Path | None):
        self._recipe, self._folder = recipe, folder
        self._means: deque[float] = deque(maxlen=REMEMBERED)
        self._usual = 0.0
        self.kept: int | None = None
        """The step of the last checkpoint."""

    @property
    def is_new(self) -> bool:
        """Whether there are too few means to tell what is usual, so that ``step`` is to be called."""
        return len(self._means) < ENOUGH

    def step(self, loss: float, nothing: float, k: int) -> None:
        """Looks at the loss of one step, and at what it would be if the network gave ``nothing`` but zeros.

        Raises InputError where it is not finite, or more than 1000 times both the largest such loss so far and the
        very first one, which is of before anything was learned.
        """
        if not math.isfinite(loss):
            raise self.diverged(f"The loss is {loss}", k)
        if not self._usual:
            self._usual = loss
        self._usual = max(self._usual, nothing)
        if loss > EXPLODED * self._usual > 0:
            raise self.diverged(f"The loss exploded: it is {loss:.3g}, and a picture of zeros has {nothing:.3g}", k)

    def loss(self, mean: float, k: int, remember: bool = True) -> None:
        """Raises InputError where the loss is not finite, or more than 1000 times its running median."""
        if not math.isfinite(mean):
            raise self.diverged(f"The loss is {mean}", k)
        if len(self._means) >= ENOUGH:
            usual = statistics.median(self._means)
            if mean > EXPLODED * usual > 0:
                raise self.diverged(f"The loss exploded: it is {mean:.3g}, and was {usual:.3g} (median)", k)
        if remember:
            self._means.append(mean)

    def before_keeping(self, network: nn.Module, mean: float | None, k: int) -> None:
        """Raises InputError where weights, or the mean loss since it was last looked at, are not fit to be kept."""
        if not (mean is None or math.isfinite(mean)) or not is_finite(network):
            raise self.diverged("The loss or a weight is no longer finite", k)
        if mean is not None:
            self.loss(mean, k, remember=False)

    def after(self, loss: float, k: int) -> None:
        """Looks at what the weights of step k, about to be kept, make of the next images: the loss of the step was that
        of the weights before. Raises InputError where it is not finite, or more than 1000 times the usual.
        """
        usual = statistics.median(self._means) if self._means else self._usual
        if not math.isfinite(loss) or loss > EXPLODED * max(usual, self._usual) > 0:
            raise self.diverged(f"The loss exploded: with the weights of this step it is {loss:.3g}", k)

    def diverged(self, what: str, k: int) -> InputError:
        lower = f"Lower the learning rate, now {self._recipe.lr:g}, and"
        if self.kept is None or self._folder is None:
            return InputError(f"{what} at step {k}. {lower} start anew: there is no checkpoint yet.")
        file = self._folder / checkpoint.NAME
        return InputError(
            f"{what} at step {k}. {lower} resume: the last good checkpoint, of step {self.kept}, is {file}."
        )


def is_finite(network: nn.Module) -> bool:
    return all(bool(value.isfinite().all()) for value in network.state_dict().values())
