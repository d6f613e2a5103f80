"""A benchmark as plain JSON: which images are measured how, with which noise, and what reconstructs them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from napari_mlpatch.core.declare import build, explain, parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of, read_text
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.core.registry import methods, noises, operators

FORMAT = "napari-mlpatch benchmark 1"
EXAMPLE: dict[str, Any] = {
    "format": FORMAT,
    "title": "CT with 30 angles and 2 % noise",
    "images": [
        {"kind": "sample", "name": "shepp-logan", "options": {"size": 96}},
        {"kind": "sample", "name": "body-slice", "options": {"size": 96}},
    ],
    "operator": {"name": "parallel-beam", "params": {"angles_deg": "0:180:30"}},
    "noise": {"name": "gaussian", "params": {"relative": 0.02}},
    "seeds": [0, 1],
    "methods": [
        {"name": "fbp", "params": {"window": "hann"}, "label": "FBP, Hann"},
        {"name": "tikhonov"},
        {"name": "tv", "params": {"iterations": 60}},
        {"name": "pnp-admm", "params": {"denoiser": "wavelets", "iterations": 20}, "label": "PnP-ADMM, wavelets"},
    ],
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entrant(_Strict):
    """A method with its parameters and, by name, hash or file, the weights that it runs with."""

    name: str
    params: dict[str, Any] = Field(default_factory=dict)
    weights: str | None = None
    label: str = ""

    @property
    def title(self) -> str:
        """Its label, or else its name, weights and parameters."""
        words = [Path(self.weights).stem if self.weights else ""]
        words += [f"{key}={value}" for key, value in self.params.items()]
        told = ", ".join(filter(None, words))
        return self.label or (f"{self.name} ({told})" if told else self.name)


class BenchmarkRecipe(_Strict):
    """``images`` x ``operator`` x ``noise`` with each of the ``seeds`` x ``methods``.

    An image is ``{"kind": "sample", "name": ...}`` or ``{"kind": "file", "path": ...}``, both with ``"options":
    {"size": n}`` where its longer side is to have n pixels. What the operator's parameters leave open fits the image.
    """

    format: Literal["napari-mlpatch benchmark 1"] = FORMAT
    title: str = "Benchmark"
    images: Annotated[tuple[dict[str, Any], ...], Field(min_length=1, max_length=10_000)]
    operator: Description
    noise: Description | None = None
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**63)], ...], Field(min_length=1, max_length=10_000)] = (0,)
    methods: Annotated[tuple[Entrant, ...], Field(min_length=1, max_length=1000)]
    device: str = "cpu"

    @field_validator("seeds", "methods")
    @classmethod
    def _each_once(cls, given: tuple) -> tuple:
        names = [one.title if isinstance(one, Entrant) else one for one in given]
        again = next((name for name in names if names.count(name) > 1), None)
        if again is not None:
            raise ValueError(f"{again!r} is there twice: each is to be there once (methods may have a label)")
        return given

    def __init__(self, **values: Any):
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(f"The recipe of the benchmark cannot be used: {explain(error)}") from None

    @property
    def count(self) -> int:
        """How many reconstructions it is."""
        return len(self.images) * len(self.seeds) * len(self.methods)

    def check(self) -> None:
        """Raises InputError for unknown operators, noise models and parameters; methods that cannot be made have that
        said in their rows."""
        cls = operators.get(self.operator.name)
        known = [p.name for p in parameters(cls)]
        unknown = sorted(set(self.operator.params) - set(known))
        if unknown:
            raise InputError(f"The operator {cls.name!r} has no {', '.join(unknown)}. It has: {', '.join(known)}.")
        if self.noise is not None:
            build(noises, self.noise.model_dump())
        for entrant in self.methods:
            methods.get(entrant.name)


def read_benchmark(path: str | os.PathLike[str]) -> BenchmarkRecipe:
    """Read a recipe; names of files in it start at its own folder. Raises InputError."""
    where = path_of(path, "The recipe of the benchmark")
    try:
        values = json.loads(read_text(where, "The recipe of the benchmark"))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where} is not a recipe of a benchmark: the JSON is malformed ({error}).") from None
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values) or "images" not in values:
        raise InputError(f"{where} is not a recipe of a benchmark: `mlpatch batch compare --example` prints one.")
    recipe = BenchmarkRecipe(**values)
    images = [_beside(image, where.parent) for image in recipe.images]
    entrants = [
        one.model_copy(update={"weights": _file(one.weights, where.parent)}) if one.weights else one
        for one in recipe.methods
    ]
    found = recipe.model_copy(update={"images": tuple(images), "methods": tuple(entrants)})
    found.check()
    return found


def _beside(image: dict[str, Any], folder: Path) -> dict[str, Any]:
    name = image.get("path")
    return image | {"path": str(folder / Path(name).expanduser())} if isinstance(name, str) and name else image


def _file(weights: str, folder: Path) -> str:
    """A file of weights beside the recipe; a name otherwise."""
    beside = folder / weights
    return str(beside) if weights.endswith(".safetensors") and beside.is_file() else weights
