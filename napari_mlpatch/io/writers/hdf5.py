"""HDF5: the picture as ``image``, the notes as ``about``."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..atomic import replacing
from ..own import SEAL


def write(target: Path, array: np.ndarray, about: dict[str, Any], force: bool) -> None:
    with replacing(target, force=force) as temporary:
        temporary.write_bytes(content_of(array, about))


def content_of(array: np.ndarray, about: Mapping[str, Any], more: Mapping[str, np.ndarray] | None = None) -> Any:
    """The bytes of a file of a picture and its notes, with ``more`` arrays by their names."""
    notes = {key: value for key, value in about.items() if key != SEAL}
    content = io.BytesIO()  # on a full disk, HDF5 ends the whole process
    with h5py.File(content, "w") as file:
        file.attrs[SEAL] = np.bytes_(about[SEAL])
        image = file.create_dataset("image", data=array, compression="gzip", shuffle=True)
        if about.get("pixel_size"):
            image.attrs["element_size"] = [float(about["pixel_size"])] * 2
            image.attrs["unit"] = np.bytes_(str(about.get("unit") or "").encode())
        file.create_dataset("about", data=np.frombuffer(json.dumps(notes).encode(), np.uint8))
        for name, values in (more or {}).items():
            packed = {"compression": "gzip", "shuffle": True} if values.size > 1 else {}
            file.create_dataset(name, data=values, **packed)
    return content.getbuffer()
