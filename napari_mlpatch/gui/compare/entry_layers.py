"""The layers of results: one for each kind of picture that was looked at, made when it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import numpy as np
from napari.layers import Image, Layer
from qtpy.QtCore import QTimer

from napari_mlpatch.core.events import Result
from napari_mlpatch.workbench.captions import caption, figure
from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.pictures import KINDS, Pictures
from napari_mlpatch.workbench.scene import Scene
from napari_mlpatch.workbench.selection import Other

from .canvas import Canvas, draw_thumbnail, place, rename, set_visible, stretched
from .contrast import Contrast, Limits
from .looks import colormap_of, group_of, limits_of
from .scene_layers import SceneLayers

REST_MS = 100
"""After captions on show have changed, so do the names of hidden layers, which stand in napari's list only."""

Key = tuple[int | str, str]
"""The id of an entry, or "truth", and the kind of picture."""


class EntryLayers:
    """``get`` gives a layer that is up to date, or asks for what it lacks and calls ``come`` when it is there.

    A layer takes napari up to 0.1 s. Each is made in a round of events of its own, and the window answers in between.
    """

    def __init__(
        self,
        canvas: Canvas,
        contrast: Contrast,
        pictures: Pictures,
        scenes: SceneLayers,
        scene: Callable[[], Scene | None],
        name: Callable[[Other], str],
        come: Callable[[], None],
    ):
        self.canvas, self.contrast, self.pictures, self.scenes = canvas, contrast, pictures, scenes
        self._scene, self._name, self._come = scene, name, come
        self._layers: dict[Key, Image] = {}
        self._shows: dict[Key, np.ndarray] = {}
        self._wanted: dict[Key, Other] = {}
        self._gone: list[Image] = []
        self._described: dict[int | str, Result] = {}
        self._known: dict[int | str, Other] = {"truth": "truth"}
        self.letters: int | None = None
        """Of a caption, where views have little room for it: see ``shorten``."""
        self.closed: set[int] = set()
        """Results whose layer the user deleted: it comes back when the result is selected or ticked."""
        self._timer = QTimer(canvas.viewer.window._qt_window)
        self._timer.setSingleShot(True)
        self._timer.setInterval(1)  # after 0 ms would be in this round of events, before what it has to paint
        self._timer.timeout.connect(self._make_one)
        self._rest = QTimer(canvas.viewer.window._qt_window)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._rename)

    def find(self, of: Other, kind: str = "picture") -> Image | None:
        """The layer as it is now, if there is one."""
        if of == "truth" and kind == "picture":
            return self.scenes["truth"]
        return self._layers.get(_key(of, kind))

    def get(self, of: Other, kind: str = "picture") -> Image | None:
        """The layer with the newest picture; None where it is still to come."""
        if of == "truth" and kind == "picture":
            return self.scenes["truth"]
        key, layer = _key(of, kind), self.find(of, kind)
        image = self.pictures.get(of, kind)
        if image is None:
            self.pictures.ask(of, kind, lambda _: self._come())
            return layer  # what it showed until now
        if layer is None:
            self._wanted[key] = of
            self._timer.start()
        elif self._shows.get(key) is not image:
            self._update(layer, key, of, image)
        return layer

    def refresh(self, entry: Entry) -> None:
        """A running job has a new frame: put it into the layer if that is on show."""
        layer = self.find(entry)
        if layer is not None and layer.visible:
            self.get(entry)

    def sync(self, entries: list[Entry]) -> None:
        """Names and recipes; layers of removed entries go, finished results without one get theirs."""
        known = self._known = {"truth": "truth"} | {e.id: e for e in entries}
        for key in [k for k in self._layers if k[0] not in known]:
            self._drop(key)
        for entry in entries:
            layer = self.find(entry)
            if entry.shown:
                self.closed.discard(entry.id)
            if layer is None:
                if entry.result is not None and entry.id not in self.closed and self._is_present(entry):
                    self._wanted[_key(entry, "picture")] = entry
                    self._timer.start()
                continue
            self._describe(layer, entry)
        self._rename()

    def shorten(self, letters: int | None, wholes: Iterable[str] = ()) -> None:
        """Give captions at most that many letters, if one of these whole ones, shown beside each other, has more."""
        tight = letters is not None and any(len(whole) > letters for whole in wholes)
        wanted = letters if tight else None
        if wanted != self.letters:
            self.letters = wanted
            self._rest.start()
        if self._rest.isActive():
            self._rename(shown=True)

    def _rename(self, shown: bool = False) -> None:
        """All layers, or those on show."""
        for key, layer in self._layers.items():
            if key[0] in self._known and (layer.visible or not shown):
                rename(layer, self.caption(self._known[key[0]], key[1]))

    def turn_to_scene(self, entries: list[Entry]) -> None:
        """Another problem has another truth, and other results."""
        for key in [k for k in self._layers if k[0] == "truth"]:
            self._drop(key)
        self.leave_earlier(None)
        self.sync(entries)

    def leave_earlier(self, keep: Entry | None) -> None:
        """Take the layers of earlier problems away, but for one result: they are made anew when they are looked at.

        Their units may be others, and napari tells no unit where a list has lengths and pixels.
        """
        for key in list(self._layers):
            of = self._known.get(key[0])
            if isinstance(of, Entry) and of is not keep and not self._is_present(of):
                layer = self._layers.pop(key)
                self._forget(key, layer)
                with self.canvas.acting():
                    set_visible(layer, False)
                self._gone.append(layer)
        if self._gone:
            self._timer.start()

    def _is_present(self, entry: Entry) -> bool:
        scene = self._scene()
        return scene is not None and entry.scene.problem.fingerprint == scene.problem.fingerprint

    def removed(self, layer: Layer) -> int | None:
        """The user deleted a layer. Returns the id of the entry whose picture it was, if it was one."""
        for key, its in list(self._layers.items()):
            if its is layer:
                self._drop(key)
                if key[1] == "picture" and isinstance(key[0], int):
                    self.closed.add(key[0])
                    return key[0]
        return None

    # ---- plumbing -------------------------------------------------------------------------------------------

    def _make_one(self) -> None:
        """Take one layer away, or make one; then the next."""
        if self._gone:
            self.canvas.remove(self._gone.pop())
        elif self._wanted:
            key = next(iter(self._wanted))
            of = self._wanted.pop(key)
            image = self.pictures.get(of, key[1])
            gone = isinstance(of, Entry) and of.id in self.closed
            if image is not None and key not in self._layers and not gone:
                self._make(key, of, image)
        self._timer.start() if self._gone or self._wanted else self._come()

    def _make(self, key: Key, of: Other, image: np.ndarray) -> None:
        kind, scene, own = key[1], self._scene_of(of), limits_of(image, key[1])
        is_picture = kind == "picture"
        about = {"role": "result" if is_picture else kind} | ({"entry": of.id} if isinstance(of, Entry) else {})
        layer = self.canvas.add(
            image.copy(),
            self.caption(of, kind),
            stretched(scene, image.shape) if kind == "residual" else scene.frame,
            about,
            contrast_limits=own,
            colormap=colormap_of(image, kind),
        )
        self._layers[key], self._shows[key] = layer, image
        self._join(layer, kind, scene, own)
        if is_picture and isinstance(of, Entry):
            self._describe(layer, of)

    def _update(self, layer: Image, key: Key, of: Other, image: np.ndarray) -> None:
        scene = self._scene_of(of)
        place(layer, image, stretched(scene, image.shape) if key[1] == "residual" else scene.frame)
        self._shows[key] = image
        self._join(layer, key[1], scene, limits_of(image, key[1]))
        rename(layer, self.caption(of, key[1]))  # until its first iterate comes, that of a running job says so

    def _join(self, layer: Image, kind: str, scene: Scene, own: Limits) -> None:
        shared = scene.limits if kind == "picture" else None
        self.contrast.add(layer, group_of(scene, kind), own, shared)

    def caption(self, of: Other, kind: str) -> str:
        """What the layer of a picture is called."""
        others = () if self.letters is None else map(self._name, self._known.values())
        return caption(*self._words(of, kind), self.letters, others)

    def whole(self, of: Other, kind: str) -> str:
        """What it is called where there is room."""
        return caption(*self._words(of, kind))

    def _words(self, of: Other, kind: str) -> tuple[str, str]:
        figures = figure(of) if isinstance(of, Entry) else ""
        return self._name(of), figures if kind == "picture" else KINDS.get(kind, kind)

    def _scene_of(self, of: Other) -> Scene:
        scene = of.scene if isinstance(of, Entry) else self._scene()
        assert scene is not None, "there is no truth without a problem"
        return scene

    def _describe(self, layer: Image, entry: Entry) -> None:
        if entry.result is not None and self._described.get(entry.id) is not entry.result:
            self._described[entry.id] = entry.result
            layer.metadata["mlpatch"]["recipe"] = json.loads(entry.result.recipe.to_json())
            layer.metadata["mlpatch"]["metrics"] = dict(entry.result.metrics)
            key, image = _key(entry, "picture"), self.pictures.get(entry, "picture")
            if image is not None and self._shows.get(key) is not image:
                self._update(layer, key, entry, image)  # hidden, it would have waited until it is shown
            draw_thumbnail(layer)  # frames on the way left it as it was, which may be black

    def _drop(self, key: Key) -> None:
        layer = self._layers.pop(key)
        self._forget(key, layer)
        self.canvas.remove(layer)

    def _forget(self, key: Key, layer: Image) -> None:
        self._shows.pop(key, None)
        if key[1] == "picture":
            self._described.pop(key[0], None)
        self.contrast.remove(layer)


def _key(of: Other, kind: str) -> Key:
    return (of.id if isinstance(of, Entry) else "truth"), kind
