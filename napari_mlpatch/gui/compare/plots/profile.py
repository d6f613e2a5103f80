"""The values of all results along a line."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_mlpatch.core.profiles import Point, distances, line_profile
from napari_mlpatch.gui.compare.pair import frame_at
from napari_mlpatch.gui.compare.parts import plots
from napari_mlpatch.gui.compare.view import Plot
from napari_mlpatch.gui.plumbing.mouse import At, Drag, Keys
from napari_mlpatch.gui.plumbing.plot import Plot as Paper
from napari_mlpatch.gui.plumbing.strokes import Strokes
from napari_mlpatch.workbench.pictures import quantity
from napari_mlpatch.workbench.scene import Frame
from napari_mlpatch.workbench.selection import Other

HINT = "Drag the line or its ends; with Shift, draw another one."
EMPTY = "The values of all ticked results, and of the truth, along a line come here. Drag the line over the picture."


@plots.register("profile", title="Profile", key="P", order=30)
class Profile(Plot):
    """The values of all ticked results, and of the truth, along a line to drag; with Shift, draw another line."""

    def make(self) -> QWidget:
        widget = QWidget()
        self.plot = Paper()
        self.plot.setMinimumWidth(180)
        for side in ("bottom", "left"):
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self.plot.setToolTip(HINT)
        self.plot.say(EMPTY)
        self.curves: dict[int | str, pyqtgraph.PlotDataItem] = {}
        self._colours: dict[int | str, str] = {}
        layout = QVBoxLayout(widget)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(0)
        layout.addWidget(self.plot, 1)
        self.line: tuple[Point, Point] | None = None
        """From where to where, in pixels: rows and columns."""
        self._labels: tuple[str, str] | None = None
        self._shape: tuple[int, ...] = ()
        self._frame = Frame()
        self._held: str = ""
        self._from: At = (0.0, 0.0)
        self.strokes = Strokes(self.stage.viewer)
        self._drag: Drag | None = None
        widget.destroyed.connect(self._let_go)
        return widget

    def show(self) -> None:
        if self._drag is None:
            self._drag = Drag(self.stage.viewer, self._takes, self._to)
        self._draw()

    def leave(self) -> None:
        self._let_go()
        super().leave()

    def _let_go(self) -> None:
        if self._drag is not None:
            self._drag.stop()
            self._drag = None
        self.strokes.clear()

    # ---- drawing --------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        stage, scene = self.stage, self.stage.scene
        has_truth = scene is not None and scene.truth is not None
        wanted: list[Other] = [*stage.shown, *(["truth"] if has_truth else [])]
        found = [(of, p) for of in wanted if (p := stage.picture(of, stage.kind)) is not None]
        if scene is None or not found:
            self._clear()
            return
        shape = found[0][1].shape
        if self.line is None or shape != self._shape:
            middle = float(shape[0] // 2)
            self.line, self._shape = ((middle, 0.0), (middle, float(shape[1] - 1))), shape
        self._frame = frame = frame_at(scene, stage.kind, shape)
        start, end = self.line
        along, left = distances(start, end, frame.scale), dict(self.curves)
        for of, picture in found:
            if picture.shape != shape:
                continue
            key = of if isinstance(of, str) else of.id
            curve = left.pop(key, None)
            if curve is None:
                curve = self.curves[key] = self.plot.plot_plain() if isinstance(of, str) else self.plot.plot()
                curve.setZValue(-1 if isinstance(of, str) else 0)  # the truth does not cover the others
            if not isinstance(of, str) and self._colours.get(key) != self.colour(of):  # another in another theme
                self._colours[key] = self.colour(of)
                curve.setPen(pyqtgraph.mkPen(self.colour(of), width=1))
            values = line_profile(picture, start, end)
            curve.setData(along, values, connect="all" if np.isfinite(values).all() else "finite")
        for key in left:
            self._remove(key)
        self.plot.say("")
        self._label(frame)
        ends = [frame.to_world(start), frame.to_world(end)]
        self.strokes.draw([np.array(ends)], ends)

    def _remove(self, key: int | str) -> None:
        curve = self.curves.pop(key)
        self._colours.pop(key, None)
        self.plot.removeItem(curve)
        if curve in self.plot._plain:
            self.plot._plain.remove(curve)

    def _clear(self) -> None:
        for key in list(self.curves):
            self._remove(key)
        self.plot.say(EMPTY)
        self.strokes.clear()
        self.line = None

    def _label(self, frame: Frame) -> None:
        from napari_mlpatch.figures.scale_bar import SHORT

        unit = frame.units[0] if frame.units[0] == frame.units[1] else "units of the axes"
        labels = (f"distance / {SHORT.get(unit, unit)}", quantity(self.stage.kind))
        if labels != self._labels:  # a label takes 20 ms
            self._labels = labels
            self.plot.setLabel("bottom", labels[0])
            self.plot.setLabel("left", labels[1])

    # ---- the mouse ------------------------------------------------------------------------------------------

    def _takes(self, place: At, reach: float, keys: Keys) -> bool:
        """What of the line is under the mouse: an end, or all of it."""
        if self.line is None:
            return False
        self._from = place
        a, b = (np.array(self._frame.to_world(point)) for point in self.line)
        at, way = np.array(place), b - a
        part = float(np.clip((at - a) @ way / max(float(way @ way), 1e-300), 0.0, 1.0))
        if "Shift" in keys:
            self._held = "new"
        elif math.dist(at, a) <= 1.5 * reach:
            self._held = "start"
        elif math.dist(at, b) <= 1.5 * reach:
            self._held = "end"
        else:
            self._held = "all" if math.dist(at, a + part * way) <= reach else ""
        return bool(self._held)

    def _to(self, place: At) -> None:
        if self.line is None:
            return
        (start, end), now, before = self.line, *(self._frame.to_pixels(p) for p in (place, self._from))
        if self._held == "new":
            start, end = before, now
        elif self._held == "start":
            start = now
        elif self._held == "end":
            end = now
        else:
            moved = [n - b for n, b in zip(now, before, strict=True)]
            start, end = ((p[0] + moved[0], p[1] + moved[1]) for p in (start, end))
            self._from = place
        self.line = (start, end)
        self._draw()
