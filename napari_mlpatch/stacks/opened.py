"""The output of a run over a stack, opened while it grows or later: nothing of it is read before it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_mlpatch.core.errors import InputError

from .planes import Planes
from .sinks import sink_for
from .stack_recipe import StackRecipe


@dataclass(frozen=True)
class Opened:
    """A volume ``[slices, rows, columns]``: ``levels``, the finest first, each half as large as the one before.

    ``spacing`` is that of its axes in ``unit`` ("" where unknown). ``first`` is the number of its first slice in the
    stack. What is not there yet reads as 0, as long as it is not ``complete``.
    """

    path: Path
    levels: tuple[Planes, ...]
    spacing: tuple[float, float, float]
    unit: str
    complete: bool
    about: dict[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.levels[0].shape

    @property
    def recipe(self) -> StackRecipe:
        """How it was made. Raises InputError where that cannot be read."""
        import json

        return StackRecipe.from_json(json.dumps(self.about.get("recipe")))

    @property
    def source(self) -> str:
        """Where the stack lay that it was made from."""
        return str(self.about.get("source", {}).get("path", ""))

    @property
    def first(self) -> int:
        return (self.about.get("recipe", {}).get("slices") or (0,))[0]


def is_volume(path: Any) -> bool:
    """Whether such a run has written this file or folder; reads its notes only."""
    try:
        return sink_for(path).about() is not None
    except InputError:
        return False


def open_volume(path: Any) -> Opened:
    """Raises InputError where it is no output of such a run, or is damaged."""
    sink = sink_for(path)
    about = sink.about()
    if about is None:
        raise InputError(f"{sink.path} is no volume that a run over a stack has written.")
    try:
        spacing = tuple(map(float, about["spacing"]))
        levels = sink.levels(about)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InputError(f"{sink.path} is damaged: {error!r}. Take it away, and run the stack again.") from None
    return Opened(sink.path, levels, spacing, about.get("unit", ""), bool(about.get("complete")), about)  # type: ignore
