"""One result less another."""

from __future__ import annotations

import numpy as np

from napari_mlpatch.core import pairs
from napari_mlpatch.gui.compare.looks import limits_of
from napari_mlpatch.gui.compare.pair import TURN, PairView
from napari_mlpatch.gui.compare.parts import views


@views.register("difference", title="Difference", key="D", order=30)
class Difference(PairView):
    """The selected result less the other: red where it is lower, blue where it is higher, white where both agree."""

    def __init__(self, stage):
        super().__init__(stage)
        self._of: tuple[object, ...] = ()
        self._limits: tuple[float, float] = (-1.0, 1.0)

    def show_two(self, a: np.ndarray, b: np.ndarray) -> None:
        stage = self.stage
        apart = pairs.difference(a, b, TURN if stage.kind == "phase" else None)
        size = max(map(abs, limits_of(apart, "difference"))) if apart.any() else 1.0
        of = (stage.selected, stage.other, stage.kind)
        drawn = self._put.get("difference")
        # what a person has set stays as long as it is the same two
        by_hand = of == self._of and drawn is not None and tuple(drawn.contrast_limits) != self._limits
        limits = None if by_hand else (-size, size)
        name = " - ".join(stage.name_of(each) for each in (stage.selected, stage.other) if each is not None)
        layer = self.put("difference", apart, name, frame=self.frame_of(a), limits=limits, colormap="RdBu")
        self._of = of
        if limits is not None:
            self._limits = tuple(layer.contrast_limits)
        stage.only([layer], active=layer)

    def label(self) -> str:
        return "difference" if self.stage.kind == "picture" else f"difference of {super().label()}"
