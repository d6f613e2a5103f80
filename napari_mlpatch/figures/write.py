"""A figure as PDF, SVG or PNG: complete or not there, the same bytes for the same figure."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import reason_of, replacing_file
from napari_mlpatch.io.atomic import check_writable

from .draw import FONTS
from .panel import Panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".pdf", ".svg", ".png")


def write_figure(
    path: str | os.PathLike[str],
    figure: Figure,
    panels: Sequence[Panel] = (),
    *,
    dpi: int = 600,
    force: bool = False,
) -> None:
    """Write a figure that ``draw`` made; what is known ``about`` the panels is in the file's notes.

    Raises InputError for other suffixes, where the file cannot be written, and, without ``force``, where one is there.
    """
    import matplotlib

    target = check_writable(path, SUFFIXES, force=force, kind="figure")
    kind = target.suffix.lower()[1:]
    try:
        with matplotlib.rc_context(FONTS), replacing_file(target) as temporary:
            figure.savefig(temporary, format=kind, dpi=dpi, metadata=_notes(kind, panels))
    except OSError as error:
        raise InputError(f"{target} could not be written: {reason_of(error)}.") from error


def about(recipe: dict[str, Any]) -> dict[str, Any]:
    """What a figure says of a recipe: all but where the data lay, which is nobody's business who reads the paper."""
    data = {key: value for key, value in recipe.get("data", {}).items() if key != "source"}
    return {**recipe, "data": data}


def _notes(kind: str, panels: Sequence[Panel]) -> dict[str, Any]:
    known = json.dumps([{"label": panel.label, "lines": panel.lines, **panel.about} for panel in panels])
    made = "napari-mlpatch"
    if kind == "pdf":
        return {"Creator": made, "Keywords": known, "CreationDate": None}
    if kind == "svg":
        return {"Creator": made, "Description": known, "Date": None}
    return {"Software": made, "Description": known}
