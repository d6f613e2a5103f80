"""Figures for papers: a grid of pictures with labels, figures of merit, insets, one scale bar and one colour bar."""

from .draw import draw
from .panel import Panel
from .scale_bar import nice_length
from .style import Style, style, styles
from .write import write_figure

__all__ = ["Panel", "Style", "draw", "nice_length", "style", "styles", "write_figure"]
