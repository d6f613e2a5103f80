"""The project's own measurement file: a complete problem in HDF5.

Group ``/mlpatch`` holds the datasets ``y`` and ``truth`` (where known) and the attributes ``format`` (version),
``operator``, ``noise`` and ``source`` (JSON), ``noise_std`` and ``seed`` (where known).
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from napari_mlpatch.core.declare import build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import noises, operators
from napari_mlpatch.torch_later import torch

from . import h5
from .arrays import Slices
from .atomic import check_writable, replacing
from .guard import existing_file, reading
from .measurement import Measurement
from .own import GROUP, SEAL, blank_seal

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem

FORMAT = 1
SUFFIXES = (".h5", ".hdf5")


def write_measurement(path: str | os.PathLike[str], problem: Problem, *, force: bool = False) -> None:
    """Write a problem to ``path`` (.h5), with operator, noise model, truth and origin; ``load`` reads it back.

    Raises InputError when the file cannot be written, and, without ``force``, where a file is there that is not a
    measurement as this program wrote it.
    """
    if not hasattr(problem, "A") or not hasattr(problem, "y"):
        raise InputError(f"A measurement is written from a problem, got {type(problem).__name__}.")
    check_writable(path, SUFFIXES, force=force, kind="measurement")
    content = io.BytesIO()  # on a full disk, HDF5 ends the whole process
    with h5py.File(content, "w") as file:
        file.attrs[SEAL] = np.bytes_(blank_seal("measurement"))
        group = file.create_group(GROUP)
        group.create_dataset("y", data=problem.y.detach().cpu().numpy(), compression="gzip", shuffle=True)
        if problem.truth is not None:
            truth = problem.truth.detach().cpu().numpy()
            group.create_dataset("truth", data=truth, compression="gzip", shuffle=True)
        group.attrs["format"] = FORMAT
        _set_json(group, "operator", describe(problem.A))
        _set_json(group, "noise", None if problem.noise is None else describe(problem.noise))
        _set_json(group, "source", problem.source)
        if problem.noise_std is not None:
            group.attrs["noise_std"] = float(problem.noise_std)
        if isinstance(problem.source.get("seed"), int):
            group.attrs["seed"] = problem.source["seed"]
    with replacing(path, SUFFIXES, force=force, kind="measurement") as temporary:
        temporary.write_bytes(content.getbuffer())


def load_problem(path: Path) -> Measurement:
    """Read what ``write_measurement`` wrote. Raises InputError for other and for damaged files."""
    from napari_mlpatch.core.problem import Problem

    path = existing_file(path)
    with reading(path, "a measurement of this program"), h5py.File(path, "r") as file:
        group = h5.group(path, file, GROUP)
        version = int(h5.attribute(group, "format"))
        if version > FORMAT:
            raise InputError(
                f"{path} has format {version}, this version reads up to {FORMAT}. Install a newer napari-mlpatch."
            )
        y, truth = _array(path, group, "y"), _array(path, group, "truth")
        described, noise = _json(path, group, "operator"), _json(path, group, "noise")
        noise_std = float(h5.attribute(group, "noise_std")) if "noise_std" in group.attrs else None
        seed = int(h5.attribute(group, "seed")) if "seed" in group.attrs else None
        if y is None or described is None:
            raise InputError(f"{path} has no data or no operator in its group {GROUP}. It is incomplete.")
        problem = Problem(
            build(operators, described),
            torch.from_numpy(y),
            noise=None if noise is None else build(noises, noise),
            truth=None if truth is None else torch.from_numpy(truth),
            noise_std=noise_std,
            source={"kind": "file", "path": str(path), "options": {}},
        )
    seen = np.abs(y) if np.iscomplexobj(y) else y
    stack = seen.reshape(-1, y.shape[-2], y.shape[-1])
    A: Any = problem.A
    shape = (stack.shape[0], stack.shape[1], stack.shape[2])
    noted = "no noise model" if problem.noise is None else f"noise {problem.noise.title}"
    return Measurement(
        data=Slices(shape, lambda i: stack[i]),
        path=path,
        kind=A.name,
        angles_deg=np.asarray(A.angles_deg) if hasattr(A, "angles_deg") else None,
        center=getattr(A, "center", None),
        notes=(
            f"{A.title}, image {list(A.domain_shape)}, data {list(y.shape)}, {noted}",
            "with the true image, so that errors can be measured" if truth is not None else "without a true image",
            *(() if seed is None else (f"simulated with seed {seed}",)),
        ),
        stored=problem,
    )


def operator_of(path: Path, group: h5py.Group) -> dict[str, Any]:
    """Name and parameters of the operator in the group of such a file."""
    found = _json(path, group, "operator")
    return found if isinstance(found, dict) else {}


def _set_json(group: h5py.Group, name: str, value: Any) -> None:
    """As text of fixed length: HDF5 keeps text of variable length in a heap that, damaged, crashes the library."""
    text = json.dumps(value).encode()
    if len(text) > 60_000:  # attributes end at 64 KB
        group.create_dataset(name, data=np.frombuffer(text, np.uint8))
    else:
        group.attrs[name] = np.bytes_(text)


def _json(path: Path, group: h5py.Group, name: str) -> Any:
    if name in group:
        return json.loads(h5.array(path, group, name).tobytes())
    return json.loads(h5.attribute(group, name))


def _array(path: Path, group: h5py.Group, name: str) -> np.ndarray | None:
    if name not in group:
        return None
    array = h5.array(path, group, name)
    if array.dtype.kind not in "fc" or array.ndim < 3:
        raise InputError(f"{path}: {name} holds {array.dtype} of shape {list(array.shape)}, not data of a problem.")
    return array
