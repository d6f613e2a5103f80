"""Messages to the user, through napari's notifications."""

from __future__ import annotations

from napari.utils import notifications


def show_error(text: str) -> None:
    notifications.show_error(text)


def show_warning(text: str) -> None:
    notifications.show_warning(text)


def show_info(text: str) -> None:
    notifications.show_info(text)
