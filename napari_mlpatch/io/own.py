"""Which files this program has written itself: those it may replace without asking."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from napari_mlpatch.core.files import LARGEST_TEXT

RECIPE = "mlpatch_recipe"
"""Key of the notes with which ``write_image`` marks a picture, also one without a recipe."""
GROUP = "mlpatch"
"""Group of a measurement file."""


def is_own(path: Path) -> bool:
    """Whether this program wrote the file and nobody has changed its kind since. An empty file is nobody's.

    An array in an ``.npy`` file is its own where the ``.json`` beside it holds its hash.
    """
    try:
        if path.stat().st_size == 0:
            return True
        look = {".npy": _npy, ".json": _json, ".tif": _tiff, ".tiff": _tiff, ".h5": _hdf5, ".hdf5": _hdf5}
        return look[path.suffix.lower()](path)
    except Exception:  # damaged, foreign, gone: not ours
        return False


def notes_for(path: Path, sha256: str) -> dict[str, Any]:
    """What the ``.json`` file beside an array says of the array with this hash; empty where that is another one."""
    about = json.loads(_text(path.with_suffix(".json")))
    while isinstance(about, dict) and RECIPE in about:
        if about.get("sha256") == sha256:
            return {key: value for key, value in about.items() if key != "before"}
        about = about.get("before")
    return {}


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _npy(path: Path) -> bool:
    return bool(notes_for(path, sha256_of(path)))


def _json(path: Path) -> bool:
    about = json.loads(_text(path))
    return isinstance(about, dict) and RECIPE in about and "sha256" in about


def _tiff(path: Path) -> bool:
    import tifffile

    with tifffile.TiffFile(path) as file:
        about = json.loads(file.pages[0].tags.valueof("ImageDescription"))  # type: ignore[union-attr]
    return isinstance(about, dict) and RECIPE in about


def _hdf5(path: Path) -> bool:
    import h5py

    with h5py.File(path, "r") as file:
        if GROUP in file:
            return "format" in file[GROUP].attrs
        about = file.get("about")
        return set(file) == {"image", "about"} and isinstance(about, h5py.Dataset) and (about.size or 0) < LARGEST_TEXT


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST_TEXT:
        raise ValueError("too large for notes")
    return path.read_text(encoding="utf-8")
