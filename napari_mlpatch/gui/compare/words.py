"""Words on the canvas: why there is no picture, or what is missing for a view."""

from __future__ import annotations

import textwrap

from napari.components.overlays import TextOverlay
from napari.viewer import Viewer

from .bars import LETTER

NAME = "mlpatch_words"
CORNER = "bottom_left"
SHARE = 0.6
"""Of the canvas's width: the rest is the scale bar's."""
SIZE = 10
FEWEST = 20
"""Letters of a line."""


class Words:
    """Lines where no caption and no bar stands, an overlay of the viewer's own; none while there is nothing to say."""

    def __init__(self, viewer: Viewer):
        self._viewer, self._overlays = viewer, viewer.canvas.overlays
        self.text = ""

    def say(self, text: str) -> None:
        """Show these words; an empty text takes them away."""
        if text == self.text:
            return
        self.text = text
        width = SHARE * self._viewer.window._qt_viewer.canvas.native.width()
        lines = textwrap.fill(text, max(int(width / (LETTER * SIZE)), FEWEST))
        if NAME not in self._overlays:
            self._overlays[NAME] = TextOverlay(text=lines, position=CORNER, font_size=SIZE, visible=bool(text))
            return
        overlay = self._overlays[NAME]
        overlay.text = lines
        overlay.visible = bool(text)
