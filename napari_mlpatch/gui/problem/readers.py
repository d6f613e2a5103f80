"""napari's reader for measurements: adds the sinogram as a layer and lets the Problem dock pick it up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

LayerData = tuple[Any, dict[str, Any], str]


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """The reader for a path that may hold a measurement, else None."""
    paths = [path] if isinstance(path, str) else path
    return read if all(_may_be_read(p) for p in paths) else None


def _may_be_read(path: str) -> bool:
    from napari_mlpatch.io.formats import format_of, suffixes

    if not Path(path).is_dir():
        return path.lower().endswith(suffixes())  # what it holds is seen when it is read
    if _is_session(path):
        return True
    if _is_volume(path):
        return True
    try:
        return format_of(Path(path)).folders
    except InputError:
        return False


def read(path: str | list[str]) -> list[LayerData]:
    """One layer for each file. A saved result comes back with its recipe; anything else counts as a measurement.

    The folder of a session is opened in the docks, and gives no layer of its own; nor does a volume where these are
    open.
    """
    paths = [path] if isinstance(path, str) else path
    layers: list[LayerData] = []
    for one in paths:
        if _is_session(one):
            _open_session(one)
        elif _is_volume(one):
            layers += _volume(one)
        else:
            layers.append(_layer(one))
    return layers or [(None,)]  # type: ignore[list-item]


def _is_volume(path: str) -> bool:
    from napari_mlpatch.stacks.opened import is_volume

    return is_volume(path)


def _volume(path: str) -> list[LayerData]:
    """The output of a run over a stack, lazily; one that is not complete can be gone on with in the docks.

    Where these are there it comes onto the canvas by itself, in steps: napari would wait for its pictures.
    """
    from napari_mlpatch.gui.session import open_session, session
    from napari_mlpatch.gui.stacks.volume_data import layer_of
    from napari_mlpatch.stacks.opened import open_volume

    here = open_session()
    if here is None:
        opened = open_volume(path)
        if opened.complete:
            return [(*layer_of(opened), "image")]
        here = session()
    here.volumes.add(Path(path), here.go_on_with)
    return []


def _is_session(path: str) -> bool:
    from napari_mlpatch.io.session_manifest import MANIFEST

    return (Path(path) / MANIFEST).is_file()


def _open_session(folder: str) -> None:
    from napari_mlpatch.gui.session import session

    here = session()
    here.open_all()
    here.stage.sessions.read(Path(folder))


def _layer(path: str) -> LayerData:
    from napari_mlpatch import io

    try:
        recipe = io.read_recipe(path)  # a few bytes: of anything else no picture is read
    except InputError:
        recipe = None
    if recipe is not None:
        image, recipe = io.read_image(path)
        return (
            abs(image) if np.iscomplexobj(image) else image,
            {"name": Path(path).stem, "metadata": {"mlpatch": {"role": "saved", "recipe": recipe}}},
            "image",
        )
    return measurement_layer(io.load(path), {"path": str(path)})


def measurement_layer(measurement: Any, source: dict[str, Any]) -> LayerData:
    """The middle slice of a measurement, marked so that the Problem dock loads it."""
    from napari_mlpatch.workbench.jobs import contrast_limits

    data = measurement.data[len(measurement.data) // 2]
    what = "sinogram" if measurement.kind.endswith("-beam") else "data"
    about = {"name": f"{measurement.path.stem} {what}", "contrast_limits": contrast_limits(data)}
    return data, {**about, "metadata": {"mlpatch_source": source}}, "image"
