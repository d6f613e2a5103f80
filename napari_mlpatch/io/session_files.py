"""The files of a session's folder: measurements, and results with history, metrics, recipe and state."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_mlpatch.core.declare import PYTHON, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.events import Result
from napari_mlpatch.core.problem import sha256
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.torch_later import torch

from . import h5
from .atomic import replacing
from .guard import existing_file, reading
from .loading import read_measurement
from .own import RECIPE, SEAL, blank_seal, is_own
from .problem_file import write_measurement
from .result_state import pack, unpack
from .session_iterates import ARRAY, Kept, recorder_of, stacked
from .writers.hdf5 import content_of

if TYPE_CHECKING:
    from napari_mlpatch.core.iterates import Recorder
    from napari_mlpatch.core.problem import Problem

RESULT = "mlpatch_result"
"""Key of what a file of a session knows of its result beyond picture and recipe."""


ITERATES = "mlpatch_iterates"
"""Key of what it knows of the iterates in it."""


class _Known(BaseModel):
    """Of a result beyond picture and recipe."""

    model_config = ConfigDict(strict=True)
    metrics: dict[str, int | float]
    history: list[dict[str, int | float]]
    seconds: float
    peak_bytes: int
    iterations: int
    converged: bool
    notes: list[str]
    note: str
    not_found: str = ""
    state: Any = None


def name_of_problem(problem: Problem) -> str:
    """A file name that tells the problem from all others. Raises InputError for operators that no file can hold."""
    described = describe(problem.A)
    if str(described["name"]).startswith(PYTHON):
        raise InputError(
            f"The operator {str(described['name']).removeprefix(PYTHON)!r} was made from Python functions, which no "
            "file can hold: remove its results before saving the session."
        )
    truth = "" if problem.truth is None else sha256(problem.truth)
    noise = None if problem.noise is None else describe(problem.noise)
    parts = [described, noise, problem.noise_std, problem.fingerprint, truth]
    return f"measurement-{_digest(json.dumps(parts))}.h5"


def name_of_result(result: Result, kept: Kept | None = None) -> str:
    """A file name that tells the result from all others, beginning with its method's."""
    method = re.sub(r"[^a-z0-9]+", "-", result.recipe.method.name.lower()).strip("-")[:40] or "result"
    known = json.dumps([_known(result, None), *([] if kept is None else [kept.ks])])
    return f"{method}-{_digest(sha256(result.x), result.recipe.to_json(), known)}.h5"


def save_problem(path: Path, problem: Problem) -> None:
    write_measurement(path, problem, force=True)


def save_result(path: Path, result: Result, recorder: Recorder | None = None, kept: Kept | None = None) -> None:
    """Write a result as an HDF5 picture with its recipe that knows more, also iterates; values are not changed."""
    array = result.x.detach().cpu().resolve_conj().numpy()
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim > 2 and result.x.shape[1] == 1 and array.ndim == result.x.ndim:
        array = array[:, 0]
    state, arrays = pack(result.state)
    about = {
        SEAL: blank_seal("picture"),
        RECIPE: json.loads(result.recipe.to_json()),
        "pixel_size": result.recipe.operator.params.get("pixel_size"),
        "unit": None,
        RESULT: _known(result, state),
    }
    if recorder is not None and kept is not None:
        about[ITERATES] = kept.model_dump()
        arrays = {**arrays, ARRAY: stacked(recorder, kept)}
    with replacing(path, (".h5",), force=True) as temporary:
        temporary.write_bytes(content_of(array, about, arrays))


def read_problem(path: Path, source: dict[str, Any] | None) -> Problem:
    """A problem of a session. ``source`` is where its data came from, None where they are nowhere else."""
    _check_own(path, "measurement")
    problem = read_measurement(path)
    return problem if source is None else dataclasses.replace(problem, source=source)


def read_result(path: Path, problem: Problem, *, data_here: bool = False) -> tuple[Result, Recorder | None]:
    """A result of a session, of this problem, and its iterates if they are there.

    With ``data_here`` its recipe names the data where they are now. Raises InputError for damaged files, and for one
    of other data.
    """
    _check_own(path, "picture")
    path = existing_file(path)
    with reading(path, "a result of this program"), h5py.File(path, "r") as file:
        about = json.loads(h5.array(path, file, "about").tobytes())
        array = h5.array(path, file, "image")
        if not isinstance(about, dict) or RESULT not in about:
            raise InputError(f"{path} is a picture, but no result of a session.")
        known = _Known.model_validate(about[RESULT])
        state = unpack(known.state, lambda name: h5.array(path, file, name))
        kept = None if ITERATES not in about else Kept.model_validate(about[ITERATES])
        stack = None if kept is None else h5.array(path, file, ARRAY)
    recipe = Recipe.from_json(about.get(RECIPE) or {})
    recipe.build_method()
    if recipe.data.sha256 != problem.fingerprint:
        raise InputError(f"{path} is a result of other data than the session says. The session is damaged.")
    wanted = (*problem.y.shape[:2], *problem.A.domain_shape)
    if array.dtype.kind not in "fc" or array.size != np.prod(wanted) or array.shape[-1] != wanted[-1]:
        raise InputError(
            f"{path} holds a picture {array.dtype} of shape {list(array.shape)}, but the problem has {list(wanted)}."
        )
    if not np.isfinite(array).all():
        raise InputError(f"{path} holds NaN or infinite values.")
    if data_here:
        recipe = recipe.located(problem.source)
    result = Result(
        x=torch.from_numpy(array.reshape(wanted)),
        metrics=known.metrics,
        history=tuple(known.history),
        recipe=recipe,
        seconds=known.seconds,
        peak_bytes=known.peak_bytes,
        iterations=known.iterations,
        converged=known.converged,
        state=state if isinstance(state, dict) else {},
        notes=tuple(known.notes),
        note=known.note,
        not_found=known.not_found,
    )
    return result, None if kept is None or stack is None else recorder_of(kept, stack, wanted)


def _known(result: Result, state: Any) -> dict[str, Any]:
    known = {name: getattr(result, name) for name in _Known.model_fields if name != "state"}
    known |= {"history": list(result.history), "notes": list(result.notes), "state": state}
    return json.loads(json.dumps(known, default=lambda value: value.item()))  # NumPy's numbers as Python's


def _check_own(path: Path, kind: Any) -> None:
    if not is_own(path, kind) or path.stat().st_size == 0:
        raise InputError(f"{path} is damaged, or has been changed since the session was saved.")


def _digest(*texts: str) -> str:
    found = hashlib.sha256()
    for text in texts:
        found.update(text.encode() + b"\0")
    return found.hexdigest()[:16]
