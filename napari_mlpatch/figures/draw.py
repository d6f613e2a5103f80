"""A figure drawn with Matplotlib, laid out in inches so that no text lies over a picture.

Pictures are drawn without interpolation: a file that holds them as pictures (PDF, SVG) has each pixel once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from .layout import Layout
from .panel import Panel, check_scale
from .scale_bar import nice_length, written
from .style import Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ERRORS = "RdBu_r"
FONTS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with Matplotlib: the same figure on every machine
    "mathtext.fontset": "dejavusans",
    "pdf.fonttype": 42,  # whole fonts: letters stay letters, and publishers accept them
    "svg.fonttype": "path",
    "svg.hashsalt": "mlpatch",
    "axes.linewidth": 0.4,
}
"""Matplotlib's settings while a figure is drawn and written."""


def draw(
    panels: Sequence[Panel], style: Style | None = None, *, scale: tuple[float, float] = (1.0, 1.0), unit: str = ""
) -> Figure:
    """The figure of these panels, all of one shape and with the same colours for the same values.

    ``scale`` is the height and width of a pixel in ``unit``; without a unit there is no scale bar. Raises InputError
    for no panels, different shapes, a region outside of the pictures, and values of which none is finite.
    """
    import matplotlib

    style = style or Style()
    shape, scale = _checked(panels, style), check_scale(scale)
    layout = Layout.of(panels, style, scale)
    with matplotlib.rc_context({**FONTS, "font.size": style.font_size}):
        from matplotlib.figure import Figure as Drawing

        figure = Drawing(figsize=(layout.width, layout.height))
        limits, largest = _limits(panels, style), _largest_error(panels, style)
        image = error = None
        for i, panel in enumerate(panels):
            axes = _axes(figure, layout.picture(i), f"picture {i}")
            image = _show(axes, panel.picture, style.colormap, limits, scale)
            _texts(figure, layout, i, panel, style)
            if style.region is not None:
                _inset(figure, axes, layout, i, panel, style, limits, scale)
            if layout.with_errors and panel.error is not None:
                below = _axes(figure, layout.error(i), f"error {i}")
                error = _show(below, panel.error, ERRORS, (-largest, largest), scale)
            if i == 0 and style.scale_bar and unit.strip():
                _scale_bar(axes, style, shape, scale, unit)
        if style.color_bar:
            _color_bar(figure, image, layout.bar(0), style.color_label, style)
            if error is not None:
                _color_bar(figure, error, layout.bar(1), "error", style)
    return figure


def _checked(panels: Sequence[Panel], style: Style) -> tuple[int, int]:
    if not panels:
        raise InputError("A figure needs at least one picture.")
    shapes = [panel.picture.shape for panel in panels]
    if len(set(shapes)) > 1:
        sizes = ", ".join(f"{rows} x {columns}" for rows, columns in dict.fromkeys(shapes))
        raise InputError(f"The pictures of a figure have one size, got {sizes}. Make a figure of each size.")
    rows, columns = shapes[0]
    if style.region is not None and (style.region[1] > rows or style.region[3] > columns):
        raise InputError(f"The region {style.inset} leads out of the pictures, which have {rows} x {columns} pixels.")
    return rows, columns


def _axes(figure: Figure, place: tuple[float, float, float, float], name: str) -> Axes:
    axes = figure.add_axes(place, label=name)
    axes.set_axis_off()
    return axes


def _show(axes: Axes, array: np.ndarray, colors: str, limits: tuple[float, float], scale: tuple[float, float]) -> Any:
    rows, columns = array.shape
    extent = (0.0, columns * scale[1], rows * scale[0], 0.0)  # in the unit of the pixels
    low, high = limits
    return axes.imshow(array, cmap=colors, vmin=low, vmax=high, interpolation="none", extent=extent, aspect="auto")


