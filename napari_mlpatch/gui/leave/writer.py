"""napari's writer: a layer saved through File > Save keeps its recipe."""

from __future__ import annotations

from typing import Any

import numpy as np


def write(path: str, data: Any, about: dict[str, Any]) -> list[str]:
    """Write an image layer with the recipe that it carries, and the size of its pixels. Values are not changed.

    Of a result that is in the table, the result itself is written: complex ones are complex, stacks have all slices.
    """
    from napari_mlpatch import io
    from napari_mlpatch.io.writers import FORMATS

    meta = about.get("metadata") or {}
    known = meta.get("mlpatch") or {}
    size, unit = _pixel(about)
    result, recipe = _result(known), known.get("recipe")
    ours = tuple(suffix for kind in FORMATS for suffix in kind.suffixes)
    plain = result is None and not isinstance(recipe, dict) and path.lower().endswith((".tif", ".tiff"))
    if plain or not path.lower().endswith(ours):
        from napari_builtins.io import napari_write_image  # keeps the type of whole numbers, knows PNG

        return list(filter(None, [napari_write_image(path, data, about)]))
    if result is not None:
        io.refuse_inputs(path, io.inputs_of(result.recipe.data.source))
        io.write_result(path, result, pixel_size=size, unit=unit, force=True)
    else:
        known_recipe = recipe if isinstance(recipe, dict) else None
        io.write_image(path, np.asarray(data), known_recipe, pixel_size=size, unit=unit, force=True)
    return [path]


def _result(known: dict[str, Any]) -> Any:
    """The result whose picture a layer shows, if it is still in the table of this window."""
    import napari

    viewer = napari.current_viewer()
    here = getattr(viewer.window._qt_window, "_mlpatch_session", None) if viewer is not None else None
    if here is None or known.get("role") != "result":
        return None
    return next((e.result for e in here.workbench.entries if e.id == known.get("entry")), None)


def _pixel(about: dict[str, Any]) -> tuple[float | None, str | None]:
    """Side of a pixel and its unit, where pixels are squares."""
    scale, units = list(about.get("scale") or [])[-2:], [str(u) for u in (about.get("units") or [])[-2:]]
    if len(scale) < 2 or scale[0] != scale[1] or (len(units) == 2 and units[0] != units[1]):
        return None, None
    unit = units[0] if units and units[0] != "pixel" else None
    return (None, None) if unit is None and scale[0] == 1 else (float(scale[0]), unit)
