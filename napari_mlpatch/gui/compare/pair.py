"""What views of two results have in common."""

from __future__ import annotations

import math

import numpy as np
from napari.layers import Image

from napari_mlpatch.core import pairs
from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.pictures import KINDS
from napari_mlpatch.workbench.scene import Frame, Scene
from napari_mlpatch.workbench.selection import Other

from .canvas import place, stretched
from .looks import colormap_of, group_of, limits_of
from .view import View

NONE = "No result yet: run a method, and there is something to compare."
ONE = "Only one picture so far: run a second method to compare it with."


class PairView(View):
    """Compares the selected result with ``other``; where that cannot be, shows what there is and says why.

    A subclass defines ``show_two(a, b)``, called with two pictures of one shape.
    """

    pair = True
    live = True

    def __init__(self, stage):
        super().__init__(stage)
        self._cornered: set[Image] = set()

    def show(self) -> None:
        stage = self.stage
        two = [stage.results.whole(of, stage.kind) for of in (stage.selected, stage.other) if of is not None]
        self.fit_captions(two, beside=2)
        a, b = (stage.picture(of, stage.kind) for of in (stage.selected, stage.other))
        why = self._why_not(a, b)
        self.say(why)
        if why or a is None or b is None:
            self._alone()
        else:
            self.show_two(a, b)

    def show_two(self, a: np.ndarray, b: np.ndarray) -> None:
        """Show the selected result's picture a and the other's b, ``[rows, columns]``, not to be written to."""
        raise NotImplementedError

    def _why_not(self, a: np.ndarray | None, b: np.ndarray | None) -> str:
        """In words, why these two cannot be compared; empty where they can, or will be once they are computed."""
        stage = self.stage
        if stage.selected is None:
            return NONE if not stage.workbench.present else "Select a result in the table to compare it."
        if stage.workbench.stale(stage.selected):
            return "This result is of an earlier problem: select one of the present problem to compare it."
        if stage.other is None:
            return ONE
        for of, picture in ((stage.selected, a), (stage.other, b)):
            if picture is None and isinstance(of, Entry) and of.result is None:
                what = KINDS.get(stage.kind, stage.kind)
                return f"{stage.name_of(of)} has no {what} " + ("before it has ended." if of.job.active else "to show.")
        if a is not None and b is not None and a.shape != b.shape:
            both: tuple[tuple[Other, np.ndarray], ...] = ((stage.selected, a), (stage.other, b))
            sizes = (f"{stage.name_of(of)} has {p.shape[0]} x {p.shape[1]}" for of, p in both)
            return f"Pictures of different size cannot be compared: {', '.join(sizes)} pixels."
        return ""

    def _alone(self) -> None:
        """The selected result, or the quick picture, until there are two; what was on show while they are computed."""
        stage = self.stage
        if self._put and not stage.words.text:
            return
        layer = stage.layer(stage.selected, stage.kind) or stage.layer(stage.selected)
        layer = layer or stage.scenes["preview"]
        if layer is not None and not layer.visible:
            stage.only([layer], active=layer)
        elif layer is not None:
            stage.only([layer])

    # ---- for subclasses -------------------------------------------------------------------------------------

    def frame_of(self, picture: np.ndarray) -> Frame:
        """Where a picture of the present kind lies."""
        scene = self.stage.scene
        assert scene is not None
        return frame_at(scene, self.stage.kind, picture.shape)

    def join(self, layer: Image, picture: np.ndarray, own_colours: bool = False) -> None:
        """Let a layer of one's own have the contrast of the pictures of its kind."""
        stage, scene = self.stage, self.stage.scene
        assert scene is not None
        shared = scene.limits if stage.kind == "picture" else None
        own = limits_of(picture, stage.kind)
        stage.contrast.add(layer, group_of(scene, stage.kind), own, shared, own_colours)

    def caption(self, of: Other | None) -> str:
        """What a layer of one's own with a picture of the present kind is called."""
        name = "" if of is None else self.stage.results.caption(of, self.stage.kind)
        return name + " "  # napari would number it, were it called like the layer of the result itself

    def corner(self, layer: Image, corner: str) -> None:
        """Let a layer's name stand in a corner of the canvas until the view is left."""
        if layer.name_overlay.position != corner:
            layer.name_overlay.position = corner
        self._cornered.add(layer)

    def raise_above(self, layer: Image, base: Image) -> None:
        """Let a layer be drawn after the other one."""
        layers = self.stage.viewer.layers
        if layers.index(layer) < layers.index(base):
            with self.stage.canvas.acting():
                layers.move(layers.index(layer), len(layers))

    def leave(self) -> None:
        for layer in self._cornered:
            layer.name_overlay.position = "top_left"
        self._cornered.clear()
        super().leave()


class Inserted(PairView):
    """The other's own values stand in a part of the selected result's picture: ``mask`` says where."""

    corners = ("top_left", "top_right")
    """Where the names of the two stand."""

    def __init__(self, stage):
        super().__init__(stage)
        self.above: np.ndarray | None = None
        """The other's picture."""
        self.layer: Image | None = None
        """The view's own layer, NaN where the selected result is to be seen."""

    def mask(self, shape: tuple[int, int]) -> np.ndarray:
        """Bool ``[rows, columns]``: where the other stands."""
        raise NotImplementedError

    def show_two(self, a: np.ndarray, b: np.ndarray) -> None:
        stage = self.stage
        base = stage.layer(stage.selected, stage.kind)
        if base is None:
            return  # it is still to come
        self.above = b
        kept = pairs.inserted(b, self.mask(b.shape))
        colours = colormap_of(b, stage.kind)
        layer = self.layer = self.put(
            "above", kept, self.caption(stage.other), frame=self.frame_of(b), colormap=colours
        )
        self.join(layer, b)
        self.raise_above(layer, base)
        stage.only([base, layer], active=base)
        self.corner(base, self.corners[0])
        self.corner(layer, self.corners[1])

    def again(self) -> None:
        """The mask is another one: nothing else is."""
        if self.layer is not None and self.above is not None and self.layer in self.stage.viewer.layers:
            place(self.layer, pairs.inserted(self.above, self.mask(self.above.shape)), self.frame_of(self.above))

    def leave(self) -> None:
        super().leave()
        self.above = self.layer = None


def frame_at(scene: Scene, kind: str, shape: tuple[int, ...]) -> Frame:
    """Where a picture of a kind and a shape lies."""
    return stretched(scene, shape) if kind == "residual" else scene.frame


TURN = 2 * math.pi
