"""Contrast limits and colours of each kind of picture."""

from __future__ import annotations

import math

import numpy as np

from napari_mlpatch.workbench.jobs import contrast_limits
from napari_mlpatch.workbench.pictures import SIGNED
from napari_mlpatch.workbench.scene import Scene

from .contrast import Limits


def limits_of(image: np.ndarray, kind: str) -> Limits:
    """Contrast limits that suit a picture alone: of what has a sign, as far up as down."""
    if kind == "phase":
        return -math.pi, math.pi
    low, high = contrast_limits(image)
    if kind in SIGNED:
        size = max(abs(low), abs(high))
        return (-size if image.min() < 0 else 0.0), size  # magnitudes of complex data have no sign
    return low, high


def colormap_of(image: np.ndarray, kind: str) -> str:
    if kind == "phase":
        return "twilight_shifted"
    return ("RdBu" if image.min() < 0 else "magma") if kind in SIGNED else "gray"


def group_of(scene: Scene, kind: str) -> tuple[str, str]:
    """Which layers share a contrast: pictures of one kind and one problem."""
    return scene.problem.fingerprint, kind
