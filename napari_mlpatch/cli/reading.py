"""Options that say how a measurement file is to be read, and the reading itself."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import torch

from .output import say
from .output import shape as sizes_of
from .settings import shape

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem

SAMPLE = "sample:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``io.Measurement.problem``; what is left out stays as the file says."""
    group = parser.add_argument_group("reading the measurement")
    add = group.add_argument
    add("--angles", dest="angles_deg", metavar="FILE|RANGE", help="degrees: a text file, a list, or start:stop:count")
    add("--center", type=_number_or("auto"), metavar="BIN|auto", help="bin of the rotation axis; auto finds it")
    add("--slice", type=_number_or("all", int), metavar="I|all", help="slice of a stack (the middle one)")
    add("--image-shape", type=_shape, metavar="ROWSxCOLUMNS", help="size of the picture (as wide as the detector)")
    add("--log", action=argparse.BooleanOptionalAction, help="whether to take the logarithm (where data are counts)")
    add("--flat", type=_number_or_path, metavar="NUMBER|FILE", help="counts without a sample")
    add("--dark", type=_number_or_path, metavar="NUMBER|FILE", help="counts without a beam")
    add("--clip-counts", type=float, metavar="N", help="raise smaller counts to N before the logarithm")
    add("--rings", type=int, metavar="BINS", help="take off stripes narrower than half of so many bins")
    add("--views", metavar="START:STOP:STEP", help="use these rows only: a limited arc, or sparse views")
    add("--detector-pitch", type=float, metavar="LENGTH", help="width of a detector bin (1)")
    add("--pixel-size", type=float, metavar="LENGTH", help="side of a pixel (the width of a bin)")
    add("--source-to-axis", type=float, metavar="LENGTH", help="fan beam: distance from the source to the axis")
    add("--source-to-detector", type=float, metavar="LENGTH", help="fan beam: distance from the source to the detector")
    add("--detector", choices=("flat", "curved"), help="fan beam: form of the detector (flat)")
    add("--rebin", action="store_true", default=None, help="resample a fan beam to a parallel beam")
    add("--dataset", metavar="NAME", help="name of the sinogram in a file of several arrays")
    add("--angle-axis", choices=("rows", "columns", "pages"), help="axis along which the angles run")


LOADING = ("dataset", "angle_axis")
GIVEN = (
    *("angles_deg", "center", "slice", "image_shape", "log", "flat", "dark", "clip_counts", "rings", "views"),
    *("detector_pitch", "pixel_size", "source_to_axis", "source_to_detector", "detector", "rebin", *LOADING),
)


def read(name: str, args: argparse.Namespace) -> Problem:
    """The problem in a file, or of a sample (``sample:NAME``), with what was found told on standard error."""
    from napari_mlpatch import io

    options = {key: getattr(args, key) for key in GIVEN if getattr(args, key) is not None}
    loading = {key: options.pop(key) for key in LOADING if key in options}
    if name.startswith(SAMPLE):
        if loading:
            raise InputError(f"A sample needs no {' or '.join('--' + key.replace('_', '-') for key in loading)}.")
        sample = name.removeprefix(SAMPLE)
        found, problem = io.samples.measurement(sample), io.samples.problem(sample, **options)
    else:
        found = io.load(name, **loading)
        problem = found.problem(**options)
    chosen = [f"{key} = {value}" for key, value in problem.source.get("options", {}).items()]
    axis = _axis(problem, guessed=found.stored is None)
    sizes = f"image {sizes_of(problem.A.domain_shape)}, data {sizes_of(problem.y.shape)}"
    say(f"{name}:")
    for note in (*found.notes, *chosen, sizes, *axis):
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
    """The same problem with the true image from a file."""
    from napari_mlpatch import io

    return dataclasses.replace(problem, truth=torch.from_numpy(io.read_image(path)[0]))


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
