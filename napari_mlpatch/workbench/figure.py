"""The panels of a figure from results of the workbench."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Sequence

from napari_mlpatch.batch.panels import DEFAULT, panel, shown
from napari_mlpatch.figures import Panel, Style, draw

from .entry import Entry
from .scene import Scene

PREVIEW_DPI = 110


def panels_of(scene: Scene, entries: Sequence[Entry], keys: Sequence[str] = DEFAULT) -> tuple[Panel, ...]:
    """The truth, where it is known, and each finished result of the scene, named as in the window."""
    truth = scene.problem.truth
    first = () if truth is None else (Panel(shown(scene.problem, truth), "truth"),)
    made = (
        panel(scene.problem, e.result.x, e.named.line, e.result.metrics, keys, json.loads(e.result.recipe.to_json()))
        for e in entries
        if e.result is not None
    )
    return (*first, *made)


def preview(panels: Sequence[Panel], style: Style, scale: tuple[float, float], unit: str) -> bytes:
    """The figure as the bytes of a PNG file, as wide as a window shows it."""
    content = io.BytesIO()
    draw(panels, style, scale=scale, unit=unit).savefig(content, format="png", dpi=PREVIEW_DPI)
    return content.getvalue()


def without_lines(panels: Sequence[Panel]) -> tuple[Panel, ...]:
    """The same without figures of merit."""
    return tuple(dataclasses.replace(panel, lines=()) for panel in panels)


def unit_of(scene: Scene) -> str:
    """The unit of a scene's pixels; empty where they are but pixels, or rows and columns have different ones."""
    units = scene.frame.units
    return units[0] if units[0] == units[1] and units[0] != "pixel" else ""
