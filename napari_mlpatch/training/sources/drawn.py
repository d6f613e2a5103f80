"""Images that are drawn once, before the training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.budget import reserve
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import sources

from ..pictures import Pictures
from ..synthetic import draw
from .source import Source, enough, source_of

SEED = 2**31


@dataclass(frozen=True, config=CONFIG)
class Drawn(Source):
    """Images that are drawn, with values in 0..1: no data needed."""

    count: Annotated[int, Field(ge=1, le=100_000, description="so many images are drawn")] = 200
    size: Annotated[int, Field(ge=16, le=4096, description="rows and columns of an image")] = 128
    colours: Annotated[Literal[1, 3], Field(description="1: grey, 3: red, green and blue")] = 1
    hold_out: Annotated[int, Field(ge=0, description="so many images at the end are for validation only")] = 10

    def open(self, root: Path, device: torch.device) -> tuple[Pictures, Pictures | None]:
        values = self.count * self.colours * self.size**2
        reserve(8 * values, f"{self.count} images of {self.size} x {self.size} pixels", "Draw fewer, or smaller ones.")
        images = draw(self.name, self.count, self.size, self.colours, seed=SEED)
        enough(len(images), self.hold_out)
        count = len(images) - self.hold_out
        return Pictures(images[:count], device), Pictures(images[count:], device) if self.hold_out else None

    @property
    def words(self) -> str:
        return f"{self.count} synthetic images ({self.name}) of {self.size} x {self.size} pixels"


@sources.register("ellipses", title="Drawn: ellipses")
@dataclass(frozen=True, config=CONFIG)
class Ellipses(Drawn):
    """Bodies with organs: a large ellipse, smaller ones of other densities inside, and small inserts."""


@sources.register("dead-leaves", title="Drawn: dead leaves")
@dataclass(frozen=True, config=CONFIG)
class DeadLeaves(Drawn):
    """Discs that cover each other, of all sizes: statistics of photographs (Lee, Mumford & Huang 2001)."""


@sources.register("log-normal", title="Drawn: log-normal fields")
@dataclass(frozen=True, config=CONFIG)
class LogNormal(Drawn):
    """exp of Gaussian random fields with power-law spectra: like maps of projected mass."""


def Synthetic(kind: str, **params: Any) -> Source:
    """The drawn source of this kind: "ellipses", "dead-leaves" or "log-normal"."""
    return source_of({"kind": kind, **params})
