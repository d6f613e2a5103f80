"""Dialogs that open where the last one of their kind has ended."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from .memory import memory


def ask_file(parent: QWidget | None, kind: str, title: str, filters: str) -> str:
    """A file to open; empty where none was chosen."""
    path, _ = QFileDialog.getOpenFileName(parent, title, _folder(kind), filters)
    return _note(kind, path)


def ask_files(parent: QWidget | None, kind: str, title: str, filters: str = "") -> list[str]:
    """Files to open."""
    paths, _ = QFileDialog.getOpenFileNames(parent, title, _folder(kind), filters)
    _note(kind, paths[0] if paths else "")
    return paths


def ask_folder(parent: QWidget | None, kind: str, title: str) -> str:
    """A folder; empty where none was chosen."""
    path = QFileDialog.getExistingDirectory(parent, title, _folder(kind))
    if path:
        memory().put(path, "folders", kind)
    return path


def ask_target(parent: QWidget | None, kind: str, title: str, name: str, filters: str = "") -> str:
    """Where to write a file that is called ``name`` by default; empty where nothing was chosen."""
    return ask_target_as(parent, kind, title, name, filters)[0]


def ask_target_as(
    parent: QWidget | None, kind: str, title: str, name: str, filters: str, first: str = ""
) -> tuple[str, str]:
    """The same, and which of the ``filters`` was chosen; ``first`` is the one to begin with."""
    folder = _folder(kind)
    where = str(Path(folder) / name) if folder else name
    path, chosen = QFileDialog.getSaveFileName(parent, title, where, filters, first)
    return _note(kind, path), chosen


def _folder(kind: str) -> str:
    folder = memory().text("folders", kind)
    try:
        return folder if folder and Path(folder).is_dir() else ""
    except (OSError, ValueError):
        return ""


def _note(kind: str, path: str) -> str:
    if path:
        memory().put(str(Path(path).parent), "folders", kind)
    return path
