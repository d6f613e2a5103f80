"""The volume of a run as napari's layers take it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.gui.plumbing.later import Later, looked_through
from napari_mlpatch.workbench.jobs import contrast_limits

if TYPE_CHECKING:
    from napari_mlpatch.stacks.opened import Opened

TRIED = 9
"""Slices of which one with something in it is looked for, for the contrast."""
ROLE = "volume"


def layer_of(
    opened: Opened, limits: tuple[float, float] | None = None, later: Sequence[Later] = ()
) -> tuple[Any, dict[str, Any]]:
    """Data and properties of napari's layer: several levels where there is a pyramid, else one that may still grow.

    ``later``: who reads each level. Not to be called on the window's thread for large volumes: pictures are read.
    """
    if later:
        levels = [looked_through(level, one) for level, one in zip(opened.levels, later, strict=True)]
    else:
        levels = [level.lazily() for level in opened.levels]
    units = (opened.unit or "pixel",) * 3
    about = {
        "name": opened.path.stem + ("" if opened.complete else " (in part)"),
        "scale": opened.spacing,
        "translate": (opened.first * opened.spacing[0], 0.0, 0.0),
        "units": units,
        "axis_labels": ("slice", "row", "column"),
        "contrast_limits": limits or limits_of(opened),
        "rgb": False,
        "multiscale": len(levels) > 1,
        "projection_mode": "none",  # the one slice as it is, and no mean over one
        "cache": opened.complete and not later,  # else what is not there yet would be remembered
        "metadata": {"mlpatch": {"role": ROLE, "path": str(opened.path), "recipe": opened.about.get("recipe")}},
    }
    return (levels if len(levels) > 1 else levels[0]), about


def limits_of(opened: Opened) -> tuple[float, float]:
    """Contrast limits of a slice of the coarsest level, the middle one if it is there."""
    level = opened.levels[-1]
    middle = len(level) // 2
    for k in sorted({round(k) for k in np.linspace(0, len(level) - 1, TRIED)}, key=lambda k: abs(k - middle)):
        picture = level[k]
        if picture.any():
            return contrast_limits(picture)
    return 0.0, 1.0
