"""napari's list of layers is painted again where something that it shows has changed, and cuts no figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QFontMetrics
from qtpy.QtWidgets import QStyle

if TYPE_CHECKING:
    from napari.viewer import Viewer

SHOWN = frozenset({"thumbnail", "visible", "name", "loaded", "locked"})
"""Events of a layer that change its row."""
BETWEEN = ": "
"""A name and its figures."""


def paint_what_changed(viewer: Viewer) -> None:
    """Let events that no row shows pass by.

    napari (0.9.2) paints a row, thumbnail, icons and all, at every event of its layer: a new opacity, a picture's new
    values, another magnification of the canvas.
    """
    view = getattr(viewer.window._qt_viewer, "layers", None)
    proxy = view.model() if view is not None else None
    model: Any = proxy.sourceModel() if hasattr(proxy, "sourceModel") else None
    if not hasattr(model, "_process_event"):
        return
    own = type(model)._process_event

    def process_event(event: Any) -> None:
        if getattr(event, "type", None) in SHOWN:
            own(model, event)

    vars(model)["_process_event"] = process_event


def keep_figures(viewer: Viewer) -> None:
    """Names that are too long lose the end of what stands before their figures.

    napari (0.9.2) cuts them in the middle, which makes "U-Net ….47 dB" of 37.47 dB.
    """
    view = getattr(viewer.window._qt_viewer, "layers", None)
    own: Any = view.itemDelegate() if view is not None else None
    if own is None or not hasattr(own, "loading_frame_changed"):
        return

    class Rows(type(own)):
        def initStyleOption(self, option: Any, index: Any) -> None:
            super().initStyleOption(option, index)
            if BETWEEN in option.text and option.widget is not None:
                style = option.widget.style()
                area = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, option, option.widget)
                margin = style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, option, option.widget) + 1
                option.text = shortened(option.text, QFontMetrics(option.font), area.width() - 2 * margin)

    rows = Rows(view)
    rows.loading_frame_changed.connect(view.viewport().update)
    view.setItemDelegate(rows)


def shortened(text: str, metrics: QFontMetrics, width: int) -> str:
    """A name with its figures in so many pixels: figures whole, if there is room for some letters, too."""
    name, figures = text.rsplit(BETWEEN, 1)
    room = width - metrics.horizontalAdvance(BETWEEN + figures)
    if metrics.horizontalAdvance(text) <= width or room < metrics.horizontalAdvance("MMM…"):
        return text
    return metrics.elidedText(name, Qt.TextElideMode.ElideRight, room) + BETWEEN + figures