def _limits(panels: Sequence[Panel], style: Style) -> tuple[float, float]:
    """Of all pictures: what was given, else the 0.5 and 99.5 percentiles of the first, which is the truth if known."""
    first = panels[0].picture[np.isfinite(panels[0].picture)]
    if first.size == 0:
        raise InputError("The first picture has no finite values, so that nothing can be shown.")
    low, high = np.percentile(first.astype(float), (0.5, 99.5))
    low = float(low) if style.low is None else style.low
    high = float(high) if style.high is None else style.high
    return (low, high) if high > low else (low, low + 1.0)


def _largest_error(panels: Sequence[Panel], style: Style) -> float:
    if style.error_limit is not None:
        return style.error_limit
    sizes = [np.percentile(np.abs(panel.error), 99.5) for panel in panels if panel.error is not None]
    found = max(map(float, sizes), default=0.0)
    return found if 0 < found < math.inf else 1.0


def _texts(figure: Figure, layout: Layout, i: int, panel: Panel, style: Style) -> None:
    x, top, bottom = layout.texts(i)
    if layout.labels[i]:
        size = layout.label_size
        label = figure.text(
            x, top, layout.labels[i], ha="center", va="bottom", size=size, linespacing=1.15, parse_math=False
        )
        label.set_gid(f"label {i}")
    if panel.lines:
        text = "\n".join(panel.lines)
        size = 0.9 * style.font_size
        figure.text(x, bottom, text, ha="center", va="top", size=size, linespacing=1.15, parse_math=False)


def _inset(
    figure: Figure,
    axes: Axes,
    layout: Layout,
    i: int,
    panel: Panel,
    style: Style,
    limits: tuple[float, float],
    scale: tuple[float, float],
) -> None:
    from matplotlib.patches import Rectangle

    assert style.region is not None
    top, bottom, left, right = style.region
    inner = _axes(figure, layout.inset(i), f"inset {i}")
    _show(inner, panel.picture[top:bottom, left:right], style.colormap, limits, scale)
    frame = {"fill": False, "edgecolor": style.inset_color, "linewidth": 0.8}
    inner.add_patch(Rectangle((0, 0), 1, 1, transform=inner.transAxes, clip_on=False, **frame))
    corner, size = (left * scale[1], top * scale[0]), ((right - left) * scale[1], (bottom - top) * scale[0])
    axes.add_patch(Rectangle(corner, *size, **frame)).set_gid(f"region {i}")


def _scale_bar(axes: Axes, style: Style, shape: tuple[int, int], scale: tuple[float, float], unit: str) -> None:
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    height, width = shape[0] * scale[0], shape[1] * scale[1]
    length = style.bar_length or nice_length(width)
    if length > width:
        raise InputError(f"A scale bar of {length:g} {unit} is longer than the picture, {width:.4g} {unit}.")
    taken = style.region is not None and style.inset_corner == "lower left"
    x = 0.96 * width - length if taken else 0.04 * width
    y, thick = 0.95 * height, 0.015 * height
    bar = Rectangle((x, y - thick), length, thick, facecolor="white", edgecolor="black", linewidth=0.3)
    axes.add_patch(bar).set_gid("scale bar")
    text = axes.text(
        x + length / 2,
        y - 1.6 * thick,
        written(length, unit),
        color="white",
        ha="center",
        va="bottom",
        parse_math=False,
    )
    text.set_path_effects([withStroke(linewidth=1.0, foreground="black")])  # readable on bright pictures, too


def _color_bar(figure: Figure, image: Any, place: tuple[float, float, float, float], label: str, style: Style) -> None:
    axes = figure.add_axes(place, label="colour bar")
    bar = figure.colorbar(image, cax=axes)
    bar.ax.tick_params(labelsize=0.85 * style.font_size, width=0.4, length=2)
    bar.outline.set_linewidth(0.4)  # type: ignore[operator]
    if label:
        bar.set_label(label, size=style.font_size, parse_math=False)
