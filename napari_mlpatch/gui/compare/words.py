"""Words on the canvas: why there is no picture, or what is missing for a view."""

from __future__ import annotations

from napari.components.overlays import TextOverlay
from napari.viewer import Viewer

NAME = "mlpatch_words"


class Words:
    """A line above the pictures, an overlay of the viewer's own; none while there is nothing to say."""

    def __init__(self, viewer: Viewer):
        self._overlays = viewer.canvas.overlays
        self.text = ""

    def say(self, text: str) -> None:
        """Show these words; an empty text takes them away."""
        if text == self.text:
            return
        self.text = text
        if NAME not in self._overlays:
            self._overlays[NAME] = TextOverlay(text=text, position="top_center", font_size=10, visible=bool(text))
            return
        overlay = self._overlays[NAME]
        overlay.text = text
        overlay.visible = bool(text)
