"""A training recipe: plain JSON that says how weights are made."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, ValidationError, model_validator

from napari_mlpatch.core.declare import describe, explain, parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import read_text
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.core.registry import tasks

from .sources import Source, description_of, source_of
from .tasks import Denoise, Task, task_of


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True)


class TrainingRecipe(_Strict):
    """How a network is trained: ``task`` says what it learns, ``data`` from which images.

    A step reads ``images`` images. Fields of the task may also stand beside ``task``, as in recipes of older versions,
    which had no task but denoising.
    """

    format: Literal["napari-mlpatch training 1"] = "napari-mlpatch training 1"
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    title: str
    network: Description
    task: Annotated[Task, PlainValidator(task_of), PlainSerializer(describe)] = Field(default_factory=Denoise)
    data: Annotated[Source, PlainValidator(source_of), PlainSerializer(description_of)]
    steps: Annotated[int, Field(ge=1, lt=2**31)] = 20_000
    minutes: Annotated[float, Field(ge=1e-3, le=1e5)] | None = None
    """The training ends, with its weights written, when so many minutes or all steps are over, whichever is first."""
    images: Annotated[int, Field(ge=1, le=2**20)] = 64
    lr: Annotated[float, Field(gt=0, le=1e3)] = 1e-3
    warmup: Annotated[int, Field(ge=0, lt=2**31)] = 200
    clip: Annotated[float, Field(gt=0)] = 1.0
    """Largest norm of a gradient."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay of the averaged weights, which are the ones that are kept."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    start_from: Annotated[str, Field(min_length=1)] | None = None
    """Weights to begin with, instead of random ones: their name, hash, or the path of their .safetensors file."""
    device: str = "cpu"
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    """In the network, never in operators; "auto": see ``denoisers.precision.for_training``."""
    graph: bool = True
    """On a GPU, capture a step as a CUDA graph where that is possible: one launch instead of thousands."""
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """At most; there are never more of them than cores."""
    validate_every: Annotated[int, Field(ge=1)] = 1000
    checkpoint_minutes: Annotated[float, Field(gt=0)] = 2.0
    store: Literal["float32", "float16"] = "float32"
    """Numbers in the file of the weights; float16 halves it, and rounds to three digits (tiny ones to 0)."""
    snapshots: Annotated[int, Field(ge=0, le=1000)] = 12
    """So many times a patch network is kept on the way, beside the checkpoint, for the patch microscope to play."""

    @model_validator(mode="before")
    @classmethod
    def _fields_of_the_task(cls, values: Any) -> Any:
        """Move what belongs to the task there."""
        if not isinstance(values, Mapping):
            return values
        task = values.get("task", "denoise")
        if isinstance(task, Task):
            task = describe(task)
        made = {"name": task} if isinstance(task, str) else dict(task) if isinstance(task, Mapping) else {}
        params = made.get("params", {})
        if not isinstance(made.get("name"), str) or not isinstance(params, Mapping):
            return values  # which is refused by the field
        own = {p.name for p in parameters(tasks.get(made["name"]))} - cls.model_fields.keys()
        beside = {name: value for name, value in values.items() if name in own}
        if not beside:
            return values
        left = {name: value for name, value in values.items() if name not in own}
        return left | {"task": made | {"params": {**params, **beside}}}

    def __init__(self, **values: Any):
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(f"The training recipe cannot be used: {explain(error)}") from None

    @classmethod
    def from_json(cls, text: str | dict[str, Any]) -> TrainingRecipe:
        """Raises InputError for text that is no training recipe, unknown keys and wrong values."""
        try:
            values = json.loads(text) if isinstance(text, str) else text
        except (ValueError, RecursionError) as error:
            raise InputError(f"This is not a training recipe: the JSON is malformed ({error}).") from None
        if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
            raise InputError(f"A training recipe is a JSON object, got {values!r:.60}.")
        return cls(**values)

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
