"""The stage: what is on napari's canvas, by one view at a time, of one problem and one selected result."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from napari.layers import Image, Layer
from napari.viewer import Viewer
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_mlpatch.gui.leave.sessions import Sessions
from napari_mlpatch.gui.plumbing.layer_list import keep_figures, paint_what_changed
from napari_mlpatch.gui.plumbing.only_shown import only_shown
from napari_mlpatch.gui.plumbing.scenegraph import at_once, count_cells_once
from napari_mlpatch.workbench.captions import names
from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.pictures import Pictures, kinds
from napari_mlpatch.workbench.scene import Scene
from napari_mlpatch.workbench.selection import Other
from napari_mlpatch.workbench.workbench import Workbench

from .bars import captions, colour_bars, colour_label, scale_bar
from .canvas import Canvas
from .colours import colour_of
from .contrast import Contrast
from .entry_layers import EntryLayers
from .own_layers import OwnLayers
from .parts import views
from .scene_layers import SceneLayers
from .sight import Sight
from .view import View
from .words import Words

FIRST = "single"
BARS_MS = 60
"""After pictures come their colour bars, which take napari as long to make: the window answers in between."""


SIZED_MS = 200
"""After the canvas has another size: while a window is drawn larger, it has many."""


class Stage:
    """Shows the selected result, the ticked ones, the truth, in the view and by the kind of picture that are chosen."""

    changed = Signal()
    """The view, the kind or the linking of contrasts is another one."""
    refreshed = Signal()
    """The view was shown again: what is looked at, or a picture of it, is another one."""
    frame_changed = Signal(object)
    """An entry on show has a new frame."""

    def __init__(self, viewer: Viewer, workbench: Workbench, post: Callable[[Callable[[], None]], None]):
        self.viewer, self.workbench = viewer, workbench
        count_cells_once(viewer)
        only_shown(viewer)
        paint_what_changed(viewer)
        keep_figures(viewer)
        self.canvas, self.contrast = Canvas(viewer), Contrast()
        self.pictures = Pictures(post, lambda: workbench.scene, workbench.failed.emit)
        self.scenes = SceneLayers(self.canvas, self.contrast, self.refresh)
        self.results = EntryLayers(
            self.canvas, self.contrast, self.pictures, self.scenes, lambda: workbench.scene, self.name_of, self.refresh
        )
        self._names: dict[int, str] = {}
        self.bars = True
        self.own_layers, self.words = OwnLayers(self.canvas, self.contrast), Words(viewer)
        self.sight = Sight(viewer, self.room)
        self.kept: dict[str, dict[str, Any]] = {}
        """What views remember from one time to the next, by their names: where a wipe stood, how large a lens was."""
        self.sessions = Sessions(self)
        self.kind = "picture"
        self.view: View = views.get(FIRST)(self)
        self._soon = QTimer(viewer.window._qt_window)
        self._soon.setSingleShot(True)
        self._soon.setInterval(1)  # after 0 ms would be in this round of events, before what it has to paint
        self._soon.timeout.connect(self.show)
        self._bars_soon = QTimer(viewer.window._qt_window)
        self._bars_soon.setSingleShot(True)
        self._bars_soon.setInterval(BARS_MS)
        self._bars_soon.timeout.connect(self._explain_late)
        self._fit_soon = QTimer(viewer.window._qt_window)
        self._fit_soon.setSingleShot(True)
        self._fit_soon.timeout.connect(self.fit)
        self._sized = QTimer(viewer.window._qt_window)
        self._sized.setSingleShot(True)
        self._sized.setInterval(SIZED_MS)
        self._sized.timeout.connect(self._resized)
        viewer.canvas.events.size.connect(self._size_changed)
        self._axes = viewer.dims.ndim
        viewer.dims.events.ndim.connect(self._axes_changed)
        self._followed = (
            (workbench.scene_changed, self._scene_changed),
            (workbench.entries_changed, self._entries_changed),
            (workbench.figures.changed, self._entries_changed),
            (workbench.selection_changed, self._selection_changed),
            (workbench.entry_progressed, self._progressed),
        )
        for signal, slot in self._followed:
            signal.connect(slot)
        viewer.layers.events.removed.connect(self._removed)
        viewer.layers.selection.events.active.connect(self._activated)
        viewer.canvas.grid.events.enabled.connect(self._grid_switched)

    # ---- what is looked at ----------------------------------------------------------------------------------

    @property
    def scene(self) -> Scene | None:
        return self.workbench.scene

    @property
    def selected(self) -> Entry | None:
        return self.workbench.selected

    @property
    def other(self) -> Other | None:
        return self.workbench.other

    @property
    def shown(self) -> list[Entry]:
        """The ticked results of the present problem that there is something to see of, in the table's order."""
        return [e for e in self.workbench.present if e.shown and e.frame is not None]

    def kinds(self) -> dict[str, str]:
        """What can be shown of the results of the present problem: by kind, in words."""
        return kinds(self.scene)

    def picture(self, of: Other | None, kind: str) -> np.ndarray | None:
        """The picture ``[rows, columns]``, in the data's units; None where it is still to come, or there is none.

        The view is shown again when it comes. Not to be written to.
        """
        if of is None:
            return None
        made = self.pictures.get(of, kind)
        if made is None:
            self.pictures.ask(of, kind, lambda _: self.refresh())
        return made

    def ask(self, of: Other | None, kind: str, then: Callable[[np.ndarray], None]) -> None:
        """Call ``then`` with the picture when it is there: made off the GUI thread, kept until the result changes."""
        if of is not None:
            self.pictures.ask(of, kind, then)

    def layer(self, of: Other | None, kind: str = "picture") -> Image | None:
        """napari's layer of a picture; None where it is still to come. The view is shown again when it comes."""
        return None if of is None else self.results.get(of, kind)

    def name_of(self, of: Other) -> str:
        """What it is called on the canvas and in plots: short, but no two results of the table alike."""
        if not isinstance(of, Entry):
            return of
        if of.id not in self._names:
            self._names = names(self.workbench.entries)
        return self._names.get(of.id, of.named.short)

    def colour(self, entry: Entry) -> str:
        """The colour of a result, in the table and in all plots."""
        return colour_of(entry.number)

    # ---- choosing -------------------------------------------------------------------------------------------

    def set_view(self, name: str) -> None:
        """Show another view; the camera stays on what it looks at. Of the view on show: turn it, or the like."""
        self.canvas.hold_paint()
        with self.sight.kept(), at_once(self.viewer):
            if name == self.view.name:
                self.view.once_more()
            else:
                self.view.leave()
                self.view = views.get(name)(self)
            self.show()
        self.changed.emit()

    def set_kind(self, kind: str) -> None:
        """Show another kind of picture: see ``kinds``."""
        if kind != self.kind:
            self.kind = kind
            self.show()
            self.changed.emit()

    def link_contrast(self, linked: bool) -> None:
        """One contrast for all pictures of a kind, or the own of each."""
        if linked != self.contrast.linked:
            self.contrast.link(linked)
            self.changed.emit()

    # ---- showing --------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the view again, soon, once for all that ask."""
        if not self._soon.isActive():
            self._soon.start()

    def show(self) -> None:
        """Show the view now; it is painted in the next round of events."""
        self._soon.stop()
        self.canvas.hold_paint()
        with at_once(self.viewer):
            self.view.show()
            self.sight.settle()
            self._explain(now=False)
        self.refreshed.emit()

    def only(self, layers: Iterable[Layer], active: Layer | None = None) -> None:
        """Show these pictures and no other, with the contrast they are to have. ``active``: napari's active layer."""
        layers = list(layers)
        self.canvas.only(layers)
        self.contrast.settle()
        captions(self.viewer, layers)
        if layers:
            self.canvas.activate(active if active in layers else layers[-1])

    def explain(self, wanted: bool) -> None:
        """Whether there are a colour bar, and a scale bar where there is a length."""
        self.bars = wanted
        self._explain()
        self.changed.emit()

    def explain_soon(self) -> None:
        """Bars for what a plot has put on the canvas, a moment after it."""
        self._bars_soon.start()

    def _explain(self, now: bool = True) -> None:
        """Bars and their label. Without ``now``, what has to be made comes a moment after the pictures."""
        rows, columns = self.viewer.canvas.grid.actual_shape(self.viewer.layers)
        width, height = self.room()
        shown = [la for la in self.viewer.layers if isinstance(la, Image) and la.visible] if self.bars else []
        cell = (width / columns, height / rows)
        scale_bar(self.viewer, shown if self._has_length() else [])
        if colour_bars(self.viewer, shown, self.contrast, cell, now=now):
            self._bars_soon.start()
        else:
            colour_label(self.viewer, self.view.label())

    def _has_length(self) -> bool:
        """Not of measurements, which are stretched over the image's area: what they show has other axes."""
        scene = self.scene
        if self.kind != "residual" or scene is None:
            return True
        return tuple(scene.problem.A.domain_shape[-2:]) == tuple(scene.data.shape[-2:])

    def _explain_late(self) -> None:
        self.canvas.hold_paint()
        with at_once(self.viewer):
            self._explain()

    def fit(self, layers: Iterable[Layer] | None = None) -> None:
        """Fit the camera to these layers, by default to all pictures on show."""
        wanted = list(layers) if layers is not None else [la for la in self.viewer.layers if la.visible]
        if wanted:
            self.sight.fit(wanted)

    def room(self) -> tuple[int, int]:
        """Width and height of the canvas in pixels."""
        canvas = self.viewer.window._qt_viewer.canvas.native
        return canvas.width(), canvas.height()

    # ---- listening ------------------------------------------------------------------------------------------

    def _scene_changed(self) -> None:
        with at_once(self.viewer):
            self._set_scene()
        self.fit()
        self.changed.emit()

    def _set_scene(self) -> None:
        scene = self.scene
        assert scene is not None
        self.scenes.set_scene(scene)
        self.results.turn_to_scene(self.workbench.entries)
        if self.kind not in self.kinds():
            self.kind = "picture"
        if self.view.name != FIRST:
            self.view.leave()
            self.view = views.get(FIRST)(self)
        self.view.start_anew()
        self.show()

    def _entries_changed(self) -> None:
        self._names = names(self.workbench.present) | {
            number: name for group in self.workbench.earlier for number, name in names(group).items()
        }
        self.results.sync(self.workbench.entries)
        self.refresh()

    def _selection_changed(self) -> None:
        if self.selected is not None and self.workbench.by_hand:
            self.results.closed.discard(self.selected.id)
        self.results.leave_earlier(self.selected)
        self.refresh()

    def _progressed(self, entry: Entry) -> None:
        self.results.refresh(entry)
        if self.view.live and (entry in (self.selected, self.other) or entry.shown):
            self.refresh()
        self.frame_changed.emit(entry)

    def _removed(self, event: Any) -> None:
        """The user deleted a layer: a running job goes on, and the table can bring the result back."""
        if self.canvas.ours:
            return
        self.scenes.removed(event.value)
        number = self.results.removed(event.value)
        entry = next((e for e in self.workbench.entries if e.id == number), None)
        if entry is not None:
            if entry is self.selected:
                self.workbench.select(None)
            self.workbench.set_shown(entry, False)

    def _size_changed(self, event: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the window is closing
            self._sized.start()

    def _resized(self) -> None:
        """Pictures, and the letters of their captions, have another room."""
        self.canvas.hold_paint()
        with at_once(self.viewer):
            self.sight.resized()
            self.show()

    def _axes_changed(self, event: Any) -> None:
        """The last stack went: napari then fits the view to all pictures, hidden ones of other sizes as well."""
        before, self._axes = self._axes, self.viewer.dims.ndim
        if self._axes < before:
            self._fit_soon.start(0)

    def _activated(self, event: Any) -> None:
        """A layer chosen in napari's list is a result chosen."""
        entry = None if self.canvas.ours else self.entry_of(event.value)
        if entry is not None:
            self.workbench.select(entry)

    def _grid_switched(self, event: Any) -> None:
        """Somebody used napari's own button."""
        if not self.canvas.ours and (self.view.name == "grid") != self.viewer.canvas.grid.enabled:
            self.set_view("grid" if self.viewer.canvas.grid.enabled else FIRST)

    # ---- layers and entries ---------------------------------------------------------------------------------

    def layer_of(self, entry: Entry) -> Image | None:
        """The layer of a result's picture, as it is now."""
        return self.results.find(entry)

    def entry_of(self, layer: Layer | None) -> Entry | None:
        """The result of which a layer shows something."""
        number = layer.metadata.get("mlpatch", {}).get("entry") if layer is not None else None
        return next((e for e in self.workbench.entries if e.id == number), None)

    def close(self) -> None:
        """Follow nothing any more: the window and its timers are gone while the last job may still be ending."""
        for signal, slot in self._followed:
            signal.disconnect(slot, missing_ok=True)
        self.pictures.close()
