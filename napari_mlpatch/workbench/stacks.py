"""All slices of a stack in the workbench: which recipe, what it will cost, a trial of it, and the run. No widget."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import torch

from . import threads
from .jobs import Latest
from .stepwise import stepwise, stop

if TYPE_CHECKING:
    from napari_mlpatch.stacks.control import StackControl
    from napari_mlpatch.stacks.events import BlockFailed, Event, Finished, Progress, Started
    from napari_mlpatch.stacks.executors import Executor
    from napari_mlpatch.stacks.opened import Opened
    from napari_mlpatch.stacks.stack_recipe import StackRecipe

    from .entry import Entry


PREPARING = "preparing: a trial of one slice…"


@dataclass(frozen=True, eq=False)
class Base:
    """What all slices are to be made like: the recipe of a slice, or of a run that has begun, and where the stack lies.

    ``seconds`` is what one slice took, where known; ``limits`` are the contrast limits of its picture.
    """

    recipe: StackRecipe
    source: str
    words: str
    seconds: float | None = None
    limits: tuple[float, float] | None = None
    slice: int | None = None
    out: str = ""


@dataclass(frozen=True)
class Where:
    """Who computes: threads of this program, so many processes of this machine, or a Dask scheduler at an address."""

    workers: int | None = None
    scheduler: str | None = None

    def opened(self, stack: ExitStack) -> Executor | None:
        """The cluster, until ``stack`` ends; None: this program. Raises InputError where nobody answers."""
        if self.workers is None and self.scheduler is None:
            return None
        if self.workers is None and not self.scheduler:
            raise InputError("Give the address of the scheduler, such as tcp://192.168.0.7:8786.")
        from napari_mlpatch.stacks.executors.cluster import Cluster

        return stack.enter_context(Cluster(self.scheduler, self.workers))

    @property
    def words(self) -> str:
        """What is waited for before the run begins; "" of this program."""
        if self.workers is not None:
            return f"starting {self.workers} workers…"
        return "" if self.scheduler is None else f"asking the scheduler at {self.scheduler}…"


def base_of(entry: Entry) -> Base:
    """Of a finished result. Raises InputError where its data lie in no file, or it cannot be repeated for others."""
    from napari_mlpatch.stacks.stack_recipe import StackRecipe

    assert entry.result is not None
    recipe = entry.result.recipe
    source = recipe.data.source
    if source.get("kind") != "file":
        raise InputError("This result is of data in memory or of a sample: open the stack from its file or folder.")
    index = source.get("options", {}).get("slice")
    number = index if isinstance(index, int) else None
    words = entry.named.title + ("" if number is None else f", of slice {number}")
    return Base(StackRecipe(recipe=recipe), source["path"], words, entry.result.seconds, entry.scene.limits, number)


def base_of_volume(opened: Opened) -> Base:
    """Of a run that has begun, to go on with it. Raises InputError."""
    words = f"the run that made {opened.path.name}"
    return Base(opened.recipe, opened.source, words, out=str(opened.path))


class Stacks:
    """One run at a time, on threads of its own, beside the queue."""

    changed = Signal()
    """Something that is told of the run is another."""
    started = Signal(object)
    """``Started``: the output is there, and can be looked at while it grows."""
    grew = Signal(object)
    """The blocks that were written since the last time."""
    ended = Signal(object)
    """``Finished``."""
    wanted = Signal()
    """A person asks for the dock of all slices."""
    continued = Signal(object)
    """A ``Base`` of a run that was opened, and is to be gone on with."""

    def __init__(self, post: Callable[[Callable[[], None]], None]):
        self._post = post
        self._quick: Latest | None = None
        self._pictures: Latest | None = None
        self._control: StackControl | None = None
        self._events: deque[Event | Exception] = deque()
        self._told = True
        self.limits: tuple[float, float] | None = None
        self._clear()

    def _clear(self) -> None:
        self.running = False
        self.begun: Started | None = None
        self.progress: Progress | None = None
        self.finished: Finished | None = None
        self.failed: list[BlockFailed] = []
        self.message, self.preparing = "", PREPARING

    @property
    def quick(self) -> Latest:
        """The thread of what is tried; it is not that of other quick things, which would have to wait."""
        if self._quick is None:
            self._quick = Latest(self._post, "mlpatch-stack-trial")
        return self._quick

    @property
    def pictures(self) -> Latest:
        """The thread that reads pictures which are looked at; nothing else waits there."""
        if self._pictures is None:
            self._pictures = Latest(self._post, "mlpatch-pictures")
        return self._pictures

    # ---- trying ---------------------------------------------------------------------------------------------

    def ask(self, what: str, compute: Callable[[], Any], then: Callable[[Any], None], failed: Callable[[str], None]):
        """Something of ``stacks.look``, until another one of the same name is asked for."""
        self.quick.call(what, compute, then, lambda error: failed(_reason(error)))

    def strip(
        self,
        recipe: StackRecipe,
        source: str,
        indices: list[int],
        each: Callable[[int, Any], None],
        done: Callable[[], None],
        failed: Callable[[str], None],
    ) -> None:
        """Pictures of these slices, one after the other."""

        def steps() -> Iterator[Any]:
            from napari_mlpatch.stacks.run_stack import strip

            torch.set_num_threads(threads.cores())
            return strip(recipe, source, indices)

        stepwise(self.quick, "strip", steps, lambda made: each(*made), done, lambda error: failed(_reason(error)))

    def stop_strip(self) -> None:
        stop(self.quick, "strip")

    # ---- the run --------------------------------------------------------------------------------------------

    def start(
        self,
        recipe: StackRecipe,
        source: str,
        out: str,
        force: bool = False,
        limits: tuple[float, float] | None = None,
        incomplete: bool = False,
        where: Where | None = None,
    ) -> None:
        """Begin, or go on with what is there. What goes wrong, also before the first block, is in ``message``.

        ``limits`` are the contrast limits that its pictures are to be shown with, ``where`` says who computes.
        """
        from napari_mlpatch.stacks.control import StackControl

        if self.running:
            raise InputError("A stack is being run already: wait for it, or cancel it.")
        self._clear()
        self.limits, where = limits, where or Where()
        self.preparing = where.words or PREPARING
        self.running, control = True, StackControl()
        self._control = control

        def work() -> None:
            from napari_mlpatch.stacks.run_stack import run_stack

            torch.set_num_threads(threads.cores())
            try:
                with ExitStack() as stack:
                    executor = where.opened(stack)
                    told = {"control": control, "force": force, "incomplete": incomplete, "executor": executor}
                    for event in stack.enter_context(closing(run_stack(recipe, source, out, **told))):
                        self._tell(event)
            except Exception as error:  # whatever it was, the window says it
                self._tell(error)

        threads.start("mlpatch-stack", work, control.cancel)
        self.changed.emit()

    def pause(self) -> None:
        """Begin no new step until ``go_on``."""
        if self._control is not None:
            self._control.pause()
            self.changed.emit()

    def go_on(self) -> None:
        if self._control is not None:
            self._control.go_on()
            self.changed.emit()

    @property
    def paused(self) -> bool:
        return self.running and self._control is not None and self._control.paused

    def cancel(self) -> None:
        """End after the present step; what is done stays, and the same run goes on with the rest."""
        if self._control is not None:
            self._control.cancel()
            self.changed.emit()

    def close(self) -> None:
        self.cancel()
        for thread in (self._quick, self._pictures):
            if thread is not None:
                thread.close()

    # ---- from the thread of the run to the window's -----------------------------------------------------------

    def _tell(self, event: Event | Exception) -> None:
        """However many events come, the window hears of them once for each of its rounds."""
        self._events.append(event)
        if self._told:
            self._told = False
            self._post(self._hear)

    def _hear(self) -> None:
        from napari_mlpatch.stacks.events import BlockDone, BlockFailed, Copying, Finished, Progress, Started

        self._told = True
        blocks = []
        while self._events:
            event = self._events.popleft()
            if isinstance(event, Progress):
                self.progress = event
            elif isinstance(event, Copying):
                self.preparing = f"unpacking the data: {100 * event.part:.0f} %"
            elif isinstance(event, BlockDone):
                blocks.append(event.block)
            elif isinstance(event, BlockFailed):
                repeated = set(event.slices)  # of what failed before, too
                self.failed = [one for one in self.failed if not repeated.intersection(one.slices)] + [event]
            elif isinstance(event, Started):
                self.begun = event
                self.started.emit(event)
            elif isinstance(event, Finished):
                self.finished, self.running, self.message = event, False, event.message
                self.failed = list(event.failed)
            else:
                self.running, self.message = False, _reason(event)
        if blocks:
            self.grew.emit(blocks)
        if self.finished is not None and not self.running:
            self.ended.emit(self.finished)
        self.changed.emit()


def suggested_output(source: str, method: str) -> str:
    """Beside the stack, named after it and the method."""
    path = Path(source)
    stem = path.name if path.is_dir() else path.stem
    return str(path.parent / f"{stem}-{method}.zarr")


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
