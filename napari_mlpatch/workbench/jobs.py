"""The queue of jobs and the one thread that works on it. Knows neither widgets nor layers.

A job holds a problem and a recipe, never a layer. Everything that happens is told on the GUI thread, through ``post``.
"""

from __future__ import annotations

import itertools
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.events import Cancelled, Done, Failed, Progress, Result
from napari_mlpatch.core.iterates import Recorder
from napari_mlpatch.core.method import Iterate
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.run import Control, run
from napari_mlpatch.torch_later import Tensor, torch
from napari_mlpatch.weights import Unopened

from . import threads

FRAME_SECONDS = 0.1
State = Literal["queued", "running", "done", "failed", "cancelled"]
_ids = itertools.count(1)


@dataclass(eq=False)
class Job:
    """One run. ``frame`` is the newest iterate as a CPU array, ready to be shown."""

    title: str
    problem: Problem | None
    recipe: Recipe
    network: Any = None
    resume: Result | None = None
    start: Tensor | None = field(default=None, repr=False)
    """The picture to begin with, of a recipe that names one."""
    iterates: Recorder | None = field(default=None, repr=False)
    """What is kept of its iterates, filled while it runs."""
    id: int = field(default_factory=lambda: next(_ids))
    state: State = "queued"
    submitted: float = 0.0
    control: Control = field(default_factory=Control)
    k: int = 0
    total: int = 0
    seconds: float = 0.0
    eta: float | None = None
    scalars: dict[str, float] = field(default_factory=dict)
    frame: np.ndarray | None = None
    limits: tuple[float, float] | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    result: Result | None = None
    message: str = ""

    def let_go(self) -> None:
        """Free what a job holds that ended without a result: only its title and message are still to be read."""
        self.problem = self.network = self.resume = self.frame = self.start = self.iterates = None
        self.history.clear()

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")


Listener = Callable[[Job], None]
Post = Callable[[Callable[[], None]], None]


