"""The volume of a run on the canvas: lazy, there at once, read again where blocks have come, a pyramid at the end.

What is looked at is read on another thread, while the last picture stays: see ``Later``.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import QTimer

from napari_mlpatch.gui.compare.bars import colour_label
from napari_mlpatch.gui.plumbing.in_pieces import Steps, adding
from napari_mlpatch.gui.plumbing.later import Later, readers
from napari_mlpatch.gui.plumbing.paint_after import PaintAfter
from napari_mlpatch.gui.plumbing.scenegraph import at_once
from napari_mlpatch.workbench.jobs import contrast_limits
from napari_mlpatch.workbench.workbench import Workbench

from .volume_data import ROLE, layer_of

if TYPE_CHECKING:
    from napari_mlpatch.stacks.opened import Opened

REFRESH_SECONDS = 0.5
WATCH_MS = 2000
"""Between two looks at an output that another process may be writing."""
_readers_made = itertools.count()
"""Two layers of one output are read for themselves."""


class VolumeLayers:
    """Follows the run of the workbench, whether its dock is open or not."""

    def __init__(self, viewer: Viewer, workbench: Workbench):
        self.viewer, self.workbench = viewer, workbench
        self._drawn = 0.0
        self._grown: set[int] = set()
        self._path = ""
        self._steps, self._hold_paint = Steps(viewer.window._qt_window), PaintAfter(viewer).hold
        self._timer = QTimer(viewer.window._qt_window)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._refresh)
        self._marks: dict[str, int] = {}
        """When the markers of an output that was opened before it was complete had changed last."""
        self._watch = QTimer(viewer.window._qt_window)
        self._watch.setInterval(WATCH_MS)
        self._watch.timeout.connect(self.look)
        viewer.layers.events.inserted.connect(self._inserted)
        stacks = workbench.stacks
        stacks.started.connect(lambda event: self._open(event.path))
        stacks.grew.connect(self._grew)
        stacks.ended.connect(lambda event: self._open(event.path) if event.complete else None)

    def find(self, path: str | Path) -> list[Image]:
        """The layers that show this output."""
        known = [(la, la.metadata.get("mlpatch", {})) for la in self.viewer.layers if isinstance(la, Image)]
        return [la for la, about in known if about.get("role") == ROLE and about.get("path") == str(path)]

    def add(self, path: Path, unfinished: Callable[[Opened], None]) -> None:
        """An output that a person opens, beside what is there; ``unfinished`` is told of one that is not complete."""

        def shown(found: Opened, layer: Image) -> Iterator[None]:
            for _ in adding(self.viewer, layer):
                yield
                self._hold_paint()
            for later in _readers(layer):  # what has come since it was opened
                later.renew(None, layer.visible)
            if not found.complete:
                yield
                unfinished(found)

        self._read(path, shown, f"volume {path} {next(_readers_made)}")

    def made(self, opened: Opened, limits: tuple[float, float] | None = None) -> Image:
        """The layer, not on the canvas yet; off the window's thread, on which its pictures are never read."""
        later = [self._reader(opened, level) for level in range(len(opened.levels))]
        for one in later:
            one.keep(0)  # something to show until what is looked at has come
        data, about = layer_of(opened, limits, later)
        return Image(data, blending="translucent_no_depth", **about)  # as ``add_image`` has it

    def _reader(self, opened: Opened, level: int) -> Later:
        planes = opened.levels[level]
        path, factor = str(opened.path), len(opened.levels[0]) / len(planes)
        key = f"{path} {level} {next(_readers_made)}"
        height, begin = opened.spacing[0], opened.first * opened.spacing[0]
        dims = self.viewer.dims

        def asked(work: Callable[[], Any], then: Callable[[Any], None]) -> None:
            self.workbench.stacks.pictures.call(key, work, then, self._failed)

        def looked_at(index: int) -> bool:
            axis = dims.ndim - 3
            if axis not in dims.not_displayed:
                return False
            place = min(max((dims.point[axis] - begin) / height / factor, 0.0), len(planes) - 1.0)
            return abs(place - index) < 0.5 + 1e-6  # napari rounds it

        def shown() -> None:
            for layer in self.find(path):
                layer.refresh(thumbnail=False, highlight=False, extent=False)

        later = Later(planes.shape, planes.__getitem__, asked, lambda: dims.ndisplay == 3)
        later.looked_at, later.shown = looked_at, shown
        return later

    def _open(self, path: Path) -> None:
        """There is a layer then, in the place of one of the same output."""
        self._path = str(path)
        self._read(path, self._show, "volume", self.workbench.stacks.limits)

    def _read(
        self,
        path: Path,
        show: Callable[[Opened, Image], Iterator[None]],
        key: str,
        limits: tuple[float, float] | None = None,
    ) -> None:
        """Off the window's thread; then it is shown in steps."""
        from napari_mlpatch.stacks.opened import open_volume

        def opened() -> tuple[Opened, Image]:
            found = open_volume(path)
            return found, self.made(found, limits)

        self.workbench.quick.call(key, opened, lambda made: self._steps.take(show(*made)), self._failed)

    def _failed(self, error: Exception) -> None:
        self.workbench.failed.emit(str(error))

    def _show(self, opened: Opened, layer: Image) -> Iterator[None]:
        """Step by step, see ``adding``."""
        before, name = self.find(opened.path), layer.name
        if opened.complete and before and len(opened.levels) == 1:  # nothing but what is there already
            for old in before:
                old.name = name
                for later in _readers(old):
                    later.renew(None, old.visible)
            self._refresh()
            return
        for old in before:
            layer.contrast_limits, layer.colormap, layer.visible = old.contrast_limits, old.colormap, old.visible
        for _ in adding(self.viewer, layer):
            yield
            self._hold_paint()
        yield
        if before:
            yield from self._take_away(before)
            layer.name = name  # its own one now
        else:
            self._hold_paint()
            with at_once(self.viewer):
                self._alone(layer)
        for later in _readers(layer):  # what has come since it was opened
            later.renew(None, layer.visible)

    def _take_away(self, layers: list[Image]) -> Iterator[None]:
        """One after the other; what is looked at stays."""
        for layer in layers:
            if layer in self.viewer.layers:
                place = self.viewer.dims.current_step
                self._hold_paint()
                with at_once(self.viewer):
                    self.viewer.layers.remove(layer)
                self.viewer.dims.current_step = place
                yield

    def _alone(self, layer: Any) -> None:
        """Nothing else on the canvas, at a slice that comes early."""
        self.viewer.canvas.grid.enabled = False
        for other in self.viewer.layers:
            if isinstance(other, Image) and other is not layer:
                other.visible = False
        colour_label(self.viewer, "")  # of their colour bars
        self.viewer.reset_view()
        self.viewer.dims.set_current_step(0, 0)

    # ---- while it grows -------------------------------------------------------------------------------------

    def _inserted(self, event: Any) -> None:
        about = event.value.metadata.get("mlpatch", {})
        path = about.get("path", "") if about.get("role") == ROLE else ""
        if path and _changed(path) is not None:
            self._marks[path] = 0
            self._watch.start()

    def look(self) -> None:
        """Where another process has written blocks, read again; where it has ended, open what there is then."""
        if self.workbench.stacks.running:
            return
        for path, before in list(self._marks.items()):
            now = _changed(path)
            if now is None or not self.find(path):
                del self._marks[path]
            if now is None and self.find(path):
                self._open(Path(path))
            elif now is not None and now != before:
                self._marks[path], self._path = now, path
                self._refresh()
        if not self._marks:
            self._watch.stop()

    def _grew(self, blocks: list[Any]) -> None:
        for block in blocks:
            self._grown.update(range(block.start, block.stop))
        if not self._timer.isActive():
            wait = self._drawn + REFRESH_SECONDS - time.monotonic()
            self._timer.start(max(1, round(1000 * wait)))

    def _refresh(self) -> None:
        """Read what is on show again where it has come; a whole volume only when all of it is there."""
        self._drawn = time.monotonic()
        stacks, came = self.workbench.stacks, self._grown
        self._grown = set()
        for layer in self.find(self._path):
            first = round(layer.translate[0] / layer.scale[0])
            for later in _readers(layer):
                later.renew({k - first for k in came} if came else None, layer.visible)
            if stacks.limits is None and tuple(layer.contrast_limits) == (0.0, 1.0) and came:  # there was nothing yet
                self._find_limits(layer, max(came) - first)
            if layer.visible and self.viewer.dims.ndisplay == 3 and not stacks.running:
                layer.refresh(thumbnail=False, highlight=False, extent=False)

    def _find_limits(self, shown: Image, index: int) -> None:
        """Contrast limits of a slice that has come."""
        path = self._path

        def found(limits: tuple[float, float]) -> None:
            for layer in self.find(path):
                if tuple(layer.contrast_limits) == (0.0, 1.0):
                    layer.contrast_limits = limits

        if later := _readers(shown):
            self.workbench.stacks.pictures.call(
                f"{path} limits", lambda: contrast_limits(later[0].keep(index)), found, self._failed
            )


def _readers(layer: Image) -> list[Later]:
    """Who reads the levels of a layer."""
    data: Any = layer.data
    return readers(data if layer.multiscale else [data])


def _changed(path: str) -> int | None:
    """When a block of an output was last marked as done [ns]; None where its run is complete, or gone."""
    from napari_mlpatch.stacks.markers import Markers

    try:
        return Markers(Path(path)).folder.stat().st_mtime_ns
    except OSError:
        return None
