"""What an image source is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from pydantic import TypeAdapter
from torch import Tensor

from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import sources
from napari_mlpatch.core.words import count_of, short


class Images(Protocol):
    """What trainings read: images ``[C, rows, columns]`` that are kept, or drawn anew each time."""

    channels: int
    smallest: int
    """Of the numbers of rows and of columns."""

    def crops(self, images: int, size: int | tuple[int, int], random: torch.Generator) -> Tensor:
        """A random crop of each of ``images`` random images: ``[images, C, *size]``."""
        ...

    def neighbourhoods(self, images: int, pixels: int, radius: int, random: torch.Generator) -> Tensor:
        """What is around random pixels of random images: ``[images · pixels, C, n, n]``, n = 2 radius + 1."""
        ...


class Source:
    """Base of all image sources: a frozen pydantic dataclass under ``@sources.register``.

    In a recipe it is ``{"kind": NAME, ...}`` with its fields.
    """

    name: str
    title: str

    def open(self, root: Path, device: torch.device) -> tuple[Any, Any]:
        """What is trained on, and what is held out for validation (``Pictures``, or None); paths start at ``root``.

        Raises InputError for missing and unreadable files, and if nothing is left.
        """
        raise NotImplementedError

    @property
    def kind(self) -> str:
        return self.name

    @property
    def words(self) -> str:
        """What was trained on, for the card of the weights."""
        return self.title

    @property
    def terms(self) -> str:
        """The licence of the data."""
        return "none needed"


def source_of(value: Any) -> Source:
    """A source, or the one that its description stands for. Raises InputError."""
    if isinstance(value, Source):
        return value
    if not isinstance(value, Mapping) or not isinstance(value.get("kind"), str):
        raise InputError(f'Images are described by {{"kind": ..., ...}}, got {short(value)}.')
    params = {name: part for name, part in value.items() if name != "kind"}
    return build(sources, {"name": value["kind"], "params": params})


def description_of(source: Source) -> dict[str, Any]:
    """The inverse of ``source_of``, as plain JSON."""
    return {"kind": source.name} | TypeAdapter(type(source)).dump_python(source, mode="json")


def enough(count: int, hold_out: int) -> None:
    """Raises InputError where nothing is left to train on."""
    if count <= hold_out:
        raise InputError(
            f"The data are {count_of(count, 'image')}, of which {hold_out} are to be held out: none is left to train "
            "on. Lower hold_out or add images."
        )
