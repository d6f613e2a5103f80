"""One picture of a figure, with what is said about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_mlpatch.core.arguments import as_array, is_number
from napari_mlpatch.core.errors import InputError


@dataclass(frozen=True, eq=False)
class Panel:
    """A picture ``[rows, columns]`` of real numbers, its ``label`` above and ``lines`` below it.

    ``error`` is the picture of the error, picture minus truth, where the truth is known. ``about`` is plain JSON that
    is written into the figure's file, such as method and parameters. Raises InputError for arrays of another form.
    """

    picture: np.ndarray
    label: str = ""
    lines: tuple[str, ...] = ()
    error: np.ndarray | None = None
    about: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("picture", "error"):
            array = getattr(self, name)
            if name == "error" and array is None:
                continue
            array = as_array(array, f"The {name} of a panel")
            if array.ndim != 2 or array.dtype.kind not in "biuf" or array.size == 0:
                raise InputError(
                    f"A panel of a figure shows real numbers [rows, columns], got {array.dtype} of shape "
                    f"{list(array.shape)}. Of complex pictures take the magnitude, of stacks one slice."
                )
            object.__setattr__(self, name, array)
        if self.error is not None and self.error.shape != self.picture.shape:
            raise InputError(f"The error has shape {list(self.error.shape)}, the picture {list(self.picture.shape)}.")


def check_scale(scale: Any) -> tuple[float, float]:
    """Height and width of a pixel. Raises InputError for what is no pair of positive numbers."""
    try:
        height, width = scale
    except (TypeError, ValueError):
        raise InputError(f"The scale of a figure is the height and width of a pixel, got {scale!r:.60}.") from None
    if not all(is_number(v) and 0 < v < 1e30 for v in (height, width)):
        raise InputError(f"The height and width of a pixel are positive numbers, got {scale!r:.60}.")
    return float(height), float(width)
