"""How the pages of a TIFF file make one image, and how parts of it are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from ..guard import reading
from .calibration import Calibration
from .tiff_colours import colour_axis, moved_last
from .tiff_pages import needs_pillow, page_part, page_values
from .tiff_whole import no_holes


@dataclass(frozen=True)
class Layout:
    """The image of a file: ``[pages, rows, columns]`` or ``[rows, columns]``, with colours as one more, last axis.

    ``stored_shape`` is that of the pages together as they lie in the file, ``colours`` the axis of colours there,
    counted from the end, None of grey images. ``together`` says that several images are one stack, ``by_page`` that
    each page of the file is one of the image, ``single`` that it has but one, which is read in parts; ``in_parts``
    that rows of a page are read without the others. ``note`` tells of axes that were made one.
    """

    shape: tuple[int, ...]
    stored_shape: tuple[int, ...]
    colours: int | None
    together: bool
    by_page: bool
    single: bool
    in_parts: bool
    note: str = ""

    @property
    def colour(self) -> bool:
        """Whether a pixel has several values in the file, also where one of them is returned."""
        return self.colours is not None

    @property
    def plane(self) -> tuple[int, ...]:
        return self.shape[-2 - self.colour :]

    @property
    def pieces(self) -> tuple[int, ...]:
        """As in ``Stored``: what can only be read as a whole."""
        if self.in_parts and (self.by_page or self.single):
            return ()
        return (1, *self.shape[1:]) if self.by_page else self.shape

    def read(self, path: Path, calibration: Calibration, index: Any) -> np.ndarray:
        """That part of the image, calibrated. Raises InputError."""
        with reading(path, "TIFF"), tifffile.TiffFile(path) as file:
            series = largest(file.series)
            pages = [page for each in series for page in each.pages]
            if self.by_page and index != ():
                return self._some_pages(path, pages, calibration, index)
            if self.single and index != ():
                part = index if isinstance(index, tuple) else (index,)
                return page_part(path, pages[0], calibration, self.plane, part)
            if self.together or needs_pillow(pages[0]):
                values = np.stack([page_values(path, page, calibration) for page in pages])
                return self._colours_last(values.reshape(self.stored_shape)).reshape(self.shape)[index]
            for page in pages:
                no_holes(path, page)
            values = np.asarray(series[0].asarray()).reshape(self.stored_shape)
            return calibration(self._colours_last(values).reshape(self.shape)[index])

    def _some_pages(self, path: Path, pages: list[Any], calibration: Calibration, index: Any) -> np.ndarray:
        first, *rest = index if isinstance(index, tuple) else (index,)
        part = tuple(rest)

        def one(page: Any) -> np.ndarray:
            if part and not self.colour and page.keyframe.is_memmappable:
                return page_part(path, page, calibration, self.plane, part)
            return self._colours_last(page_values(path, page, calibration)).reshape(self.plane)[part]

        alone = isinstance(first, int | np.integer)
        return one(pages[first]) if alone else np.stack([one(page) for page in pages[first]])

    def _colours_last(self, values: np.ndarray) -> np.ndarray:
        return values if self.colours is None else np.moveaxis(values, self.colours, -1)


def largest(series: list[Any]) -> list[Any]:
    """The largest image of a file, be it not the first (a thumbnail), and those equal to it: they make one stack."""
    main = max(series, key=lambda each: each.size)
    return [each for each in series if (each.shape, each.dtype) == (main.shape, main.dtype)]


def layout_of(series: list[Any]) -> Layout:
    """How ``series``, images of equal shape, make one: axes of length one go, more than three become pages."""
    first, together = series[0], len(series) > 1
    at, shape, axes = colour_axis(first), tuple(first.shape), first.axes
    if together:
        shape, axes = (len(series), *shape), "I" + axes
    stored_shape = shape
    if at is not None:
        shape, axes = moved_last(shape, at), "".join(moved_last(tuple(axes), at))
    colour = at is not None
    kept = list(range(len(shape)))
    while len(kept) > 2 + colour and any(shape[k] == 1 for k in kept):  # channels, times, of which there is but one
        kept.remove(next(k for k in kept if shape[k] == 1))
    shape, axes = tuple(shape[k] for k in kept), "".join(axes[k] for k in kept)
    deep, note = len(shape) - colour, ""
    if deep > 3:
        merged = " x ".join(f"{n} ({axis})" for n, axis in zip(shape[: deep - 2], axes, strict=False))
        shape = (int(np.prod(shape[: deep - 2])), *shape[deep - 2 :])
        note = f"{merged} pages of {shape[1]} x {shape[2]}, read as one stack of {shape[0]}"
    pages = sum(len(each.pages) for each in series)
    in_parts = not colour and not together and all(page.keyframe.is_memmappable for page in first.pages[:1])
    by_page = len(shape) == 3 + colour and pages == shape[0]
    single = len(shape) == 2 and pages == 1 and in_parts
    return Layout(shape, stored_shape, at, together, by_page, single, in_parts, note)
