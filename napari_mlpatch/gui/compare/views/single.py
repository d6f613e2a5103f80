"""One picture alone."""

from __future__ import annotations

from napari.layers import Image

from napari_mlpatch.gui.compare.parts import views
from napari_mlpatch.gui.compare.view import View


@views.register("single", title="Single", key="S", order=0)
class Single(View):
    """The selected result alone; with none selected, the quick picture of the problem."""

    def __init__(self, stage):
        super().__init__(stage)
        self._on: Image | None = None

    def show(self) -> None:
        stage = self.stage
        selected = stage.selected
        stale = selected is not None and bool(stage.workbench.stale(selected))
        kind = stage.kind if not stale else "picture"
        layer = stage.layer(selected, kind) if selected is not None else stage.scenes["preview"]
        waits = selected is not None and (selected.result is None or self._on is None)
        if layer is None and waits:
            layer = stage.layer(selected, "picture")  # there is no residual yet, and other pictures may be on show
        if layer is not None and (layer is not self._on or not layer.visible):  # else there may be others beside it
            self._on = layer
            stage.only([layer], active=layer)
        if selected is not None:
            self.fit_captions([stage.results.whole(selected, kind)])

    def start_anew(self) -> None:
        self._on = None

    def leave(self) -> None:
        super().leave()
        self._on = None
