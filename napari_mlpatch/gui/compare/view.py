"""What a view of the comparison is: the protocol that the stage and the Compare dock know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from napari.layers import Image
from qtpy.QtWidgets import QWidget

from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.pictures import quantity
from napari_mlpatch.workbench.scene import Frame, Scene

from .bars import captions, letters, room
from .canvas import place, rename

if TYPE_CHECKING:
    from .stage import Stage


LOOKS = {"colormap": "gray", "blending": "translucent_no_depth", "opacity": 1.0, "gamma": 1.0}
"""Of a layer that a view makes, where it says nothing else."""


class View:
    """One way to look at results on the canvas. A file in ``views/`` with one class is all that another one needs::

        from napari_mlpatch.gui.compare.parts import views
        from napari_mlpatch.gui.compare.view import View

        @views.register("difference", title="Difference", key="D", order=40)
        class Difference(View):
            \"\"\"The selected result less the other one.\"\"\"     # first line: tooltip of its button

            pair = True                                            # the box for the second one is of use

            def show(self):
                a, b = (self.stage.picture(of, self.stage.kind) for of in (self.stage.selected, self.stage.other))
                if a is None or b is None:
                    return                                         # asked for: show() is called again when they come
                size = abs(a - b).max() or 1.0
                layer = self.put("difference", a - b, "difference", limits=(-size, size), colormap="RdBu")
                self.stage.only([layer])

    ``show()`` puts everything on the canvas that the view wants. It is called when the view is chosen, and again,
    cheaply where little has changed, whenever the selection, ``other``, ``kind``, the ticks, the problem or a result
    changes, when a picture that was asked for has come, and with ``live`` at each new frame of a running job that is
    selected, other or ticked. There may be no problem, nothing selected, nothing ticked: show what there is, and never
    raise.

    ``leave()`` takes away all that it put there. The one of this class removes the layers made by ``put`` and calls
    what was given to ``undo``; most views need no more.

    What the stage offers: ``viewer``, ``workbench``, ``scene``; ``selected``, ``other``, ``shown`` (ticked results of
    the present problem, in the table's order), ``kind``; ``picture(of, kind)`` an array ``[rows, columns]`` in the
    data's units or None, ``layer(of, kind)`` napari's layer of it or None, ``ask(of, kind, then)``, where ``of`` is an
    Entry or "truth" (also None, which gives None); ``only(layers)`` shows these pictures alone, ``fit(layers)`` fits
    the camera to them (the stage does so by itself when a view is chosen), ``refresh()`` calls ``show()`` soon.
    What takes longer than a few ms is computed by ``workbench.quick.call``, never on the GUI thread.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    key: ClassVar[str]
    order: ClassVar[int]
    pair: ClassVar[bool] = False
    """Whether it compares ``selected`` with ``other``."""
    live: ClassVar[bool] = False
    """Whether ``show`` is called at each new frame of a running job. Layers from ``stage.layer`` follow without."""

    def __init__(self, stage: Stage):
        self.stage = stage
        self._put: dict[str, Image] = {}
        self._undo: list[Callable[[], Any]] = []

    def show(self) -> None:
        """Put it on the canvas."""
        raise NotImplementedError

    def leave(self) -> None:
        """Take everything away that it put there."""
        for layer in self._put.values():
            self.stage.own_layers.give(layer)
        self._put.clear()
        self.say("")
        for undo in self._undo:
            undo()
        self._undo.clear()

    @classmethod
    def unusable(cls, scene: Scene | None) -> str:
        """Why it has nothing to show of a problem, in words; empty where it has."""
        return ""

    def start_anew(self) -> None:
        """Another problem: forget what was remembered of the one before."""

    def label(self) -> str:
        """What the numbers at a colour bar are."""
        return quantity(self.stage.kind)

    def once_more(self) -> None:
        """The view was chosen while it is on show: turn it round, or the like."""

    def panel(self) -> QWidget | None:
        """Controls of its own (an interval, a direction) for the Compare dock's row of buttons; made anew on call."""
        return None

    # ---- for subclasses -------------------------------------------------------------------------------------

    def put(
        self,
        key: str,
        data: np.ndarray,
        name: str,
        *,
        frame: Frame | None = None,
        limits: tuple[float, float] | None = None,
        **more: Any,
    ) -> Image:
        """A layer of the view's own: made at the first call of this key, given new data after. Hidden until ``only``.

        ``frame`` says where it lies (the scene's by default); ``more`` are keywords of napari's Image, such as
        ``colormap="RdBu"``, ``blending="additive"``, set once.
        """
        scene = self.stage.scene
        frame = frame or (scene.frame if scene is not None else Frame())
        layer = self._put.get(key)
        if layer is None or layer not in self.stage.viewer.layers:
            about = {"role": "view", "view": self.name}
            looks = LOOKS | more
            layer = self.stage.own_layers.take()
            if layer is None:
                layer = self.stage.canvas.add(np.array(data), name, frame, about, contrast_limits=limits, **looks)
                self._put[key] = layer
                return layer
            self._put[key] = layer
            layer.metadata["mlpatch"] = about
            for what, value in looks.items():
                setattr(layer, what, value)
        place(layer, data, frame)
        rename(layer, name)
        if limits is not None and tuple(layer.contrast_limits) != limits:
            layer.contrast_limits_range = limits
            layer.contrast_limits = limits
        return layer

    def fit_captions(self, wholes: Iterable[str], beside: int = 1) -> None:
        """Shorten the captions of results, if one of these would not fit, where so many stand beside each other."""
        viewer = self.stage.viewer
        self.stage.results.shorten(letters(room(viewer, beside)), wholes)
        captions(viewer, [layer for layer in viewer.layers if layer.visible and layer.name_overlay.visible])

    def say(self, text: str) -> None:
        """Words below the pictures: what is missing for this view. An empty text takes them away, as leaving does."""
        self.stage.words.say(text)

    @property
    def kept(self) -> dict[str, Any]:
        """What this view remembers from one time to the next."""
        return self.stage.kept.setdefault(self.name, {})

    def undo(self, act: Callable[[], Any]) -> None:
        """Call this in ``leave``, once: to disconnect, to stop a timer, to take a callback of the mouse away."""
        self._undo.append(act)


class Plot(View):
    """A view beside the table instead of on the canvas: ``widget`` is made when the plot is first chosen.

    A file in ``plots/`` with ``@plots.register("profile", title="Profile")`` and a class that defines ``make()``, which
    returns the widget (a pyqtgraph plot, say), and ``show()``, which draws into ``self.widget``. ``show`` is called as
    that of a view, but only while the plot is the chosen one; ``leave`` when another one is chosen. ``make`` may set
    ``bar`` to a widget that is to stand beside the choice of plots.
    """

    live = True
    bar: QWidget | None = None

    def __init__(self, stage: Stage):
        super().__init__(stage)
        self.widget: QWidget = self.make()

    def make(self) -> QWidget:
        """The widget of the plot."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        """A plot has its widget for words: those on the canvas are the view's."""

    def colour(self, entry: Entry) -> str:
        """The colour of a result's curve, which its row of the table has, too."""
        return self.stage.colour(entry)
