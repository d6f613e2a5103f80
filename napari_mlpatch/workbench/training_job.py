"""A training on a thread of its own. Knows no widgets.

Everything that happens is told on the GUI thread, through ``post``; cancelling closes the training's generator between
two steps.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_mlpatch import weights
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import torch

from . import threads
from .jobs import FRAME_SECONDS, Post

if TYPE_CHECKING:
    from napari_mlpatch.training import Step, TrainingRecipe

POINTS = 800
"""Of the curve of the loss at most: then neighbours are averaged, and so are the steps to come."""
State = Literal["running", "done", "failed", "cancelled"]


@dataclass(eq=False)
class Training:
    """One training. ``folder`` keeps its checkpoint, relative paths of the recipe start at ``root``.

    ``losses`` are (step, mean loss since the last one), ``psnr`` are (step, dB by noise level) of the images that were
    held out. The weights with their ``card`` go into the user's own folder.
    """

    recipe: TrainingRecipe
    folder: Path
    root: Path = Path()
    resume: bool = False
    state: State = "running"
    k: int = 0
    total: int = 0
    share: float = 0.0
    seconds: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)
    psnr: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    card: weights.Card | None = None
    message: str = ""
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def active(self) -> bool:
        return self.state == "running"

    @property
    def eta(self) -> float | None:
        """Seconds that are left, if the steps to come take as long as those before."""
        return self.seconds / self.share * (1 - self.share) if self.share else None


class Trainer:
    """Runs one training at a time. ``changed`` is called on the GUI thread, at most every 100 ms for progress."""

    def __init__(self, post: Post, changed: Callable[[Training], None]):
        self._post, self._changed = post, changed
        self._told = False
        self.training: Training | None = None
        """The one that runs, or the last one that did."""

    def start(self, training: Training) -> None:
        """Raises InputError while another one runs."""
        if self.training is not None and self.training.active:
            raise InputError(f"{self.training.recipe.title!r} is still being trained. Cancel it or wait for its end.")
        self.training = training
        threads.start("mlpatch-training", lambda: self._work(training), training.cancelled.set)
        self._changed(training)

    def cancel(self) -> None:
        """End after the present step. Weights are not written; ``resume`` goes on from the last checkpoint."""
        if self.training is not None:
            self.training.cancelled.set()

    close = cancel

    # ---- on the thread ------------------------------------------------------------------------------------------

    def _work(self, training: Training) -> None:
        try:
            state = self._train(training)
        except InputError as error:
            training.message, state = str(error), "failed"
        except Exception as error:  # whatever it was, the user must know
            training.message, state = f"{type(error).__name__}: {error}", "failed"

        def end() -> None:  # on the GUI thread, so that state and card change together for all views
            training.state = state
            self._changed(training)

        self._post(end)

    def _train(self, training: Training) -> State:
        from napari_mlpatch.training import Step, ship, train

        torch.set_num_threads(threads.cores())
        recipe, shelf = training.recipe, weights.own_folder()
        events = train(
            recipe,
            out=training.folder,
            data=training.root,
            resume=training.resume,
            report_every=1,
        )
        curve, shown = _Curve(training.losses), 0.0
        while not training.cancelled.is_set():
            event = next(events)
            if not isinstance(event, Step):
                training.psnr.append((event.steps, event.metrics))
                training.card = ship(event, recipe, shelf)
                return "done"
            self._note(training, event, curve)
            if event.psnr or time.perf_counter() - shown >= FRAME_SECONDS:
                shown = time.perf_counter()
                self._tell(training)
        events.close()  # pyright: ignore[reportAttributeAccessIssue]
        return "cancelled"

    def _note(self, training: Training, step: Step, curve: _Curve) -> None:
        if not training.k:  # resumed: what came after the checkpoint is done again
            training.losses[:] = [point for point in training.losses if point[0] < step.k]
            training.psnr[:] = [point for point in training.psnr if point[0] < step.k]
        training.k, training.seconds, training.total, training.share = step.k, step.seconds, step.total, step.share
        curve.add(step.k, step.loss)
        if step.psnr:
            training.psnr.append((step.k, step.psnr))

    def _tell(self, training: Training) -> None:
        if self._told:  # the GUI thread has not yet shown the last one: it will see the newest
            return
        self._told = True

        def show() -> None:
            self._told = False
            if training.active:
                self._changed(training)

        self._post(show)


class _Curve:
    """Adds values to a list of points, as means over more and more of them, so that it stays short."""

    def __init__(self, points: list[tuple[int, float]]):
        self._points, self._each = points, 1
        self._values: list[float] = []

    def add(self, k: int, value: float) -> None:
        self._values.append(value)
        if len(self._values) < self._each:
            return
        self._points.append((k, sum(self._values) / len(self._values)))
        self._values.clear()
        if len(self._points) >= POINTS:
            pairs = zip(self._points[::2], self._points[1::2], strict=False)
            self._points[:] = [(k, (a + b) / 2) for (_, a), (k, b) in pairs]
            self._each *= 2
