"""Labels above pictures: all of one size, in two lines where one has no room."""

from __future__ import annotations

from collections.abc import Sequence

SMALLEST = 0.75
"""Of the size of letters, that of labels of which a line is still too long."""


def fitted(labels: Sequence[str], size: float, width: float) -> tuple[tuple[str, ...], float]:
    """Labels and the size of their letters, both in points, of which no line is wider than ``width``.

    One that is too long has two lines, broken at the space that makes them most alike. Where a line is still too long,
    the letters of all labels are smaller, then its end is dots.
    """
    broken = [_broken(label, size, width) for label in labels]
    widest = max((_width(line, size) for lines in broken for line in lines), default=0.0)
    if widest > width:
        size *= max(width / widest, SMALLEST)
    return tuple("\n".join(_ended(line, size, width) for line in lines) for lines in broken), size


def _broken(label: str, size: float, width: float) -> tuple[str, ...]:
    words = label.split(" ")
    if _width(label, size) <= width or len(words) == 1:
        return (label,)
    breaks = [(" ".join(words[:k]), " ".join(words[k:])) for k in range(1, len(words))]
    return min(breaks, key=lambda lines: max(_width(line, size) for line in lines))


def _ended(line: str, size: float, width: float) -> str:
    while _width(line, size) > width * (1 + 1e-9) and len(line) > 2:
        line = f"{line[:-2].rstrip(' ,')}…"
    return line


def _width(text: str, size: float) -> float:
    from matplotlib.textpath import TextPath

    return TextPath((0, 0), text.replace("$", "S"), size=size).get_extents().width if text else 0.0
