"""The state of the workbench: the current problem, the results, the queue. Knows no widget and no layer.

Docks and layers are views of one ``Workbench``; they change it through its methods and redraw on its signals, which are
all emitted on the GUI thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import platformdirs
from psygnal import Signal

from napari_mlpatch.core.cost import Cost
from napari_mlpatch.core.declare import describe
from napari_mlpatch.core.events import Result
from napari_mlpatch.core.iterates import DISK, MEMORY, Pool, Recorder
from napari_mlpatch.core.method import Method
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.run import continued
from napari_mlpatch.core.start import start_of
from napari_mlpatch.core.trial import estimates
from napari_mlpatch.torch_later import torch

from .entry import Entry
from .figures import Figures
from .jobs import Job, JobQueue, Latest, loaded
from .named import Chosen, Named
from .scene import Scene
from .selection import Selection
from .stacks import Stacks
from .stepwise import stepwise, stop
from .training_job import Trainer, Training
from .undo import Undo


class Workbench(Selection):
    """Current scene, results and queue, with signals for views."""

    scene_changed = Signal()
    entries_changed = Signal()
    """A row was added, removed or finished."""
    entry_progressed = Signal(object)
    """An entry has a new frame or new numbers."""
    devices_changed = Signal()
    weights_changed = Signal()
    """There are new weights to choose from."""
    training_changed = Signal()
    begins_changed = Signal()
    """``begins`` is another one."""
    adopted = Signal(object, object)
    """A method and its weights (or None) that are to be put into the form."""
    failed = Signal(str)
    """Something went wrong; the text is for the user."""

    def __init__(self, post: Callable[[Callable[[], None]], None] = lambda f: f(), head_start: float = 0.0):
        super().__init__()
        self.post = post
        """Calls a function on the GUI thread."""
        self.queue = JobQueue(post, self._job_changed, head_start)
        self.quick = Latest(post)
        self.batch = Latest(post, "mlpatch-batch")
        """Sweeps and benchmarks, which take long, beside what is quick."""
        self.trainer = Trainer(post, self._training_changed)
        self.stacks = Stacks(post)
        """The run over all slices of a stack."""
        self.pool = Pool(MEMORY, DISK, str(platformdirs.user_cache_path("napari-mlpatch")))
        """The room for iterates of all results."""
        self.begins: Entry | None = None
        """The result that the next run is to begin with; None: the method's own first picture."""
        self.devices: tuple[str, ...] = ("cpu",)
        """Where jobs can run."""
        self._preferred = "cpu"
        self.rank: Callable[[Entry], Any] | None = None
        """The order into which results are brought once all of the queue are there."""
        self.figures = Figures(self)
        self.undo = Undo()
        self._started: Job | None = None

    def load(self) -> None:
        """Import PyTorch off the GUI thread, and see what it can run on."""

        def found(count: int) -> None:
            self.devices = ("cpu", *(f"cuda:{i}" for i in range(count)))
            self.devices_changed.emit()

        self.quick.call("devices", lambda: torch.cuda.device_count(), found, lambda e: self.failed.emit(str(e)))

    @property
    def preferred_device(self) -> str:
        """Where new runs are computed, unless a person chooses another: "cuda" is the first graphics card."""
        return next((name for name in self.devices if name.startswith(self._preferred)), "cpu")

    def prefer(self, device: str) -> None:
        """Compute new runs there, where there is such a device."""
        self._preferred = device
        self.devices_changed.emit()

    # ---- the problem ----------------------------------------------------------------------------------------

    def prepare(self, make: Callable[[], Scene], failed: Callable[[str], None] | None = None) -> None:
        """Make a scene off the GUI thread and make it the current one."""

        def fail(error: Exception) -> None:
            (failed or self.failed.emit)(str(error))

        self.quick.call("scene", lambda: make().show(), self.set_scene, fail)

    def set_scene(self, scene: Scene) -> None:
        self.scene = scene
        gone = self.selected is not None and bool(self.stale(self.selected))
        if gone:
            self.selected, self.by_hand = None, False
        self.scene_changed.emit()
        if gone:
            self.selection_changed.emit()

    # ---- running --------------------------------------------------------------------------------------------

    def run(
        self,
        method: Method,
        device: str = "cpu",
        weights: Chosen | None = None,
        start: Result | None = None,
        *,
        select: bool = True,
    ) -> Entry:
        """Queue a method on the current scene. The same method and parameters on the same data replace their result.

        ``start`` is a result to begin with, for methods that take one. It becomes the selected one at once, or without
        ``select`` when it starts.
        """
        assert self.scene is not None, "views offer Run only where there is a problem"
        scene = self.scene
        trained = weights.card.sha256 if weights else None
        x0, begins = start_of(start, scene.problem)
        recipe = Recipe.of(scene.problem, method, device=device, weights=trained, start=begins)
        named = Named.of(method, weights).also(*_more(recipe))
        recorder = Recorder(pool=self.pool)
        job = Job(named.title, scene.problem, recipe, network=weights, start=x0, iterates=recorder)
        same = [
            e
            for e in self.entries
            if e.method == describe(method)
            and e.job.recipe.weights == recipe.weights
            and _start_of(e) == (begins and begins.sha256)
            and e.job.recipe.stopped_at is None  # else it is an iterate that was kept
            and e.scene.problem.same_as(scene.problem)
        ]
        if same and not same[0].job.active:
            entry = same[0]
            self.queue.forget(entry.job)
            entry.job, entry.scene = job, scene
        else:
            entry = self.add(Entry(named, scene, describe(method), job))
        entry.shown = True
        stop(self.quick, "estimate")
        self.queue.submit(job)
        if select:
            self.select(entry, by_hand=False)
        self.entries_changed.emit()
        return entry

    def add(self, entry: Entry) -> Entry:
        """Put a result into the list, with a colour that no other one has."""
        used = {e.number for e in self.present}
        entry.number = next(n for n in range(len(used) + 1) if n not in used)
        self.entries.append(entry)
        return entry

    def begin_with(self, entry: Entry | None) -> None:
        """Let the next runs begin with this result, as far as their method can; None: with their own first picture."""
        if entry is not self.begins:
            self.begins = entry
            self.begins_changed.emit()

    def resume(self, entry: Entry, more: int) -> None:
        """Continue a result for ``more`` iterations."""
        assert entry.result is not None and not entry.job.active
        recipe = continued(entry.result.recipe, entry.result.iterations + more)
        old = entry.job
        before = entry.result if entry.result.state else None  # of a kept iterate there is none: it begins anew
        recorder = old.iterates if before else Recorder(pool=self.pool)
        job = Job(entry.title, entry.scene.problem, recipe, old.network, before, old.start, recorder)
        job.limits, job.history = entry.scene.limits, list(entry.result.history)
        self.queue.forget(entry.job)
        entry.job = job
        self.queue.submit(job)
        self.select(entry, by_hand=False)
        self.entries_changed.emit()

    def remove(self, entry: Entry) -> None:
        self.remove_all([entry])

    def remove_all(self, entries: list[Entry]) -> None:
        """Take results out of the list; ``undo`` brings back what was finished."""
        places = [(self.entries.index(entry), entry) for entry in entries if entry in self.entries]
        for _, entry in places:
            self._drop(entry)  # first, or its queued job's end would remove it too
            self.queue.cancel(entry.job)
            self.queue.forget(entry.job)
        back = [(place, entry) for place, entry in sorted(places, key=lambda pair: pair[0]) if entry.result is not None]
        if back:
            words = f"remove {back[0][1].title}" if len(back) == 1 else f"remove {len(back)} results"
            self.undo.did(words, lambda: self._bring_back(back))
        self.entries_changed.emit()

    def _bring_back(self, places: list[tuple[int, Entry]]) -> None:
        for place, entry in places:
            if entry.job.active:  # it was cancelled, its last good result is kept
                entry.job.state = "cancelled"
            self.entries.insert(min(place, len(self.entries)), entry)
        self.select(places[0][1] if not self.stale(places[0][1]) else self.selected)
        self.entries_changed.emit()

    def sort(self, key: Callable[[Entry], Any]) -> None:
        """Bring the results into an order, in the table and in the grid."""
        self.entries.sort(key=key)
        self.entries_changed.emit()

    def set_shown(self, entry: Entry, shown: bool) -> None:
        entry.shown = shown
        self.entries_changed.emit()

    # ---- quick computations ---------------------------------------------------------------------------------

    def estimate(
        self,
        method: Method,
        then: Callable[[Cost], None],
        failed: Callable[[str], None],
        weights: Chosen | None = None,
        device: str = "cpu",
    ) -> None:
        """Measure on this device what a run will cost, until a newer estimate is asked for, or a run."""
        scene = self.scene
        if scene is not None:
            steps = lambda: estimates(scene.problem, method, loaded(weights), device=device)  # noqa: E731
            tell = lambda cost: None if cost is None else then(cost)  # noqa: E731
            stepwise(self.quick, "estimate", steps, tell, lambda: None, lambda error: failed(str(error)))

    def close(self) -> None:
        self.queue.close()
        self.quick.close()
        self.batch.close()
        self.trainer.close()
        self.stacks.close()

    # ---- jobs -----------------------------------------------------------------------------------------------

    def _job_changed(self, job: Job) -> None:
        entry = next((e for e in self.entries if e.job is job), None)
        if entry is None:  # removed in the meantime
            return
        if job.state == "running" and job is not self._started:
            self._started = job
            if not self.by_hand and not self.stale(entry):
                self.select(entry, by_hand=False)
        if job.active:
            self.entry_progressed.emit(entry)
            return
        if job.result is not None:
            entry.result, entry.method, job.resume = job.result, job.recipe.method.model_dump(), None
            entry.named = Named.of(job.recipe.build_method(), job.network).also(*_more(job.result.recipe))
        if job.state == "failed":
            self.failed.emit(f"{entry.title} failed: {job.message}")
        if entry.result is None:
            self._drop(entry)
            job.let_go()
        self.entry_progressed.emit(entry)
        if self.rank is not None and not any(e.job.active for e in self.entries):
            self.entries.sort(key=self.rank)
            self.rank = None
            if self.present and not self.by_hand:
                self.select(self.present[0], by_hand=False)
        self.entries_changed.emit()

    def _training_changed(self, training: Training) -> None:
        self.training_changed.emit()
        if training.state == "done":
            self.weights_changed.emit()
        if training.state == "failed":
            self.failed.emit(f"The training of {training.recipe.title!r} failed: {training.message}")


def _start_of(entry: Entry) -> str | None:
    """The fingerprint of the picture that an entry began with, if another than the method's own."""
    start = entry.job.recipe.start
    return None if start is None else start.sha256


def _more(recipe: Recipe) -> list[str]:
    """What tells a result from others beside its method."""
    return ["warm start"] * (recipe.start is not None)
