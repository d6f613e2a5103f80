"""Writing pictures with their recipe."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_mlpatch.core.arguments import is_number
from napari_mlpatch.core.errors import InputError

from .atomic import check_writable
from .own import RECIPE, SEAL, blank_seal
from .precision import to_complex64, to_float32
from .writers import format_for


def write_image(
    path: str | os.PathLike[str],
    x: Any,
    recipe: Mapping[str, Any] | None = None,
    *,
    pixel_size: float | None = None,
    unit: str | None = None,
    force: bool = False,
) -> None:
    """Write an image, values untouched, with its recipe: float32, or complex64. The name says the format.

    .tif, .ome.tif, .h5, .fits, or .npy with a .json beside it, see ``writers``.

    ``x`` is a tensor or array ``[rows, columns]``, also with leading axes; those of length one are dropped.
    ``recipe`` is plain JSON. ``pixel_size`` in ``unit`` is noted where it is known. The file is complete or not there.
    TIFF and FITS of complex values hold the magnitude first and the phase, in radians, last; they are complex again
    when ``read_image`` reads them. Raises InputError when it cannot be written, when x is empty, and,
    without ``force``, where a file is there that is not a picture as this program wrote it.
    """
    target = check_writable(path, force=force)
    kind = format_for(target)
    array = _numbers(x)
    if not isinstance(unit, str | None):
        raise InputError(f"The unit of the pixel size is a text such as 'mm', got {type(unit).__name__}.")
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim < 2 or array.size == 0:
        raise InputError(f"An image has rows and columns, this array has shape {list(array.shape)}.")
    if pixel_size is not None and not (is_number(pixel_size) and 0 < pixel_size < math.inf):
        raise InputError(f"The pixel size must be positive, got {pixel_size}.")
    array = to_complex64(array) if np.iscomplexobj(array) else to_float32(array)
    try:
        recipe = None if recipe is None else json.loads(json.dumps(dict(recipe)))
    except (TypeError, ValueError) as error:
        raise InputError(f"The recipe is not plain JSON: {error}.") from error
    about = {SEAL: blank_seal("picture"), RECIPE: recipe, "pixel_size": pixel_size, "unit": unit}
    kind.write(target, array, about, force)


def _numbers(x: Any) -> np.ndarray:
    try:
        array = np.asarray(x.detach().cpu().numpy() if hasattr(x, "detach") else x)
    except Exception as error:  # of objects, ragged lists, tensors without values
        raise InputError(f"An image is an array of numbers, got {type(x).__name__} ({error!s:.100}).") from None
    if array.dtype.kind not in "biufc":
        raise InputError(f"An image is an array of numbers, got one of {array.dtype}.")
    return array
