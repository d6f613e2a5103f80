"""The file that says what a session's folder holds."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_mlpatch.core.declare import explain
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import read_text

MANIFEST = "session.json"
FORMAT = 1


class _Read(BaseModel):
    model_config = ConfigDict(strict=True)


class _Problem(_Read):
    file: str
    title: str = ""
    frame: dict[str, Any] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)
    source: dict[str, Any] | None = None


class _Result(_Read):
    file: str
    problem: int
    title: str = ""
    shown: bool = True


class Manifest(_Read):
    format: Literal["napari-mlpatch session 1"]
    problems: list[_Problem]
    results: list[_Result]
    current: int | None = None
    selected: int | None = None
    view: dict[str, Any] = Field(default_factory=dict)


def read_manifest(target: Path) -> Manifest:
    """The file as ``session.json``. Raises InputError for other folders, newer formats, and damaged files."""
    path = target / MANIFEST
    if not path.is_file():
        raise InputError(f"{target} is not a session: it holds no {MANIFEST}. Choose the folder that was saved.")
    try:
        values = json.loads(read_text(path, "The session"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: the JSON breaks off or is malformed ({error!s:.200}).") from None
    form = str(values.get("format", "")) if isinstance(values, dict) else ""
    word, _, version = form.rpartition(" ")
    if word == "napari-mlpatch session" and version.isdigit() and int(version[:9]) > FORMAT:
        raise InputError(
            f"{path} has format {version[:9]}, this version reads up to {FORMAT}. Install a newer napari-mlpatch."
        )
    try:
        return Manifest.model_validate(values)
    except (ValidationError, RecursionError) as error:
        why = explain(error) if isinstance(error, ValidationError) else "nested too deeply."
        raise InputError(f"{path} is no session of this program, or is damaged: {why:.500}") from None


def is_plain(name: str) -> bool:
    """Whether it is the name of a file in the folder, and leads nowhere else."""
    return bool(name) and name == os.path.basename(name) and not set(name) & set("/\\:\0") and name not in (".", "..")
