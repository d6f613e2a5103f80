"""What a user takes away from a result as text: the code and the command that make it again."""

from __future__ import annotations

import shlex
from typing import Any

from napari_mlpatch.core.declare import format_angles, parameters, parse_angles
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.registry import methods
from napari_mlpatch.io.options import flag as flag_of


def as_python(recipe: Recipe) -> str:
    """A script that makes the picture again."""
    call = f"mp.methods.{methods.get(recipe.method.name).__name__}({_keywords(_changed(recipe))})"
    words = [call, *([] if recipe.weights is None else [f"weights=mp.weights.find({recipe.weights!r})"])]
    return (
        "import napari_mlpatch as mp\n\n"
        f"{_open(recipe)}\n"
        f"result = mp.reconstruct(problem, {', '.join(words)}, seed={recipe.seed}, device={recipe.device!r})\n"
        "print(result.metrics)\n"
    )


def as_command(recipe: Recipe) -> str:
    """The command line that makes the picture again."""
    source = recipe.data.source
    kind = str(source.get("kind"))
    data = {"file": source.get("path"), "sample": f"sample:{source.get('name')}"}.get(kind, "MEASUREMENT.h5")
    words = ["mlpatch", "reconstruct", data, "--method", recipe.method.name]
    for name, value in _options(recipe).items():
        words += _flag(name, value)
    for name, value in _changed(recipe).items():
        words += ["--set", f"{name}={_text(value)}"]
    if recipe.weights is not None:
        words += ["--weights", recipe.weights]
    words += ["--seed", str(recipe.seed), "--device", recipe.device, "--out", f"{recipe.method.name}.tif"]
    return shlex.join(words)


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


def _open(recipe: Recipe) -> str:
    source = recipe.data.source
    words = {"file": source.get("path"), "sample": source.get("name")}
    call = {"file": "read_measurement", "sample": "samples.problem"}.get(source.get("kind", ""))
    if call is None:  # simulated in the window, or only in memory
        return 'problem = mp.io.read_measurement("MEASUREMENT.h5")  # save the measurement from the Compare dock first'
    options = _keywords(_options(recipe))
    return f"problem = mp.io.{call}({words[source['kind']]!r}{', ' if options else ''}{options})"


def _keywords(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def _flag(name: str, value: Any) -> list[str]:
    """An option of ``read_measurement`` as `mlpatch reconstruct` takes it."""
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
    elif name in ("flat", "dark") and isinstance(value, list | tuple):
        text = f"{name.upper()}.npy"  # values that a program gave: a command line has room for files only
    else:
        text = str(value)
    return [f"{flag}={text}"] if text.startswith("-") else [flag, text]


def _text(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
