"""What a user takes away from a result: the picture with its recipe, the code, the command."""

from __future__ import annotations

import json
import shlex

from napari_mlpatch.core.declare import parameters
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.registry import methods
from napari_mlpatch.core.run import Result


def save_result(path: str, result: Result) -> None:
    """Write the picture with its recipe. Raises InputError where the file cannot be written."""
    from napari_mlpatch import io

    io.write_image(path, result.x[:, 0].squeeze(0).numpy(), json.loads(result.recipe.to_json()))


def as_python(recipe: Recipe) -> str:
    """A script that makes the picture again."""
    cls = methods.get(recipe.method.name)
    defaults = {p.name: p.default for p in parameters(cls)}
    changed = {k: v for k, v in recipe.method.params.items() if v != defaults.get(k)}
    call = f"mp.methods.{cls.__name__}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"
    return (
        "import napari_mlpatch as mp\n\n"
        f"{_open(recipe)}\n"
        f"result = mp.reconstruct(problem, {call}, seed={recipe.seed}, device={recipe.device!r})\n"
        "print(result.metrics)\n"
    )


def as_command(recipe: Recipe) -> str:
    """The command line that makes the picture again."""
    source = recipe.data.source
    if source.get("kind") == "file":
        data, options = source["path"], source.get("options", {})
    elif source.get("kind") == "sample":
        data, options = f"sample:{source['name']}", source.get("options", {})
    else:
        data, options = "MEASUREMENT.h5", {}  # simulated in the window: save the measurement first
    words = ["mlpatch", "reconstruct", data, "--method", recipe.method.name]
    for key, value in options.items():
        if key in ("center", "slice"):
            words += [f"--{key}", str(value)]
    for key, value in recipe.method.params.items():
        if value is not None:
            words += ["--set", f"{key}={str(value).lower() if isinstance(value, bool) else value}"]
    return shlex.join([*words, "--device", recipe.device, "--out", f"{recipe.method.name}.tif"])


def _open(recipe: Recipe) -> str:
    source = recipe.data.source
    options = "".join(f", {k}={v!r}" for k, v in source.get("options", {}).items())
    if source.get("kind") == "file":
        return f"problem = mp.io.read_measurement({source['path']!r}{options})"
    if source.get("kind") == "sample":
        return f"problem = mp.io.samples.load({source['name']!r}{options})"
    return 'problem = mp.io.read_measurement("MEASUREMENT.h5")  # save the measurement from the Compare dock first'
