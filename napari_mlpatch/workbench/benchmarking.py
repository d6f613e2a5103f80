"""A benchmark of the workbench: made of its problem and its results, run beside the queue, with a report at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from psygnal import Signal

from napari_mlpatch import io
from napari_mlpatch.batch.benchmark import Compared, Ran, benchmark
from napari_mlpatch.batch.benchmark_recipe import BenchmarkRecipe, Entrant
from napari_mlpatch.batch.folder import Folder
from napari_mlpatch.batch.report import write_report
from napari_mlpatch.core.declare import describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.core.registry import operators
from napari_mlpatch.core.run import Control

from .entry import Entry
from .jobs import Latest
from .scene import Scene
from .stepwise import stepwise
from .sweeping import seldom

TRUTH = "truth.npy"


def recipe_of(
    scene: Scene, entries: Sequence[Entry], seeds: int, images: Sequence[str] = (), *, with_truth: bool = True
) -> BenchmarkRecipe:
    """The present problem's operator and noise, the methods of results with their parameters and weights.

    Images are files and, with ``with_truth``, the true image of the problem, which is a file of the folder where it was
    only in memory. What of the operator fits its image fits the others, too. A result that was stopped counts with the
    iterations that it had; one that began with another result is left out. Raises InputError where nothing is left.
    """
    problem = scene.problem
    described = describe(problem.A)
    cls = operators.get(described["name"])
    fitting = cls.suggest(tuple(problem.A.domain_shape[-2:]))
    own = {key: value for key, value in described["params"].items() if not _is_fit(value, fitting, key, cls)}
    sources: list[dict[str, Any]] = [{"kind": "file", "path": str(path)} for path in images]
    if with_truth and problem.truth is not None:
        image = problem.source.get("image", {})
        given = image if image.get("kind") in ("file", "sample") else {"kind": "file", "path": TRUTH}
        sources.insert(0, dict(given))
    entrants: dict[str, Entrant] = {}
    for entry in entries:
        card = getattr(entry.job.network, "card", None)
        recipe = entry.job.recipe if entry.result is None else entry.result.recipe
        if recipe.start is not None:
            continue
        stopped = {} if recipe.stopped_at is None else {"iterations": recipe.stopped_at}
        params = entry.method["params"] | stopped
        label, trained = entry.named.title, None if card is None else card.sha256
        entrants.setdefault(label, Entrant(name=entry.method["name"], params=params, weights=trained, label=label))
    if not sources or not entrants:
        what = "image" if not sources else "method"
        raise InputError(f"A benchmark needs at least one {what}: " + _advice(what))
    return BenchmarkRecipe(
        title=f"{scene.title}: {len(entrants)} methods",
        images=tuple(sources),
        operator=Description(name=cls.name, params=own),
        noise=None if problem.noise is None else Description(**describe(problem.noise)),
        seeds=tuple(range(seeds)),
        methods=tuple(entrants.values()),
    )


def _advice(what: str) -> str:
    return "add files with images." if what == "image" else "run some, and tick them in the table."


def _is_fit(value: Any, fitting: dict[str, Any], key: str, cls: Any) -> bool:
    """Whether the operator would have this value of a parameter by itself."""
    if key == "image_shape":
        return True
    return key in fitting and describe(cls(**fitting))["params"][key] == value


class Benchmarking:
    """``page`` is the report once there is one. Knows no widget."""

    changed = Signal()

    def __init__(self, quick: Latest):
        self._quick, self._control = quick, Control()
        self.running = False
        self.done = self.total = self.reused = 0
        self.message = ""
        self.page: Path | None = None

    def start(self, scene: Scene, recipe: BenchmarkRecipe, path: str) -> None:
        """Run it into a folder, or go on with what is there. Raises InputError for a folder of something else."""
        folder = Folder(path, "benchmark")
        here = {"path": str(folder.path / TRUTH)}
        images = [one | here if one.get("path") == TRUTH else one for one in recipe.images]
        recipe = recipe.model_copy(update={"images": tuple(images)})
        control = self._control = Control()
        self.running, self.page, self.message = True, None, ""
        self.done, self.reused, self.total = 0, 0, recipe.count

        def steps() -> Iterator[Any]:
            if any(one.get("path") == here["path"] for one in images):
                assert scene.problem.truth is not None
                truth = scene.problem.A.picture(scene.problem.truth)[0, 0]
                io.write_image(folder.path / TRUTH, truth, force=TRUTH in folder and folder.is_own(TRUTH))
                folder.own(folder.path / TRUTH)
                folder.own((folder.path / TRUTH).with_suffix(".json"))
            for event in seldom(benchmark(recipe, folder, control)):
                yield (write_report(folder, event), event) if isinstance(event, Compared) else event

        def each(event: Any) -> None:
            if isinstance(event, Ran):
                self.done, self.reused = event.index + 1, self.reused + event.reused
            elif isinstance(event, tuple):
                self.page, self.running = event[0], False
                failed = sum(bool(run.error) for run in event[1].runs)
                self.message = "cancelled; the report is of what there is" if event[1].cancelled else "done"
                self.message += f", {failed} failed" if failed else ""
            self.changed.emit()

        def failed(error: Exception) -> None:
            self.running, self.message = False, str(error)
            self.changed.emit()

        stepwise(self._quick, "benchmark", steps, each, lambda: None, failed)
        self.changed.emit()

    def cancel(self) -> None:
        """End after the present step, with a report of what there is."""
        self._control.cancel()
