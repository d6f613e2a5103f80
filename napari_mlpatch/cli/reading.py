"""Options that say how a measurement file is to be read, and the reading itself."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.declare import parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.options import LoadOptions, ProblemOptions, flag, metavar, names
from napari_mlpatch.torch_later import torch

from .output import say
from .output import shape as sizes_of
from .settings import shape

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem

SAMPLE = "sample:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One option for each of ``LoadOptions`` and ``ProblemOptions``; what is left out stays as the file says."""
    group = parser.add_argument_group("reading the measurement")
    for parameter in (*parameters(ProblemOptions), *parameters(LoadOptions)):
        how: dict[str, Any] = {"dest": parameter.name, "help": parameter.description, "default": None}
        if parameter.kind == "bool":
            how["action"] = argparse.BooleanOptionalAction if parameter.optional else "store_true"
        elif parameter.choices:
            how["choices"] = parameter.choices
        else:
            how |= {"type": TYPES.get(parameter.name, parameter.type), "metavar": metavar(parameter.name)}
        group.add_argument(flag(parameter.name), **how)


def read(name: str, args: argparse.Namespace) -> Problem:
    """The problem in a file, or of a sample (``sample:NAME``), with what was found told on standard error."""
    from napari_mlpatch import io

    loading, options = (
        {key: getattr(args, key) for key in names(declaration) if getattr(args, key) is not None}
        for declaration in (LoadOptions, ProblemOptions)
    )
    if name.startswith(SAMPLE):
        if loading:
            raise InputError(f"A sample needs no {' or '.join(flag(key) for key in loading)}.")
        sample = name.removeprefix(SAMPLE)
        problem = io.samples.problem(sample, **options)
        found = None if sample in io.simulations.names() else io.samples.measurement(sample)
    else:
        found = io.load(name, **loading)
        problem = found.problem(**options)
    chosen = [f"{key} = {value}" for key, value in problem.source.get("options", {}).items()]
    axis = _axis(problem, guessed=found is not None and not found.is_complete)
    sizes = f"image {sizes_of(problem.A.domain_shape)}, data {sizes_of(problem.y.shape)}"
    say(f"{name}:")
    notes = dict.fromkeys((*(found.notes if found else ()), *problem.notes))
    for note in (*notes, *chosen, sizes, *axis, *problem.remarks):
        say(f"  {note}")
    return problem


def _axis(problem: Problem, guessed: bool) -> list[str]:
    """Where the axis of rotation is, for operators that have one; whether nobody has said so."""
    A: Any = problem.A
    if not hasattr(A, "center"):
        return []
    if A.center is None:
        return ["the axis of rotation is taken to be in the middle of the detector: --center auto finds it"] * guessed
    return [f"centre {A.center:.2f}"]


def with_truth(problem: Problem, path: str) -> Problem:
    """The same problem with the true image from a file; of a fastMRI file the scanner's picture of the same slice."""
    from napari_mlpatch import io

    return dataclasses.replace(problem, truth=torch.from_numpy(io.read_truth(path, problem.source)))


def _number_or(word: str, convert: type = float) -> Any:
    def parse(text: str) -> Any:
        return word if text == word else convert(text)

    parse.__name__ = f"number or {word!r}"  # argparse names the type in its message
    return parse


def _number_or_path(text: str) -> float | Path:
    try:
        return float(text)
    except ValueError:
        return Path(text)


def _shape(text: str) -> tuple[int, ...]:
    try:
        return shape(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


TYPES: dict[str, Any] = {
    "angles_deg": str,
    "center": _number_or("auto"),
    "slice": _number_or("all", int),
    "image_shape": _shape,
    "flat": _number_or_path,
    "dark": _number_or_path,
}
"""How words of the command line become values, where the declared type does not say it."""
