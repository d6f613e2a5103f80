"""The volume of a run on the canvas: lazy, there at once, read again where blocks have come, a pyramid at the end.

What is looked at is read on another thread, while the last picture stays: see ``Later``.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import QTimer

from napari_mlpatch.gui.plumbing.later import Later, looked_through, readers
from napari_mlpatch.gui.plumbing.scenegraph import at_once
from napari_mlpatch.workbench.jobs import contrast_limits
from napari_mlpatch.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari_mlpatch.stacks.opened import Opened

REFRESH_SECONDS = 0.5
WATCH_MS = 2000
"""Between two looks at an output that another process may be writing."""
TRIED = 9
"""Slices of which one with something in it is looked for, for the contrast."""
ROLE = "volume"
_readers_made = itertools.count()
"""Two layers of one output are read for themselves."""


def layer_of(
    opened: Opened, limits: tuple[float, float] | None = None, later: Sequence[Later] = ()
) -> tuple[Any, dict[str, Any]]:
    """Data and properties of napari's layer: several levels where there is a pyramid, else one that may still grow.

    ``later``: who reads each level. Not to be called on the window's thread for large volumes: pictures are read.
    """
    if later:
        levels = [looked_through(level, one) for level, one in zip(opened.levels, later, strict=True)]
    else:
        levels = [level.lazily() for level in opened.levels]
    units = (opened.unit or "pixel",) * 3
    about = {
        "name": opened.path.stem + ("" if opened.complete else " (in part)"),
        "scale": opened.spacing,
        "translate": (opened.first * opened.spacing[0], 0.0, 0.0),
        "units": units,
        "axis_labels": ("slice", "row", "column"),
        "contrast_limits": limits or limits_of(opened),
        "rgb": False,
        "multiscale": len(levels) > 1,
        "projection_mode": "none",  # the one slice as it is, and no mean over one
        "cache": opened.complete and not later,  # else what is not there yet would be remembered
        "metadata": {"mlpatch": {"role": ROLE, "path": str(opened.path), "recipe": opened.about.get("recipe")}},
    }
    return (levels if len(levels) > 1 else levels[0]), about


def limits_of(opened: Opened) -> tuple[float, float]:
    """Contrast limits of a slice of the coarsest level, the middle one if it is there."""
    level = opened.levels[-1]
    middle = len(level) // 2
    for k in sorted({round(k) for k in np.linspace(0, len(level) - 1, TRIED)}, key=lambda k: abs(k - middle)):
        picture = level[k]
        if picture.any():
            return contrast_limits(picture)
    return 0.0, 1.0


class VolumeLayers:
    """Follows the run of the workbench, whether its dock is open or not."""

    def __init__(self, viewer: Viewer, workbench: Workbench):
        self.viewer, self.workbench = viewer, workbench
        self._drawn = 0.0
        self._grown: set[int] = set()
        self._path = ""
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

    def layer_of(self, opened: Opened, limits: tuple[float, float] | None = None) -> tuple[Any, dict[str, Any]]:
        """The same as the function of that name, read off the window's thread."""
        later = [self._reader(opened, level) for level in range(len(opened.levels))]
        for one in later:
            one.keep(0)  # something to show until what is looked at has come
        return layer_of(opened, limits, later)

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
        """Off the window's thread; then there is a layer, in the place of one of the same output."""
        from napari_mlpatch.stacks.opened import open_volume

        self._path = str(path)

        def opened() -> tuple[Any, Any, dict[str, Any]]:
            found = open_volume(path)
            return found, *self.layer_of(found, self.workbench.stacks.limits)

        self.workbench.quick.call("volume", opened, lambda made: self._show(*made), self._failed)

    def _failed(self, error: Exception) -> None:
        self.workbench.failed.emit(str(error))

    def _show(self, opened: Opened, data: Any, about: dict[str, Any]) -> None:
        before = self.find(opened.path)
        if opened.complete and before and len(opened.levels) == 1:  # nothing but what is there already
            for layer in before:
                layer.name = about["name"]
                for later in _readers(layer):
                    later.renew(None, layer.visible)
            self._refresh()
            return
        for layer in before:
            about |= {"contrast_limits": tuple(layer.contrast_limits), "colormap": layer.colormap}
            about |= {"visible": layer.visible}
        place = self.viewer.dims.current_step
        with at_once(self.viewer):
            layer = self.viewer.add_image(data, **about)
            for old in before:
                self.viewer.layers.remove(old)
            layer.name = about["name"]  # its own one now
            if before:
                self.viewer.dims.current_step = place
            else:
                self._alone(layer)

    def _alone(self, layer: Any) -> None:
        """Nothing else on the canvas, at a slice that comes early."""
        self.viewer.canvas.grid.enabled = False
        for other in self.viewer.layers:
            if isinstance(other, Image) and other is not layer:
                other.visible = False
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
