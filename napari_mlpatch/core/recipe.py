"""A recipe: plain JSON that says how a picture was made, and is enough to make it again."""

from __future__ import annotations

import functools
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .arguments import instance
from .declare import build, describe, explain
from .errors import InputError
from .method import Method
from .problem import Problem
from .registry import methods

__all__ = ["Data", "Description", "Network", "Recipe", "Start", "build", "describe"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Description(_Strict):
    """A declared thing by its registered name and parameters."""

    name: str
    params: dict[str, Any] = Field(default_factory=dict)


class Data(_Strict):
    """Where the measurement came from, and its fingerprint."""

    source: dict[str, Any]
    sha256: str
    noise_std: float | None = None


class Network(Description):
    """What tensors are made into: the architecture, and whether it works on normalised pictures."""

    normalise: bool = True


class Start(_Strict):
    """The picture that the iterations begin with: its fingerprint, and where it is found again.

    ``recipe`` makes it, ``path`` is a file that holds it; with neither, it was only in the memory of a program.
    """

    sha256: str
    recipe: Recipe | None = None
    path: str | None = None


class Recipe(_Strict):
    """Operator, noise, method, parameters, weights, data, seed, device and versions of one result.

    ``weights`` is the SHA-256 of their tensors, or ``python:`` and the name of a callable: such a recipe cannot be
    replayed. ``network`` is what the tensors were made into, as their card said; a run fills it in, or checks it.
    ``stopped_at`` is the iteration at which the user stopped it, where that was before the method's own end.
    ``start`` is the picture that the iterations begin with, where that is another than the method's own.
    """

    format: Literal["napari-mlpatch recipe 1"] = "napari-mlpatch recipe 1"
    operator: Description
    noise: Description | None = None
    method: Description
    weights: str | None = None
    network: Network | None = None
    data: Data
    seed: int = Field(default=0, ge=0, lt=2**63)
    device: str = "cpu"
    stopped_at: int | None = None
    start: Start | None = None
    versions: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def of(
        cls,
        problem: Problem,
        method: Method,
        *,
        weights: str | None = None,
        seed: int = 0,
        device: str = "cpu",
        start: Start | None = None,
    ) -> Recipe:
        """The recipe of running this method on this problem. Raises InputError for an impossible seed."""
        instance(problem, Problem, "The problem")
        instance(method, Method, "The method")
        return cls(
            operator=Description(**describe(problem.A)),
            noise=None if problem.noise is None else Description(**describe(problem.noise)),
            method=Description(**describe(method)),
            weights=weights,
            data=Data(source=problem.source, sha256=problem.fingerprint, noise_std=problem.noise_std),
            seed=seed,
            device=device,
            start=start,
            versions=installed_versions(),
        )

    def __init__(self, **values: Any):
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(f"The recipe cannot be used: {explain(error)}") from None

    @classmethod
    def from_json(cls, text: str | dict[str, Any]) -> Recipe:
        """Read a recipe. Raises InputError for text that is no recipe, unknown keys and wrong values."""
        try:
            values = json.loads(text) if isinstance(text, str) else text
        except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, nests of brackets
            raise InputError(f"This is not a recipe: the JSON breaks off or is malformed ({error}).") from None
        if isinstance(values, dict) and str(values.get("format", "")).startswith("napari-mlpatch stack recipe"):
            raise InputError(
                "This is the recipe of slices of a stack, with their care. Make them again with: mlpatch batch run "
                "THIS STACK --out NAME."
            )
        if not isinstance(values, dict) or "method" not in values:
            raise InputError("This is not a recipe: it has no 'method'. A recipe comes from a result of the workbench.")
        if not all(isinstance(name, str) for name in values):
            raise InputError("This is not a recipe: its keys are texts.")
        return cls(**values)

    def located(self, source: dict[str, Any]) -> Recipe:
        """The recipe with another place of its data, also for the picture that it starts from, if that is of them."""
        changed: dict[str, Any] = {"data": self.data.model_copy(update={"source": source})}
        first = None if self.start is None else self.start.recipe
        if self.start is not None and first is not None and first.data.sha256 == self.data.sha256:
            changed["start"] = self.start.model_copy(update={"recipe": first.located(source)})
        return self.model_copy(update=changed)

    def to_json(self) -> str:
        return self.model_dump_json(indent=2)

    def build_method(self) -> Method:
        """The method with its parameters. Raises InputError where they are unknown or impossible."""
        return build(methods, self.method.model_dump())


def installed_versions() -> dict[str, str]:
    """Versions of what a result's numbers depend on."""
    names = ("napari-mlpatch", "torch", "numpy", "scipy")
    return {"python": platform.python_version(), **{name: _version(name) for name in names}}


@functools.cache  # it reads a file
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
