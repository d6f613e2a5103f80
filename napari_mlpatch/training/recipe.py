"""A training recipe: plain JSON that says how weights are made."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_mlpatch.core.declare import explain
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import read_text
from napari_mlpatch.core.recipe import Description


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Files(_Strict):
    """Images from files: folders (all their pictures, in the order of their names), stacks in .npz, single files.

    ``low`` and ``high`` are taken to 0 and 1, what lies beyond is clipped; without them, integers are divided by
    their type's largest value and real numbers are kept. Of ``colours`` = 1, colour becomes grey.
    """

    kind: Literal["files"] = "files"
    paths: Annotated[tuple[str, ...], Field(min_length=1)]
    low: float | None = None
    high: float | None = None
    colours: Literal[1, 3] = 1
    hold_out: Annotated[int, Field(ge=0)] = 10
    """So many images at the end are for validation only."""
    about: str = ""
    licence: str = ""

    @model_validator(mode="after")
    def _range(self) -> Files:
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high are given both or not at all")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"low must be less than high, got {self.low} and {self.high}")
        return self


class Synthetic(_Strict):
    """Images that are drawn, with values in 0..1: no data needed."""

    kind: Literal["ellipses", "dead-leaves", "log-normal"]
    count: Annotated[int, Field(ge=1, le=100_000)] = 200
    size: Annotated[int, Field(ge=16, le=4096)] = 128
    colours: Literal[1, 3] = 1
    hold_out: Annotated[int, Field(ge=0)] = 10


class TrainingRecipe(_Strict):
    """How a denoiser is trained. Lengths are in pixels, noise levels in the units of the images.

    A step reads ``images`` images, ``pixels`` random pixels of each for a patch network, a random crop of ``crop``
    pixels for a convolutional one, and adds fresh noise of a random level within ``sigma`` to each.
    """

    format: Literal["napari-mlpatch training 1"] = "napari-mlpatch training 1"
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    title: str
    network: Description
    data: Files | Synthetic
    sigma: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]] = (0.0, 0.3)
    loss: Literal["l1", "l2"] = "l2"
    balance: bool = True
    """Divide the error of an image by its noise level, so that low noise counts as much as high."""
    steps: Annotated[int, Field(ge=1, lt=2**31)] = 20_000
    images: Annotated[int, Field(ge=1, le=2**20)] = 64
    pixels: Annotated[int, Field(ge=1, le=2**24)] = 512
    part: Annotated[int, Field(ge=1, lt=2**31)] | None = 16384
    """So many pixels at a time are differentiated, which bounds the memory and changes nothing else; None: all."""
    crop: Annotated[int, Field(ge=8, le=32768)] = 64
    augment: bool = True
    """Random flips and transpositions."""
    lr: Annotated[float, Field(gt=0, le=1e3)] = 1e-3
    warmup: Annotated[int, Field(ge=0, lt=2**31)] = 200
    clip: Annotated[float, Field(gt=0)] = 1.0
    """Largest norm of a gradient."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay of the averaged weights, which are the ones that are kept."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    device: str = "cpu"
    precision: Literal["float32", "bfloat16"] = "float32"
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """At most; there are never more of them than cores."""
    validate_every: Annotated[int, Field(ge=1)] = 1000
    validation_sigmas: tuple[Annotated[float, Field(gt=0)], ...] = (15 / 255, 25 / 255, 50 / 255, 0.15)
    checkpoint_minutes: Annotated[float, Field(gt=0)] = 2.0
    store: Literal["float32", "float16"] = "float32"
    """Numbers in the file of the weights; float16 halves it, and rounds to three digits (tiny ones to 0)."""
    snapshots: Annotated[int, Field(ge=0, le=1000)] = 12
    """So many times a patch network is kept on the way, beside the checkpoint, for the patch microscope to play."""

    @model_validator(mode="after")
    def _levels(self) -> TrainingRecipe:
        if not self.sigma[0] <= self.sigma[1]:
            raise ValueError(f"sigma is a range, lowest first, got {list(self.sigma)}")
        return self

    @classmethod
    def from_json(cls, text: str | dict[str, Any]) -> TrainingRecipe:
        """Raises InputError for text that is no training recipe, unknown keys and wrong values."""
        try:
            return cls.model_validate(json.loads(text) if isinstance(text, str) else text)
        except ValidationError as error:
            raise InputError(f"The training recipe cannot be used: {explain(error)}") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"This is not a training recipe: the JSON is malformed ({error}).") from None

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> TrainingRecipe:
        """The recipe in a file. Raises InputError, with the file's name."""
        text = read_text(path, "The training recipe")
        try:
            return cls.from_json(text)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    def to_json(self) -> str:
        return self.model_dump_json(indent=2)
