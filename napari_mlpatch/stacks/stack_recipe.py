"""The recipe of a stack: that of one slice, and what the other slices need beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_mlpatch.core.declare import explain
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Description, Recipe

from .care.step import Step, built


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Center(_Strict):
    """Bin of the rotation axis of each slice.

    One value for all ("same"), two for the first and the last slice of the source and linear in between ("linear"), or
    one for each slice of the source ("listed").
    """

    kind: Literal["same", "linear", "listed"] = "same"
    values: tuple[float, ...]

    def __init__(self, **values: Any):
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(f"The centre cannot be used: {explain(error)}") from None

    @model_validator(mode="after")
    def _enough(self) -> Center:
        wanted = {"same": 1, "linear": 2}.get(self.kind, len(self.values))
        if len(self.values) != wanted or not self.values:
            raise ValueError(f"the centre {self.kind!r} takes {wanted or 'some'} value(s), got {len(self.values)}")
        return self

    def of(self, start: int, stop: int, count: int) -> np.ndarray:
        """``[stop - start]``, of a stack of ``count`` slices. Raises InputError where a list is too short or long."""
        if self.kind == "linear":
            first, last = self.values
            return first + (last - first) * np.arange(start, stop) / max(count - 1, 1)
        if self.kind == "listed" and len(self.values) != count:
            raise InputError(f"There are {len(self.values)} centres for {count} slices. Give one for each slice.")
        return np.array(self.values[start:stop] if self.kind == "listed" else self.values * (stop - start), float)


class StackRecipe(_Strict):
    """How all slices of a stack are reconstructed: plain JSON.

    ``recipe`` is that of the slice on which everything was tuned; of its data the options of reading hold for all.
    ``care`` are the steps of sinogram care in their order. ``center``: None is the recipe's. ``slices``: the first, and
    the one after the last, None: all. ``block``: slices that are computed at a time, None: as many as fit; a run
    settles it, for it is what makes the result the same to the bit when it is continued.
    """

    format: Literal["napari-mlpatch stack recipe 1"] = "napari-mlpatch stack recipe 1"
    recipe: Recipe
    care: tuple[Description, ...] = ()
    center: Center | None = None
    slices: tuple[int, int] | None = None
    block: int | None = Field(default=None, ge=1)

    def __init__(self, **values: Any):
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(f"The recipe of the stack cannot be used: {explain(error)}") from None
        if self.recipe.start is not None:
            raise InputError(
                "The recipe starts from a picture of its own slice, which is no beginning for the others. Run the "
                "method without a start, and take that recipe."
            )
        built(self._care())

    @classmethod
    def from_json(cls, text: str) -> StackRecipe:
        """A stack's recipe, or that of one slice as one. Raises InputError for other texts."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"This is not a recipe: the JSON breaks off or is malformed ({error}).") from None
        if isinstance(values, dict) and "recipe" in values and "format" in values:
            inner = values.pop("recipe")
            return cls(recipe=Recipe.from_json(inner), **values)
        return cls(recipe=Recipe.from_json(values))

    def to_json(self) -> str:
        return self.model_dump_json(indent=2)

    def of_slice(self, index: int) -> dict[str, Any]:
        """Plain JSON of how this slice alone is made, with its care, for the picture of it."""
        return json.loads(self.model_copy(update={"slices": (index, index + 1), "block": None}).to_json())

    def steps(self) -> tuple[Step, ...]:
        return built(self._care())

    def _care(self) -> Sequence[dict[str, Any]]:
        return [one.model_dump() for one in self.care]

    def range(self, count: int) -> tuple[int, int]:
        """First slice and the one after the last, of a source of ``count``. Raises InputError where they are not."""
        first, last = self.slices or (0, count)
        if not 0 <= first < last <= count:
            raise InputError(f"The slices {first} to {last} are asked for, of a stack that has 0 to {count}.")
        return first, last

    def identity(self, fingerprint: str) -> str:
        """SHA-256 of all that decides the numbers: recipe, blocks, and the data by their ``fingerprint``.

        Where the data lie, what they were tuned on and which versions of libraries are there does not count.
        """
        plain = json.loads(self.model_dump_json())
        inner = plain["recipe"]
        data = inner.pop("data")
        inner.pop("versions")
        options = {k: v for k, v in data["source"].get("options", {}).items() if k != "slice"}
        told = [plain, options, data["noise_std"], fingerprint]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
