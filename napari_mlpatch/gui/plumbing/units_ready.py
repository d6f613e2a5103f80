"""Units are known before the first picture comes: pint reads its definitions of them beside the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pint

from napari_mlpatch.workbench import threads

LAZY: Any = getattr(pint, "LazyRegistry", None)
"""What pint's registry is until somebody asks for a unit."""


def read_units(post: Callable[[Callable[[], None]], None], then: Callable[[], None] = lambda: None) -> None:
    """Read them, unless that has been done, and call ``then``; ``post`` hands a function to the window's thread.

    napari asks for a unit with its first layer, and pint then keeps the window from answering for a fifth of a second.
    """
    if not _is_unread():
        then()
        return

    def come(registry: Any) -> None:
        _take(registry)
        then()

    def work() -> None:
        registry = pint.UnitRegistry(on_redefinition="raise")  # as pint makes its own
        post(lambda: come(registry))

    threads.start("mlpatch-units", work, lambda: None)


def _is_unread() -> bool:
    """Of a registry that has been read there may be units already, which do not mix with those of another."""
    return LAZY is not None and type(pint.get_application_registry().get()) is LAZY


def _take(registry: Any) -> None:
    if _is_unread():
        pint.set_application_registry(registry)
