"""The same data again, from the ``source`` that a recipe holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import noises, operators
from napari_mlpatch.torch_later import torch

from . import samples
from .image_files import image_from_file
from .loading import read_measurement
from .options import LoadOptions, ProblemOptions, refuse_unknown
from .resize import resize

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem


def open_source(
    source: Mapping[str, Any], *, operator: Mapping[str, Any] | None = None, noise: Mapping[str, Any] | None = None
) -> Problem:
    """The problem that a source describes.

    ``{"kind": "file", "path": ..., "options": {...}}``, ``{"kind": "sample", "name": ..., "options": {...}}``, or
    ``{"kind": "simulated", "image": {...}, "seed": ...}``, which needs the recipe's operator and noise model as well.
    Raises InputError for data that were only in memory, files that are gone, and anything else.
    """
    kind, options = _kind(source)
    if kind == "file":
        refuse_unknown(options, LoadOptions, ProblemOptions)
        return read_measurement(_text(source, "path"), **options)
    if kind == "sample":
        refuse_unknown(options, ProblemOptions)
        return samples.problem(_text(source, "name"), **options)
    if kind == "simulated":
        from napari_mlpatch.core.simulate import simulate

        if operator is None:
            raise InputError("A simulated measurement can only be made again with the operator of its recipe.")
        image = torch.from_numpy(open_image(source.get("image") or {}))
        A = build(operators, dict(operator))
        model = None if noise is None else build(noises, dict(noise))
        return simulate(image, A, model, seed=_seed(source), source=dict(source["image"]))
    raise InputError(_no_source(kind))


def open_image(source: Mapping[str, Any], notes: list[str] | None = None) -> np.ndarray:
    """The image float32 ``[rows, columns]`` that a source describes, for a simulation.

    ``{"kind": "file", "path": ...}`` or ``{"kind": "sample", "name": ...}``, both with ``"options": {"size": n}``
    where the image is to be resized, its longer side to n pixels. What is done to a file's image is added to ``notes``.
    Raises InputError.
    """
    kind, options = _kind(source)
    unknown = sorted(set(options) - {"size"})
    if unknown:
        raise InputError(f"Unknown option(s) {', '.join(unknown)} of an image. Known: size.")
    if kind == "file":
        image, told = image_from_file(_text(source, "path"))
        if notes is not None:
            notes += told
        return _resized(image, options.get("size"))
    if kind == "sample":
        return samples.image(_text(source, "name"), **options)
    raise InputError(_no_source(kind))


def _resized(image: np.ndarray, size: Any) -> np.ndarray:
    if size is None:
        return image
    samples.check_size(size)
    rows, columns = (max(1, round(n * size / max(image.shape))) for n in image.shape)
    return resize(image, (rows, columns))


def _kind(source: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if not isinstance(source, Mapping):
        raise InputError(f"A source is a dictionary that says where data came from, got {source!r}.")
    options = source.get("options") or {}
    if not isinstance(options, Mapping):
        raise InputError(f"The options of a source are a dictionary, got {options!r}.")
    return str(source.get("kind")), dict(options)


def _text(source: Mapping[str, Any], name: str) -> str:
    value = source.get(name)
    if not isinstance(value, str) or not value:
        raise InputError(f"The source {dict(source)!r} has no {name!r}, so that its data cannot be found.")
    return value


def _seed(source: Mapping[str, Any]) -> int:
    seed = source.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise InputError(f"The seed of a simulation is a whole number from 0 on, below 2^63, got {seed!r}.")
    return seed


def _no_source(kind: str) -> str:
    if kind == "memory":
        return (
            "These data were only in the memory of the program that made the recipe, and cannot be found again. "
            "Save the measurement to a file, reconstruct from there, and replay that recipe."
        )
    return f"Unknown kind of source {kind!r}. Known: file, sample, simulated."
