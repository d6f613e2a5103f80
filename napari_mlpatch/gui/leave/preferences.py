"""What napari's Preferences say of this plugin: device, threads, memory, folders."""

from __future__ import annotations

import os
from typing import Any

from napari_mlpatch.core.budget import VARIABLE as MEMORY
from napari_mlpatch.weights.zoo import VARIABLE as WEIGHTS
from napari_mlpatch.workbench import threads
from napari_mlpatch.workbench.workbench import Workbench

NAME = "napari-mlpatch"
_ours: dict[str, str] = {}
"""Variables of the environment that were set from here. Those that a person has set go before the Preferences."""


def follow_preferences(workbench: Workbench) -> None:
    """Do what the Preferences say, now and when they change."""
    settings = _settings()
    if settings is None:  # the plugin is not installed, only imported
        return
    apply(workbench, settings)
    for part in (settings.compute, settings.folders):
        part.events.connect(lambda *_: apply(workbench, settings))


def apply(workbench: Workbench, settings: Any) -> None:
    """Device of new runs, threads of computations, memory that may be used, folder of one's own weights."""
    compute, folders = settings.compute, settings.folders
    workbench.prefer(str(compute.device))
    threads.limit(int(compute.threads))
    _set(MEMORY, f"{compute.memory_gb:g}" if compute.memory_gb > 0 else "")
    _set(WEIGHTS, str(folders.weights).strip())
    workbench.weights_changed.emit()


def _set(name: str, value: str) -> None:
    there = os.environ.get(name)
    if there and there != _ours.get(name):
        return
    if value:
        os.environ[name] = _ours[name] = value
    elif name in _ours:
        os.environ.pop(name, None)
        del _ours[name]


def _settings() -> Any:
    try:
        from napari.settings import get_plugin_settings

        return get_plugin_settings(NAME)
    except (ImportError, KeyError, ValueError):
        return None
