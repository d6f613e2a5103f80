"""Run a recipe at the terminal: progress while it runs, Ctrl-C cancels, a summary at the end."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from napari_mlpatch.core.errors import InputError

from .output import duration, metrics, number, say, shape, size
from .streams import control as write_control

if TYPE_CHECKING:
    from napari_mlpatch.core.events import Progress, Result
    from napari_mlpatch.core.problem import Problem
    from napari_mlpatch.core.recipe import Recipe
    from napari_mlpatch.core.run import Control
    from napari_mlpatch.torch_later import Tensor

LINE_SECONDS = 0.1  # between two changes of the line on a terminal
LOG_SECONDS = 5.0  # before the first line in a log; the wait grows with each


def execute(recipe: Recipe, problem: Problem, network: Any = None, start: Tensor | None = None) -> Result:
    """The result of a recipe. Raises InputError where it fails, KeyboardInterrupt where the user cancels."""
    from napari_mlpatch.core.events import Cancelled, Done, Failed
    from napari_mlpatch.core.events import Progress as Step
    from napari_mlpatch.core.run import Control, run

    control = Control()
    with cancelling(control), _Progress(recipe.method.name, sys.stderr) as progress:
        for event in run(recipe, problem, network=network, control=control, start=start):
            if isinstance(event, Step):
                progress.show(event)
            elif isinstance(event, Done):
                return event.result
            elif isinstance(event, Cancelled):
                raise KeyboardInterrupt
            elif isinstance(event, Failed):
                if isinstance(event.error, InputError | MemoryError) or event.message.startswith("Out of memory"):
                    raise InputError(event.message)
                if isinstance(event.error, Exception):
                    raise event.error
                raise RuntimeError(event.message) from event.error  # a method of another package ended the program
    raise AssertionError("a run ends in Done, Failed or Cancelled")


def write(path: Path, result: Result, force: bool = False) -> None:
    """Write the picture with its recipe."""
    from napari_mlpatch import io

    io.write_result(path, result, force=force)
    if result.x.is_complex() and path.suffix.lower() in (".tif", ".tiff", ".fits", ".fit"):
        say(f"{path.name}: the picture is complex; the file holds its magnitude first and its phase last")


def facts(out: str | None, result: Result) -> dict[str, Any]:
    """What there is to say about a result, for JSON."""
    return {
        "out": out,
        "method": result.recipe.method.model_dump(),
        "metrics": result.metrics,
        "iterations": result.iterations,
        "converged": result.converged,
        "remark": result.remark,
        "seconds": result.seconds,
        "peak_bytes": result.peak_bytes,
    }


def summary(out: str, result: Result) -> str:
    """The same for a person."""
    count = f"{result.iterations} iteration{'' if result.iterations == 1 else 's'}"
    how = ", converged" if result.converged and result.iterations > 1 else ""
    cost = f"{duration(result.seconds)}, peak memory {size(result.peak_bytes)}"
    head = f"{out}: {result.recipe.method.name}, image {shape(result.x.shape[2:])}, {count}{how}, {cost}"
    return "\n".join([head, metrics(result.metrics), *filter(None, [result.remark])])


@contextmanager
def cancelling(control: Control) -> Iterator[None]:
    """Ctrl-C asks the run to cancel after this step; a second one does not wait for that."""

    def ask(signum: int, frame: Any) -> None:
        if control.wish == "cancel":
            raise KeyboardInterrupt
        control.cancel()
        say("\nmlpatch: cancelling after this step; once more to stop at once")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Progress:
    """One line that is rewritten on a terminal; in a log now and then a line."""

    def __init__(self, title: str, stream: TextIO):
        self._title, self._stream, self._rewrites = title, stream, stream.isatty()
        self._wait = LINE_SECONDS if self._rewrites else LOG_SECONDS
        self._next = time.monotonic() + self._wait

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._rewrites:
            self._rewrite("")

    def show(self, step: Progress) -> None:
        now = time.monotonic()
        if step.iterate is None or now < self._next:
            return
        text = self._text(step)
        if self._rewrites:
            width = shutil.get_terminal_size().columns - 1
            self._rewrite(text[:width])
        else:
            self._wait *= 1.5
            print(text, file=self._stream, flush=True)
        self._next = now + self._wait

    def _rewrite(self, text: str) -> None:
        write_control(self._stream, "\r\x1b[K")
        print(text, end="", file=self._stream, flush=True)

    def _text(self, step: Progress) -> str:
        iterate = step.iterate
        assert iterate is not None
        eta = [] if step.eta is None else [f"{duration(step.eta)} left"]
        names = sorted(step.scalars, key=lambda name: name != "psnr")  # what counts most must not be cut off
        scalars = [f"{name} {number(step.scalars[name])}" for name in names]
        return "  ".join([f"{self._title} {iterate.k}/{iterate.total}", *eta, *scalars])