class JobQueue:
    """Runs jobs one after another on a thread of its own.

    ``post`` hands a function to the GUI thread; ``changed`` is called there whenever a job's state or progress changed,
    at most every 100 ms for progress. A job that was just submitted gives the window ``head_start`` seconds to make
    room for its picture, which would take twice as long beside the job.
    """

    def __init__(self, post: Post, changed: Listener, head_start: float = 0.0):
        self._post, self._changed, self._head_start = post, changed, head_start
        self._waiting: queue.Queue[Job | None] = queue.Queue()
        self._told: set[int] = set()
        self.jobs: list[Job] = []
        self.thread = threads.start("mlpatch-jobs", self._work, self.close)

    def submit(self, job: Job) -> None:
        job.submitted = time.monotonic()
        self.jobs.append(job)
        self._waiting.put(job)
        self._changed(job)

    def cancel(self, job: Job) -> None:
        job.control.cancel()
        if job.state == "queued":
            job.state = "cancelled"
            self._changed(job)

    def forget(self, job: Job) -> None:
        """Do not list a job any more, so that its result can be freed."""
        if job in self.jobs:
            self.jobs.remove(job)

    def close(self) -> None:
        """Cancel everything and let the thread end. Nobody is told: the window is gone."""
        for job in self.jobs:
            job.control.cancel()
        self._waiting.put(None)

    # ---- on the worker thread -------------------------------------------------------------------------------

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            torch.set_num_threads(threads.cores())
            time.sleep(max(0.0, job.submitted + self._head_start - time.monotonic()))
            if job.state == "queued" and job.control.wish != "cancel":
                try:
                    self._run(job)
                except Exception as error:  # whatever it was, this thread has other jobs to do
                    job.message = f"{type(error).__name__}: {error}"
                    self._end(job, "failed")
            del job  # or it would be kept until the next one comes

    def _run(self, job: Job) -> None:
        assert job.problem is not None
        job.state = "running"
        self._tell(job)
        try:
            job.network = loaded(job.network)
        except InputError as error:
            job.message = str(error)
            self._end(job, "failed")
            return
        resume = job.resume
        shown = 0.0
        for event in run(
            job.recipe,
            job.problem,
            network=job.network,
            control=job.control,
            state=resume.state if resume else None,
            history=resume.history if resume else (),
            start=job.start,
            recorder=job.iterates,
        ):
            if isinstance(event, Progress):
                job.seconds, job.eta = event.seconds, event.eta
                if event.iterate is not None:
                    self._note(job, event.iterate, event.scalars)
                    if time.perf_counter() - shown >= FRAME_SECONDS:
                        job.frame = to_image(job.problem.A.picture(event.iterate.x))
                        job.limits = job.limits or contrast_limits(job.frame)
                        shown = time.perf_counter()
                        self._tell(job)
            elif isinstance(event, Done):
                job.result = event.result
                job.history = list(event.result.history)
                job.frame = to_image(job.problem.A.picture(event.result.x))
                job.limits = contrast_limits(job.frame)
                self._end(job, "done")
            elif isinstance(event, Failed):
                job.message = event.message
                self._end(job, "failed")
            elif isinstance(event, Cancelled):
                self._end(job, "cancelled")

    def _note(self, job: Job, iterate: Iterate, scalars: dict[str, float]) -> None:
        job.k, job.total, job.scalars = iterate.k, iterate.total, scalars
        job.history.append({"k": iterate.k, "seconds": job.seconds, **scalars})

    def _end(self, job: Job, state: State) -> None:
        def end() -> None:  # on the GUI thread, so that state and result change together for all views
            job.state = state
            self._changed(job)

        self._post(end)

    def _tell(self, job: Job) -> None:
        if job.id in self._told:  # the GUI thread has not yet shown the last frame: it will see the newest one
            return
        self._told.add(job.id)

        def show() -> None:
            self._told.discard(job.id)
            if job.active:
                self._changed(job)

        self._post(show)


class Latest:
    """Short computations off the GUI thread; a newer one of the same key makes the older one's answer void."""

    def __init__(self, post: Post, name: str = "mlpatch-quick"):
        self._post = post
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._newest: dict[str, int] = {}
        self.running: dict[str, list[Any]] = {}
        """Generators by key, see ``stepwise``, and those that are to be closed."""
        self.ended: list[list[Any]] = []
        threads.start(name, self._work, self.close)

    def call(
        self,
        key: str,
        compute: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Compute, then hand the answer (or the exception) to the GUI thread, unless a newer call has come."""
        generation = self._newest[key] = self._newest.get(key, 0) + 1

        def current() -> bool:
            return self._newest[key] == generation

        def work() -> None:
            if not current():
                return
            try:
                answer = compute()
            except Exception as error:
                failure = error
                self._post(lambda: failed(failure) if current() else None)
            else:
                self._post(lambda: then(answer) if current() else None)

        self._waiting.put(work)

    def close(self) -> None:
        for key in self._newest:
            self._newest[key] += 1
        self._waiting.put(None)

    def _work(self) -> None:
        while (work := self._waiting.get()) is not None:
            work()
            del work  # or it would be kept until the next one comes


def loaded(network: Any) -> Any:
    """The weights, read from their file where only their card was; off the GUI thread. Raises InputError."""
    return network.load() if isinstance(network, Unopened) else network


def to_image(x: Any) -> np.ndarray:
    """The first image of a batch of real ones, as a CPU array."""
    return x.detach()[0, 0].cpu().numpy().copy()


def contrast_limits(image: np.ndarray) -> tuple[float, float]:
    """The 0.5 and 99.5 percentiles of what is finite, so that one hot pixel does not make the picture black."""
    step = max(1, image.size // 200_000)
    values = image.ravel()[::step]
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, (0.5, 99.5))
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)
