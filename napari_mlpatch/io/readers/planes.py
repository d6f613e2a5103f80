"""Two-dimensional pictures of numbers, one in a file, as folders of projections hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored
from ..guard import existing_file, reading, room_for_picture
from ..measurement import Measurement
from ..options import LoadOptions
from ..picture import depth_of_png
from .fits import contents_of
from .named import measurement_from
from .numpy_file import open_npy
from .tiff import open_tiff
from .tiff_colours import grey

PLANES = (".tif", ".tiff", ".fits", ".fit", ".npy", ".png")


def plane(path: Path) -> Stored:
    """The array of a file of one picture, not read yet where the format allows it. Raises InputError."""
    suffix = existing_file(path).suffix.lower()
    if suffix in (".tif", ".tiff"):
        tiff = open_tiff(path)
        return grey(path, tiff.stored, tiff.planar) if tiff.colour else tiff.stored
    if suffix in (".fits", ".fit"):
        images = contents_of(path).images
        if len(images) != 1:
            raise InputError(f"{path} holds {len(images)} images. One in each file is needed.")
        return images[0].stored
    if suffix == ".npy":
        array = open_npy(path)
        whole = array.dtype.kind in "iu"
        return Stored(array.shape, lambda index: np.array(array[index]), whole, itemsize=array.itemsize)
    return png(path)


def png(path: Path) -> Stored:
    """The numbers of a grey PNG of 1 to 16 bits, as they are. Raises InputError for colours."""
    with reading(path, "PNG"), Image.open(path, formats=["PNG"]) as picture:
        if picture.mode not in ("1", "L", "I", "I;16", "I;16B"):
            raise InputError(
                f"{path} is a colour picture, not a measurement. A measurement has one value for each bin: save it as "
                "grey, or load it as an image to simulate a measurement from."
            )
        room_for_picture(path, (picture.height, picture.width), 4)
        array = np.asarray(picture)
    depth = depth_of_png(path)
    if picture.mode == "L" and depth < 8:  # Pillow stretches them to 0..255
        array = array // (255 // (2**depth - 1))
    return Stored.of(array.astype(np.uint8) if array.dtype == bool else array, depth)


def load_png(path: Path, options: LoadOptions) -> Measurement:
    """A sinogram ``[angles, bins]`` in a grey PNG, its whole numbers as they are."""
    if options.dataset is not None:
        raise InputError(f"{path} is a PNG file and has no named arrays: leave out dataset ({options.dataset!r}).")
    return measurement_from(path, {"image": png(path)}, options)
