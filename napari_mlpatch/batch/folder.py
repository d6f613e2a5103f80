"""A folder of results that belongs to this program: it replaces its own files in it, and nobody else's."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import check_place, clean_up, path_of, read_text, reason_of, replace_bytes
from napari_mlpatch.core.phrases import OR_FORCE, OR_REPLACE

LIST = "files.json"
"""Which files of the folder are ours, with their hashes."""


class Folder:
    """The folder of a sweep or benchmark; ``kind`` says of which.

    Raises InputError where it is there and not of this kind, unless it is empty or with ``force``.
    """

    def __init__(self, path: str | os.PathLike[str], kind: str, *, force: bool = False):
        self.path, self.kind, self.force = path_of(path, f"The folder of the {kind}"), kind, force
        self._files: dict[str, str] = {}
        found = self._listed()
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"{self.path} is a file. Give the name of a folder for the {kind}.")
        if found is None and self.path.is_dir() and any(self.path.iterdir()) and not force:
            raise InputError(
                f"The folder {self.path} holds other things than a {kind} of this program. Choose a new one{OR_FORCE}, "
                "which leaves other files alone."
            )
        self._files = found or {}
        try:
            self.path.mkdir(exist_ok=True)
            clean_up(self.path)
        except OSError as error:
            raise InputError(f"The folder {self.path} cannot be made: {reason_of(error)}.") from None
        if found is None:
            self._note()

    def __contains__(self, name: str) -> bool:
        return (self.path / name).is_file()

    def write(self, name: str, content: bytes | str) -> Path:
        """Write a file, complete or not at all. Raises InputError where one is there that we did not write."""
        path, data = self.path / name, content.encode() if isinstance(content, str) else content
        try:
            check_place(path)
            if path.exists() and not self.force and self._files.get(name) != _hash(path.read_bytes()):
                raise InputError(
                    f"{path} is there already, and this program has not made it, or it has been changed since. "
                    f"Choose another folder{OR_REPLACE}."
                )
            path.parent.mkdir(exist_ok=True)
            replace_bytes(path, data)
        except OSError as error:
            raise InputError(f"{path} could not be written: {reason_of(error)}.") from None
        self._files[name] = _hash(data)
        self._note()
        return path

    def own(self, path: Path) -> None:
        """Note a file of the folder that was written in another way as ours."""
        self._files[path.relative_to(self.path).as_posix()] = _hash(path.read_bytes())
        self._note()

    def is_own(self, name: str) -> bool:
        """Whether a file is there as we wrote it."""
        return name in self and self._files.get(name) == _hash((self.path / name).read_bytes())

    def read_json(self, name: str) -> Any:
        """What one of our files holds; None where it is not there, changed, or damaged."""
        try:
            return json.loads(read_text(self.path / name, "The file")) if self.is_own(name) else None
        except (InputError, ValueError, RecursionError, OSError):
            return None

    def _listed(self) -> dict[str, str] | None:
        try:
            about = json.loads(read_text(self.path / LIST, "The list"))
        except (InputError, ValueError, RecursionError):
            return None
        is_ours = isinstance(about, dict) and about.get("format") == f"napari-mlpatch {self.kind} 1"
        return dict(about.get("files", {})) if is_ours else None

    def _note(self) -> None:
        about = {"format": f"napari-mlpatch {self.kind} 1", "files": dict(sorted(self._files.items()))}
        try:
            replace_bytes(self.path / LIST, json.dumps(about, indent=1).encode())
        except OSError as error:
            raise InputError(f"{self.path / LIST} could not be written: {reason_of(error)}.") from None


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
