"""A problem as the window shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from napari_mlpatch.core.problem import Problem

from .jobs import contrast_limits, to_image
from .numbers import next_id


@dataclass(frozen=True)
class Frame:
    """Where an image lies in the world: taken over from the layer that it was simulated from."""

    scale: tuple[float, float] = (1.0, 1.0)
    translate: tuple[float, float] = (0.0, 0.0)
    units: tuple[str, str] = ("pixel", "pixel")
    axis_labels: tuple[str, str] = ("row", "column")

    def to_pixels(self, place: tuple[float, float]) -> tuple[float, float]:
        """Row and column of a place in the world; the centre of the first pixel is (0, 0)."""
        row, column = ((p - t) / s for p, t, s in zip(place, self.translate, self.scale, strict=True))
        return row, column

    def to_world(self, pixel: tuple[float, float]) -> tuple[float, float]:
        """Where a row and a column lie in the world."""
        row, column = (p * s + t for p, t, s in zip(pixel, self.translate, self.scale, strict=True))
        return row, column

    @property
    def pixel_size(self) -> float | None:
        """Side of a pixel in ``units``; None where rows and columns differ, or it is 1 pixel."""
        square = self.scale[0] == self.scale[1] and self.units[0] == self.units[1]
        return self.scale[0] if square and (self.scale[0], self.units[0]) != (1.0, "pixel") else None


@dataclass(eq=False)
class Scene:
    """A problem as the window shows it. ``limits`` are the contrast limits that all its pictures share.

    ``preview``, ``data`` and ``truth`` are what is shown of the quick picture, the measurement and the true image;
    ``more`` names what else pictures of it can show, such as the phase. ``slices`` is how many the file has of them.
    """

    problem: Problem
    title: str
    frame: Frame = Frame()
    notes: tuple[str, ...] = ()
    preview: np.ndarray = field(default_factory=lambda: np.zeros((1, 1), np.float32), repr=False)
    data: np.ndarray = field(default_factory=lambda: np.zeros((1, 1), np.float32), repr=False)
    truth: np.ndarray | None = field(default=None, repr=False)
    more: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    slices: int = 1
    id: int = field(default_factory=next_id)

    def show(self) -> Scene:
        """Compute what is shown at once. Runs off the GUI thread."""
        A, y, truth = self.problem.A, self.problem.y, self.problem.truth
        quick = A.pinv(y)
        self.preview, self.data = to_image(A.picture(quick)), to_image(A.data_picture(y))
        self.truth = None if truth is None else to_image(A.picture(truth))
        self.more = tuple(A.more_pictures(quick[:1, :1]))
        self.limits = contrast_limits(self.preview if self.truth is None else self.truth)
        _ = self.problem.fingerprint, self.problem.remarks  # needed later, on the GUI thread
        return self
