"""A result as a file: the picture with its recipe, as the window and the command line save it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from .image_files import write_image

if TYPE_CHECKING:
    from napari_mlpatch.core.events import Result


def write_result(
    path: str | os.PathLike[str], result: Result, *, pixel_size: float | None = None, unit: str | None = None
) -> None:
    """Write the picture ``[rows, columns]`` of a result with its recipe; several slices and channels are leading axes.

    ``pixel_size`` in ``unit`` is noted; where it is not given, the operator's. Raises InputError like ``write_image``.
    """
    x = result.x[:, 0] if result.x.shape[1] == 1 else result.x
    size = result.recipe.operator.params.get("pixel_size") if pixel_size is None else pixel_size
    write_image(path, x, json.loads(result.recipe.to_json()), pixel_size=size, unit=unit)
