"""What there is to see of complex data."""

from __future__ import annotations

from napari_mlpatch.gui.compare.parts import views
from napari_mlpatch.gui.compare.views.grid import Grid
from napari_mlpatch.workbench.scene import Scene

REAL = "These pictures are real: they have no phase and no imaginary part."
PARTS = ("picture", "phase", "real", "imaginary")


@views.register("complex", title="Complex", key="I", order=50)
class ComplexParts(Grid):
    """Magnitude, phase, real and imaginary part of the selected result side by side, where the data are complex."""

    @classmethod
    def unusable(cls, scene: Scene | None) -> str:
        return REAL if scene is not None and not scene.more else ""

    def show(self) -> None:
        stage = self.stage
        parts = [kind for kind in PARTS if kind in stage.kinds()]
        if stage.selected is None:
            self.say("No result is selected: run a method, or select one in the table.")
        elif stage.workbench.stale(stage.selected):
            self.say("This result is of an earlier problem: select one of the present problem.")
            parts = ["picture"]
        elif len(parts) == 1:
            self.say(REAL)
        elif stage.selected.result is None:
            self.say("Phase, real and imaginary part come when the job has ended.")
        else:
            self.say("")
        cells = [layer for kind in parts if (layer := stage.layer(stage.selected, kind)) is not None]
        if not cells and (preview := stage.scenes["preview"]) is not None:
            cells = [preview]
        self.arrange(cells, (1, 1) if len(cells) < 2 else (2, 2))
