"""What a layer of the window gives to a simulation: its plane on show, where it lies, where it came from."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image
from napari.viewer import Viewer

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.luminance import luminance
from napari_mlpatch.workbench.scene import Frame


def shape_of(layer: Image) -> tuple[int, ...]:
    """Rows and columns of the layer's plane."""
    return tuple(layer.data.shape[-3:-1] if layer.rgb else layer.data.shape[-2:])


def sample_layer(name: str, size: int | None = None) -> dict[str, Any]:
    """Name, size and origin of the layer of a sample image, with ``size`` pixels a side instead of its own."""
    about = io.samples.describe(name)
    pixel = about.pixel_size * about.shape[0] / (size or about.shape[0]) if about.pixel_size else 1.0
    return {
        "name": name,
        "scale": (pixel, pixel),
        "units": (about.unit or "pixel",) * 2,
        "metadata": {"mlpatch_image": {"kind": "sample", "name": name}},
    }


def simulation_layer(name: str) -> tuple[np.ndarray, dict[str, Any]]:
    """The image of a simulated sample and its layer, marked so that the Problem dock simulates the measurement."""
    made = io.simulations.find(name)
    about = sample_layer(made.image, made.size)
    about["metadata"] = {"mlpatch_image": made.source, "mlpatch_simulation": name}
    return io.samples.image(made.image, made.size), about


def plane_of(layer: Image, viewer: Viewer) -> np.ndarray:
    """The 2-D image on show, float32; of a colour image its luminance. Raises InputError for complex layers."""
    data, axes = layer.data, layer.ndim
    step = viewer.dims.current_step[-axes:]
    index: Any = tuple(step[: axes - 2])
    plane = np.asarray(data[index])
    if layer.rgb:
        plane = luminance(plane)
    if plane.ndim != 2 or np.iscomplexobj(plane):
        raise InputError(
            f"Simulation needs a real 2-D image, the layer “{layer.name}” shows {' x '.join(map(str, plane.shape))} "
            f"numbers of the kind {plane.dtype}."
        )
    return plane.astype(np.float32)


def frame_of(layer: Image) -> Frame:
    """Where the layer's plane lies in the world."""

    def pair(values: Any) -> tuple[Any, Any]:
        return values[-2], values[-1]

    units = [str(unit) for unit in layer.units]
    return Frame(pair(layer.scale.tolist()), pair(layer.translate.tolist()), pair(units), pair(layer.axis_labels))


def origin_of(path: str | None, plane: np.ndarray) -> dict[str, Any]:
    """The file that the plane came from, where reading it again gives the same values; else it is only in memory.

    napari shows the raw values of pictures, ours are scaled to 0..1, and a stack's plane is no file of its own.
    """
    source = {"kind": "file", "path": str(path)}
    try:
        same = path is not None and np.array_equal(io.open_image(source), plane)
    except InputError:
        same = False
    return source if same else {"kind": "memory"}
