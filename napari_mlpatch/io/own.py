"""Which files this program has written itself: those it may replace without asking.

Each carries a seal, "mlpatch KIND sha256:" and the hash of the whole file as it is with zeros in place of that hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import tifffile

from napari_mlpatch.core.files import LARGEST_TEXT

Kind = Literal["picture", "measurement", "session", "figure"]
"""Figures carry no seal, so that none is replaced without force."""
RECIPE = "mlpatch_recipe"
"""Key of the notes with which ``write_image`` marks a picture, also one without a recipe."""
SEAL = "mlpatch_seal"
"""Key of the seal in notes, and attribute of an HDF5 file: the first, so that it is near the file's beginning."""
POLAR = "magnitude_and_phase"
"""Key of the notes of pictures that are complex, in files that know real numbers only."""
NOTES_TAG = 65000
"""Of OME-TIFF, one of those that are free: our notes, as text."""
NOTES_PART = "MLPATCH"
"""Of FITS, the table that holds our notes."""
GROUP = "mlpatch"
"""Group of a measurement file."""
NEAR = 65536
"""Bytes from the beginning or the end of a file, among which the seal is."""
PATTERN = re.compile(rb"mlpatch (picture|measurement|session) sha256:([0-9a-f]{64})")


def blank_seal(kind: Kind) -> str:
    """What to write where ``seal`` puts the hash."""
    return f"mlpatch {kind} sha256:{'0' * 64}"


def seal(path: Path) -> None:
    """Put the hash of a file that has just been written into its blank seal."""
    found = _found(path)
    if found is None:
        raise RuntimeError(f"{path} has no seal among its first or last {NEAR} bytes")
    with path.open("r+b") as file:
        file.seek(found.at)
        file.write(_hash(path, found.at).encode())


def is_own(path: Path, kind: Kind = "picture") -> bool:
    """Whether this program wrote the file as this kind, and nobody has changed it since. An empty file is nobody's.

    An array in an ``.npy`` file is its own where the ``.json`` beside it holds its hash. Before there were seals, files
    were known by the recipe or the operator inside.
    """
    try:
        if not path.is_file():  # an empty pipe or device
            return False
        if path.stat().st_size == 0:
            return True
        if path.suffix.lower() == ".npy":
            return kind == "picture" and bool(notes_for(path, sha256_of(path)))
        found = _found(path)
        if found is None:
            return _unsealed(path) == kind
        return found.kind == kind and found.hash == _hash(path, found.at)
    except Exception:  # damaged, foreign, gone: not ours
        return False


def notes_for(path: Path, sha256: str) -> dict[str, Any]:
    """What the ``.json`` file beside an array says of the array with this hash; empty where that is another one."""
    about = json.loads(_text(path.with_suffix(".json")))
    while isinstance(about, dict) and RECIPE in about:
        if about.get("sha256") == sha256:
            return {key: value for key, value in about.items() if key not in ("before", SEAL)}
        about = about.get("before")
    return {}


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class _Seal:
    """A seal as it stands in a file, its hash ``at`` so many bytes from the beginning."""

    kind: str
    hash: str
    at: int


def _found(path: Path) -> _Seal | None:
    with path.open("rb") as file:
        for start in (0, max(0, path.stat().st_size - NEAR)):
            file.seek(start)
            found = PATTERN.search(file.read(NEAR))
            if found:
                return _Seal(found[1].decode(), found[2].decode(), start + found.start(2))
    return None


def _unsealed(path: Path) -> Kind | None:
    """What this program's versions before there were seals wrote the file as; None for all else."""
    if h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            if SEAL in file.attrs:
                return None
            if GROUP in file:
                return "measurement" if "operator" in {*file[GROUP], *file[GROUP].attrs} else None  # type: ignore
            about = np.asarray(file["about"][()]).tobytes() if {*file} == {"about", "image"} else b"{}"  # type: ignore
    elif path.suffix.lower() in (".tif", ".tiff"):
        with tifffile.TiffFile(path) as file:
            about = file.pages[0].tags.valueof("ImageDescription") if len(file.pages) == 1 else "{}"  # type: ignore
    else:
        return None
    noted = json.loads(about or "{}")
    ours = isinstance(noted, dict) and isinstance(noted.get(RECIPE), dict) and SEAL not in noted
    return "picture" if ours and {"operator", "method"} <= noted[RECIPE].keys() else None


def _hash(path: Path, at: int) -> str:
    """Of the file with a blank seal."""
    result = hashlib.sha256()
    with path.open("rb") as file:
        left = at
        while left and (part := file.read(min(left, 1 << 20))):
            result.update(part)
            left -= len(part)
        result.update(b"0" * 64)
        file.seek(at + 64)
        while part := file.read(1 << 20):
            result.update(part)
    return result.hexdigest()


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST_TEXT:
        raise ValueError("too large for notes")
    return path.read_text(encoding="utf-8")
