"""A result as a file: the picture with its recipe, as the window and the command line save it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from napari_mlpatch.core.arguments import instance
from napari_mlpatch.core.errors import InputError

from .atomic import refuse_inputs
from .image_writer import write_image
from .inputs import inputs_of

if TYPE_CHECKING:
    from napari_mlpatch.core.events import Result


def write_result(
    path: str | os.PathLike[str],
    result: Result,
    *,
    pixel_size: float | None = None,
    unit: str | None = None,
    force: bool = False,
) -> None:
    """Write the picture ``[rows, columns]`` of a result with its recipe; several slices and channels are leading axes.

    ``pixel_size`` in ``unit`` is noted; where it is not given, the operator's. Raises InputError like ``write_image``,
    and, without ``force``, where the path is a file that the data came from.
    """
    if not hasattr(result, "recipe"):
        raise InputError(f"A result has a picture and a recipe, got {type(result).__name__}: see write_image.")
    if not instance(force, bool, "force"):
        refuse_inputs(path, inputs_of(result.recipe.data.source))
    x = result.x[:, 0] if result.x.shape[1] == 1 else result.x
    size = result.recipe.operator.params.get("pixel_size") if pixel_size is None else pixel_size
    write_image(path, x, json.loads(result.recipe.to_json()), pixel_size=size, unit=unit, force=force)
