"""What the forms remember from one session to the next: names, parameters and folders, in one small JSON file.

It lies in the system's place for a user's settings, or where MLPATCH_FORMS says. Where napari keeps no settings
(NAPARI_CONFIG is empty), nothing is written. Whatever the file holds, also damaged or of other versions, forms open.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import platformdirs
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_mlpatch.core.files import replace_bytes

VARIABLE = "MLPATCH_FORMS"
SAVE_MS = 500
LARGEST = 1_000_000
"""Bytes of a file that is read."""


class Memory:
    """A tree of JSON values. ``path`` None: for this session only."""

    def __init__(self, path: Path | None):
        self.path = path
        self._tree = {} if path is None else _read(path)
        self._timer: QTimer | None = None

    def get(self, *keys: str) -> Any:
        """What stands under these keys; None where nothing does."""
        found: Any = self._tree
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def text(self, *keys: str) -> str:
        """The same, where it is a text, else an empty one."""
        found = self.get(*keys)
        return found if isinstance(found, str) else ""

    def put(self, value: Any, *keys: str) -> None:
        """Remember a JSON value under these keys; None and an empty dictionary forget what was there."""
        tree = self._tree
        for key in keys[:-1]:
            if not isinstance(tree.get(key), dict):
                tree[key] = {}
            tree = tree[key]
        if value is None or value == {}:
            tree.pop(keys[-1], None)
        else:
            tree[keys[-1]] = value
        self._save_soon()

    def save(self) -> None:
        """Write it now. A place that cannot be written to is no reason to disturb anybody."""
        if self.path is not None:
            with contextlib.suppress(OSError, ValueError, TypeError):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                replace_bytes(self.path, json.dumps(self._tree, indent=1).encode())

    def _save_soon(self) -> None:
        if self.path is None or QApplication.instance() is None:
            return
        if self._timer is None:
            self._timer = QTimer()
            self._timer.setSingleShot(True)
            self._timer.timeout.connect(self.save)
        self._timer.start(SAVE_MS)


_present: Memory | None = None


def memory() -> Memory:
    """That of the program."""
    return _present if _present is not None else renew()


def renew() -> Memory:
    """Read it anew, as a session does that begins."""
    global _present
    if _present is not None:
        _present.save()
    _present = Memory(_path())
    return _present


def _path() -> Path | None:
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    if os.environ.get("NAPARI_CONFIG") == "":
        return None
    return platformdirs.user_config_path("napari-mlpatch") / "forms.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
