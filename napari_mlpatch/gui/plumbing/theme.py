"""Colours that we choose ourselves, for the dark and the light theme, also when it changes."""

from __future__ import annotations

from napari import current_viewer
from napari.settings import get_settings
from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent

REMARK = {"dark": "#ffa64d", "light": "#8f4a00"}
PLAIN = {"dark": "#d8d8d8", "light": "#303030"}
"""Of lines and letters in plots."""


def shade() -> str:
    """ "dark" or "light", whatever the theme is called."""
    viewer = current_viewer()
    name = viewer.theme if viewer is not None else get_settings().appearance.theme
    try:
        red, green, blue = get_theme(name).background.as_rgb_tuple(alpha=False)[:3]
    except ValueError:  # "system", or a theme whose plugin is gone
        return "dark"
    return "light" if 0.299 * red + 0.587 * green + 0.114 * blue > 128 else "dark"


class Themed:
    """To be mixed into a widget, before it: ``paint_theme`` is called whenever the window gets another theme.

    The widget calls ``follow_theme`` once it is made.
    """

    def paint_theme(self, shade: str) -> None:
        raise NotImplementedError

    _shade = ""

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)  # type: ignore[misc]
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self.follow_theme()

    def follow_theme(self) -> None:
        present = shade()
        if present != self._shade:  # setting a style sheet changes the style, too
            self._shade = present
            self.paint_theme(present)
