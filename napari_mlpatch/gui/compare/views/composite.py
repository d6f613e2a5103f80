"""Two results in two colours."""

from __future__ import annotations

import numpy as np

from napari_mlpatch.gui.compare.pair import PairView
from napari_mlpatch.gui.compare.parts import views


@views.register("composite", title="Composite", key="M", order=35)
class Composite(PairView):
    """The selected result in green, the other in magenta, added: grey where both agree."""

    def show_two(self, a: np.ndarray, b: np.ndarray) -> None:
        stage, frame = self.stage, self.frame_of(a)
        new = "selected" not in self._put
        below = self.put("selected", a, self.caption(stage.selected), frame=frame, colormap="green")
        self.join(below, a, own_colours=True)
        if new and "other" not in self._put and not stage.own_layers.spare:
            stage.only([below], active=below)
            stage.refresh()  # one layer in a round of events
            return
        above = self.put("other", b, self.caption(stage.other), frame=frame, colormap="magenta", blending="additive")
        self.join(above, b, own_colours=True)
        self.raise_above(above, below)
        stage.only([below, above], active=below)
        self.corner(below, "top_left")
        self.corner(above, "top_right")
