"""NPY, and the notes in a ``.json`` file beside it, which hold the hash of the array's file."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import replacing
from ..own import notes_for, sha256_of


def write(target: Path, array: np.ndarray, about: dict[str, Any], force: bool) -> None:
    """A kill between both files leaves notes that fit the old array and the new one."""
    beside, old = target.with_suffix(".json"), {}
    with suppress(OSError, ValueError, RecursionError):
        old = notes_for(target, sha256_of(target))
    with replacing(target, force=force) as temporary:
        with temporary.open("wb") as file:
            np.save(file, array)
        about["sha256"] = sha256_of(temporary)
        _write_json(beside, about | ({"before": old} if old else {}), force)
    if old:
        _write_json(beside, about, force)


def _write_json(path: Path, about: dict[str, Any], force: bool) -> None:
    with replacing(path, (".json",), force=force) as temporary:
        temporary.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
