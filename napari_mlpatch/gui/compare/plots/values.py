"""The value of every result under the cursor."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

from napari_mlpatch.gui.compare.pair import frame_at
from napari_mlpatch.gui.compare.parts import plots
from napari_mlpatch.gui.compare.strip import Row, Strip
from napari_mlpatch.gui.compare.view import Plot
from napari_mlpatch.gui.plumbing.mouse import At, place
from napari_mlpatch.workbench.selection import Other

HINT = "Move the mouse over a picture."
EMPTY = "The value of every ticked result under the cursor stands here."


@plots.register("values", title="Values", key="N", order=20)
class Values(Plot):
    """The value of every ticked result under the cursor, and of the truth."""

    def make(self) -> QWidget:
        widget = QWidget()
        self.where, self.strip, area = QLabel(HINT), Strip(), QScrollArea()
        self.where.setWordWrap(True)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(self.strip)
        layout = QVBoxLayout(widget)
        layout.setContentsMargins(4, 2, 2, 2)
        layout.addWidget(self.where)
        layout.addWidget(area, 1)
        self.at: At | None = None
        self._callbacks = self.stage.viewer.mouse_move_callbacks
        widget.destroyed.connect(self._deaf)
        return widget

    def show(self) -> None:
        if self._moved not in self._callbacks:
            self._callbacks.append(self._moved)
        self._draw()

    def leave(self) -> None:
        self._deaf()
        super().leave()

    def _deaf(self) -> None:
        if self._moved in self._callbacks:
            self._callbacks.remove(self._moved)

    def _moved(self, viewer: Any, event: Any) -> None:
        self.at = place(event)
        self._draw()

    def _draw(self) -> None:
        from napari_mlpatch.figures.scale_bar import written

        stage, scene = self.stage, self.stage.scene
        has_truth = scene is not None and scene.truth is not None
        rows, said = [], HINT
        wanted: list[Other] = [*(["truth"] if has_truth else []), *stage.shown]
        for of in wanted:
            picture = stage.picture(of, stage.kind)
            value = None
            if picture is not None and self.at is not None and scene is not None:
                frame = frame_at(scene, stage.kind, picture.shape)
                row, column = (round(p) for p in frame.to_pixels(self.at))
                said = f"row {row}, column {column}"
                if frame.units[0] != "pixel":
                    lengths = (written(*each) for each in zip(self.at, frame.units, strict=True))
                    said += f"  ({', '.join(lengths)})"
                if 0 <= row < picture.shape[0] and 0 <= column < picture.shape[1]:
                    value = float(picture[row, column])
            colour = "" if isinstance(of, str) else self.colour(of)
            rows.append(Row(stage.name_of(of), colour, value))
        self.where.setText(said if rows else EMPTY)
        self.strip.set_rows(rows, has_truth)
