"""What a user takes away from a result as text: the code and the command that make it again, as they are."""

from __future__ import annotations

import os
import shlex
from typing import Any

from napari_mlpatch.core.declare import PYTHON, format_angles, parameters, parse_angles
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.registry import methods
from napari_mlpatch.io.memory_source import is_memory
from napari_mlpatch.io.options import flag as flag_of

from .simulation_text import simulate_command, simulate_python


def as_python(recipe: Recipe, data: str | os.PathLike[str] | None = None) -> str:
    """A script that makes the picture again, on this machine, as ``result``.

    ``data`` is the file of the measurement, needed where that was only in memory. Raises InputError where it was and
    no file is given, and where network or operator were Python functions.
    """
    recipe = _found_again(recipe, data)
    opening = _open_python(recipe)
    if opening is None or not _is_plain(recipe):
        return _whole_python(recipe)
    call = f"mp.methods.{methods.get(recipe.method.name).__name__}({_keywords(_changed(recipe))})"
    words = [call, *([] if recipe.weights is None else [f"weights=mp.weights.find({recipe.weights!r})"])]
    return (
        "import napari_mlpatch as mp\n\n"
        f"{opening}\n"
        f"result = mp.reconstruct(problem, {', '.join(words)}, seed={recipe.seed}, device={recipe.device!r})\n"
        "print(result.metrics)\n"
    )


def as_command(recipe: Recipe, data: str | os.PathLike[str] | None = None) -> str:
    """The command line for a shell that makes the picture again, on this machine. Raises like ``as_python``."""
    recipe = _found_again(recipe, data)
    source, out = recipe.data.source, f"{recipe.method.name}.tif"
    before = ""
    if source["kind"] == "simulated":
        name = f"measurement-{recipe.data.sha256[:8]}.h5"  # no other measurement has that name
        made = simulate_command(recipe, name)
        if made is None:
            return _whole_command(recipe, out)
        before = f"{made} && "
    else:
        name = str(source["path"]) if source["kind"] == "file" else f"sample:{source['name']}"
    options = [_flag(key, value) for key, value in _options(recipe).items()]
    if not _is_plain(recipe) or None in options:
        return _whole_command(recipe, out)
    words = ["mlpatch", "reconstruct", name, "--method", recipe.method.name]
    words += [word for flag in options for word in flag or []]
    for key, value in _changed(recipe).items():
        words += ["--set", f"{key}={_text(value)}"]
    if recipe.weights is not None:
        words += ["--weights", recipe.weights]
    words += ["--seed", str(recipe.seed), "--device", recipe.device, "--out", out]
    return before + shlex.join(words)


def needs_file(recipe: Recipe) -> bool:
    """Whether the data were only in memory, so that texts need the name of a file to which they were saved."""
    return is_memory(recipe.data.source)


def _found_again(recipe: Recipe, data: str | os.PathLike[str] | None) -> Recipe:
    """The recipe with data that a new process finds. Raises InputError where there are none."""
    if recipe.weights is not None and recipe.weights.startswith(PYTHON):
        raise InputError(
            f"The network of this result was a Python callable, {recipe.weights.removeprefix(PYTHON)!r}, which no text "
            "can hold: call mp.reconstruct(problem, recipe.build_method(), network) where the callable is."
        )
    if recipe.operator.name.startswith(PYTHON):
        raise InputError(
            f"The operator of this result, {recipe.operator.name.removeprefix(PYTHON)!r}, was made from Python "
            "functions, which no text can hold: take the code that makes them."
        )
    if data is not None:
        return recipe.located({"kind": "file", "path": str(path_of(data, "The measurement")), "options": {}})
    if needs_file(recipe):
        raise InputError(
            "These data are only in the memory of this program: save the measurement first, so that the text can name "
            "its file."
        )
    return recipe


def _is_plain(recipe: Recipe) -> bool:
    """Whether method and parameters in words are all that there is to say."""
    return recipe.start is None and not any(isinstance(v, dict | list) for v in recipe.method.params.values())


def _whole_python(recipe: Recipe) -> str:
    """The recipe itself in the script: what is too long for keywords, or begins with another picture."""
    return (
        "import napari_mlpatch as mp\nfrom napari_mlpatch.batch.replay import replay\n\n"
        f'recipe = mp.Recipe.from_json(r"""\n{recipe.to_json()}\n""")\n'
        "result = replay(recipe)\nprint(result.metrics)\n"
    )


def _whole_command(recipe: Recipe, out: str) -> str:
    return f"mlpatch replay - --out {shlex.quote(out)} <<'RECIPE'\n{recipe.to_json()}\nRECIPE\n"


def _changed(recipe: Recipe) -> dict[str, Any]:
    """The method's parameters that are not its defaults; a picture that was stopped early has fewer iterations."""
    params = dict(recipe.method.params)
    if recipe.stopped_at is not None and "iterations" in params:
        params["iterations"] = recipe.stopped_at
    defaults = {p.name: p.default for p in parameters(methods.get(recipe.method.name))}
    return {name: value for name, value in params.items() if value != defaults.get(name)}


def _options(recipe: Recipe) -> dict[str, Any]:
    """How the file or sample was read."""
    source = recipe.data.source
    return dict(source.get("options") or {}) if source.get("kind") in ("file", "sample") else {}


def _open_python(recipe: Recipe) -> str | None:
    source = recipe.data.source
    if source["kind"] == "simulated":
        return simulate_python(recipe)
    words = {"file": source.get("path"), "sample": source.get("name")}
    call = {"file": "read_measurement", "sample": "samples.problem"}[source["kind"]]
    options = _keywords(_options(recipe))
    return f"problem = mp.io.{call}({words[source['kind']]!r}{', ' if options else ''}{options})"


def _keywords(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def _flag(name: str, value: Any) -> list[str] | None:
    """An option of ``read_measurement`` as `mlpatch reconstruct` takes it; None where it takes files only."""
    flag = flag_of(name)
    if value is None:
        return []
    if isinstance(value, bool):
        return [flag] if value else [f"--no-{name}"] if name == "log" else []
    if name == "angles_deg" and not isinstance(value, str):
        short = format_angles(value)
        text = short if parse_angles(short) == tuple(value) else ",".join(repr(float(v)) for v in value)
    elif name == "image_shape":
        text = "x".join(str(n) for n in value)
    elif isinstance(value, list | tuple | dict):
        return None
    else:
        text = str(value)
    return [f"{flag}={text}"] if text.startswith("-") else [flag, text]


def _text(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
