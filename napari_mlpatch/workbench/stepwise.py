"""A long computation off the GUI thread that lets others have their turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .jobs import Latest


def stepwise(
    quick: Latest,
    key: str,
    steps: Callable[[], Iterator[Any]],
    each: Callable[[Any], None],
    done: Callable[[], None],
    failed: Callable[[Exception], None],
) -> None:
    """Run a generator step by step; what it yields goes to the GUI thread, which asks for the next step.

    A newer call of the same key ends it after the present step, as does ``stop``; it is then closed.
    """
    stop(quick, key)
    running = quick.running[key] = []
    end = object()

    def step() -> Any:
        if not running:
            running.append(steps())
        return next(running[0], end)

    def show(item: Any) -> None:
        if item is end:
            done()
            return
        quick.call(key, step, show, failed)  # first, so that ``each`` can stop it
        each(item)

    quick.call(key, step, show, failed)


def stop(quick: Latest, key: str) -> None:
    """End what runs under this key; neither ``done`` nor ``failed`` will be called."""
    quick.call(key, lambda: None, lambda _: None, lambda _: None)
    quick.ended.append(quick.running.pop(key, []))

    def close() -> None:
        while quick.ended:
            for generator in quick.ended.pop():
                generator.close()

    quick.call("close", close, lambda _: None, lambda _: None)
