"""From a recipe back to what it was made from: its data, its weights, and a run that makes the picture again."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch import io, weights
from napari_mlpatch.core.declare import PYTHON, build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.events import Result
from napari_mlpatch.core.files import path_of, read_text
from napari_mlpatch.core.phrases import phrase
from napari_mlpatch.core.problem import Problem, sha256
from napari_mlpatch.core.recipe import Recipe, Start, installed_versions
from napari_mlpatch.core.registry import noises, operators
from napari_mlpatch.core.run import Done, Failed, run
from napari_mlpatch.core.start import as_batch as start_batch
from napari_mlpatch.torch_later import Tensor, torch

__all__ = [
    "as_batch",
    "execute",
    "open_problem",
    "open_start",
    "open_weights",
    "read_recipe",
    "read_start",
    "replay",
    "rerun",
]

Execute = Callable[[Recipe, Problem, Any, Tensor | None], Result]
"""Runs a recipe on its problem, with its weights and the picture to start from. Raises InputError."""

DATA, WEIGHTS = phrase(" (--data)", ""), phrase(" (--weights)", "")
GEOMETRY = ("angles_deg", "center", "image_shape", "detector_pitch", "pixel_size")
"""Parameters of an operator that are also options of reading a measurement."""


def read_recipe(path: str | os.PathLike[str]) -> tuple[Recipe, np.ndarray | None]:
    """The recipe in a ``.json`` file, or the one that a picture carries and that picture.

    Raises InputError for files that cannot be read and pictures without a recipe.
    """
    path = path_of(path, "The recipe")
    if path.suffix.lower() == ".json":
        text = read_text(path, "The recipe")
        return Recipe.from_json(_beside_npy(text) or text), None
    picture, recipe = io.read_image(path)
    if recipe is None:
        raise InputError(f"{path} carries no recipe: it was not made by this program, or was edited since.")
    return Recipe.from_json(recipe), picture


def open_problem(recipe: Recipe, data: str | os.PathLike[str] | None = None) -> Problem:
    """The problem of a recipe: from the file or sample that it names, or simulated again from its image and seed.

    ``data`` is a file to take instead: the measurement, or for simulated data also the image. Operator and noise are
    the recipe's. Raises InputError where the data are gone, or are others: their fingerprint is checked. That of
    simulated data is the image's, because the measurement may differ in its last digits on another machine.
    """
    source = recipe.data.source if data is None else _replaced(recipe, path_of(data, "The data"))
    operator = recipe.operator.model_dump()
    noise = None if recipe.noise is None else recipe.noise.model_dump()
    found = io.open_source(source, operator=operator, noise=noise)
    problem = dataclasses.replace(
        found,
        A=found.A if describe(found.A) == operator else build(operators, operator),
        noise=None if noise is None else build(noises, noise),
        noise_std=recipe.data.noise_std,
    )
    if not _same(problem, recipe):
        name = source.get("path") or source.get("name") or "the simulation"
        raise InputError(
            f"The data are not those of the recipe: {name} has another fingerprint. It was changed, or is another "
            f"measurement or slice. Name the right file{DATA}."
        )
    return problem


def open_weights(recipe: Recipe, given: str | None = None) -> weights.Weights | None:
    """The weights of a recipe; ``given`` is the file (or name) where they are to be taken from.

    Raises InputError where they are not here, or are others: their sha256 is checked.
    """
    if recipe.weights is None:
        if given is not None:
            raise InputError(f"The recipe has no weights, but {given} was given. Leave --weights out.")
        return None
    if recipe.weights.startswith(PYTHON):
        raise InputError(
            f"The network of this recipe was a Python callable, {recipe.weights.removeprefix(PYTHON)!r}, which no file "
            "holds: the picture cannot be made again from the recipe. Where the callable is, call "
            "mp.reconstruct(problem, recipe.build_method(), network)."
        )
    if given is None:
        try:
            return weights.find(recipe.weights)
        except InputError as error:
            raise InputError(f"{error} If the recipe's lie elsewhere, name their file{WEIGHTS}.") from None
    found = weights.find(given)
    if found.card.sha256 != recipe.weights:
        raise InputError(
            f"The weights {given} are not those of the recipe: their sha256 is {found.card.sha256[:12]}..., the "
            f"recipe's is {recipe.weights[:12]}.... Name the right file{WEIGHTS}."
        )
    return found


def open_start(recipe: Recipe, problem: Problem, execute: Execute) -> Tensor | None:
    """The picture that the iterations of a recipe begin with: from its file, or made again; None for their own.

    Made again on another machine, it may differ in its last digits. Raises InputError where it is gone, or another.
    """
    start = recipe.start
    if start is None:
        return None
    if start.path is not None and Path(start.path).is_file():
        x = start_batch(as_batch(io.read_image(start.path)[0], problem), problem)
        if sha256(x) == start.sha256:
            return x
        if start.recipe is None:
            raise InputError(f"{start.path} is not the picture that the recipe starts from: its fingerprint differs.")
    if start.recipe is None:
        where = "was only in the memory of a program" if start.path is None else f"is gone: {start.path}"
        raise InputError(f"The picture that the recipe starts from {where}. Put it there, or start from a result.")
    first = start.recipe
    same = first.data.sha256 == recipe.data.sha256 and first.operator == recipe.operator and first.noise == recipe.noise
    theirs = problem if same else open_problem(first)
    trained = open_weights(first) if first.build_method().needs_network else None
    again = rerun(first, theirs, device=None)
    begin = open_start(first, theirs, execute)
    return execute(with_start(again, begin), theirs, trained, begin).x


def with_start(recipe: Recipe, x: Tensor | None) -> Recipe:
    """The recipe with the fingerprint of the picture that it starts from, as it was made again here."""
    if x is None or recipe.start is None:
        return recipe
    return recipe.model_copy(update={"start": recipe.start.model_copy(update={"sha256": sha256(x)})})


def read_start(path: str | os.PathLike[str], problem: Problem) -> tuple[Tensor, Start]:
    """The picture in a file to start from, and how a recipe speaks of it: with the recipe that it carries, if any."""
    where = path_of(path, "The picture to start from")
    picture, text = io.read_image(where)
    x = start_batch(as_batch(picture, problem), problem)
    made = None if text is None else Recipe.from_json(text)
    return x, Start(sha256=sha256(x), recipe=made, path=str(where.resolve()))


def rerun(recipe: Recipe, problem: Problem, *, device: str | None = None) -> Recipe:
    """The recipe of running it again here, on this problem, on its own device or another one."""
    return recipe.model_copy(
        update={
            "data": recipe.data.model_copy(update={"source": problem.source, "sha256": problem.fingerprint}),
            "device": device or recipe.device,
            "versions": installed_versions(),
        }
    )


def replay(recipe: Recipe, *, data: str | os.PathLike[str] | None = None, device: str | None = None) -> Result:
    """Make a picture again from its recipe: its data (or those in a file), its weights, its start, its seed.

    Raises InputError where one of them is gone or is another, and what went wrong in the run.
    """
    problem = open_problem(recipe, data)
    trained = open_weights(recipe) if recipe.build_method().needs_network else None
    start = open_start(recipe, problem, execute)
    return execute(with_start(rerun(recipe, problem, device=device), start), problem, trained, start)


def execute(recipe: Recipe, problem: Problem, network: Any = None, start: Tensor | None = None) -> Result:
    for event in run(recipe, problem, network=network, start=start):
        if isinstance(event, Done):
            return event.result
        if isinstance(event, Failed):
            raise event.error
    raise AssertionError("a run without control ends in Done or Failed")


def as_batch(picture: np.ndarray | Tensor, problem: Problem) -> Tensor:
    """A picture from a file, ``[rows, columns]`` or ``[slices, rows, columns]``, as ``[B, C, *domain_shape]``.

    Raises InputError for a picture of another size and for NaN or infinite values.
    """
    x = torch.as_tensor(picture)
    wanted = (*problem.y.shape[:2], *problem.A.domain_shape)
    if x.shape[-2:] != wanted[-2:] or x.numel() != np.prod(wanted):
        raise InputError(
            f"The picture has shape {list(x.shape)}, but the problem has pictures of shape {list(wanted)}. "
            "Take the measurement that it was made from."
        )
    if not bool(torch.isfinite(x).all()):
        raise InputError("The picture holds NaN or infinite values.")
    return x.reshape(wanted)


def _beside_npy(text: str) -> dict[str, Any] | None:
    """The recipe in the ``.json`` file that lies beside an ``.npy`` picture."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return values.get("mlpatch_recipe") if isinstance(values, dict) else None


def _replaced(recipe: Recipe, path: Path) -> dict[str, Any]:
    """The recipe's source with another file in the place of its data."""
    source = recipe.data.source
    kind = source.get("kind")
    if kind == "simulated" and path.suffix.lower() not in (".h5", ".hdf5"):
        image = source.get("image")
        options = image.get("options", {}) if isinstance(image, Mapping) else {}
        return source | {"image": {"kind": "file", "path": str(path), "options": options}}
    options = source.get("options", {}) if kind in ("file", "sample") else {}
    if kind == "memory":
        params = recipe.operator.params
        options = {key: params[key] for key in GEOMETRY if params.get(key) is not None}
    return {"kind": "file", "path": str(path), "options": options}


def _same(problem: Problem, recipe: Recipe) -> bool:
    if problem.fingerprint == recipe.data.sha256:
        return True
    image = recipe.data.source.get("image_sha256")
    return image is not None and problem.source.get("image_sha256") == image
