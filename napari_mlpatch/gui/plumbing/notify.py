"""Messages to the user, through napari's notifications; the same one is not piled upon itself."""

from __future__ import annotations

import time
from collections.abc import Callable

from napari.utils import notifications

from napari_mlpatch.workbench.said import said

ON_SHOW_SECONDS = 4.0
"""So long napari shows a notification."""
_shown: dict[tuple[str, str], float] = {}


def show_error(text: str) -> None:
    _once("error", text, notifications.show_error)


def show_warning(text: str) -> None:
    _once("warning", text, notifications.show_warning)


def show_info(text: str) -> None:
    _once("info", text, notifications.show_info)


def _once(kind: str, text: str, show: Callable[[str], None]) -> None:
    """Show it, unless the same text is still on show."""
    text, now = said(text), time.monotonic()
    for key in [key for key, then in _shown.items() if now - then >= ON_SHOW_SECONDS]:
        del _shown[key]
    if (kind, text) not in _shown:
        _shown[kind, text] = now
        show(text)
