"""The code and the command that simulate a measurement again. None where a text would be too long: arrays, operators
inside of operators.
"""

from __future__ import annotations

import shlex
from typing import Any

from napari_mlpatch.core.declare import build, describe, format_angles, parameters, parse_angles
from napari_mlpatch.core.recipe import Description, Recipe
from napari_mlpatch.core.registry import Registry, noises, operators


def simulate_python(recipe: Recipe) -> str | None:
    """Lines that end in ``problem = ...``."""
    import napari_mlpatch as mp

    image, seed = recipe.data.source.get("image"), recipe.data.source.get("seed", 0)
    A = _call(operators, recipe.operator, mp.operators, "mp.operators")
    noise = "None" if recipe.noise is None else _call(noises, recipe.noise, mp.noise, "mp.noise")
    if A is None or noise is None:
        return None
    return (
        f"source = {image!r}\n"
        f"A = {A}\n"
        f"problem = mp.simulate(mp.io.open_image(source), A, {noise}, seed={seed}, source=source)"
    )


def simulate_command(recipe: Recipe, out: str) -> str | None:
    """`mlpatch simulate` into a file."""
    image = recipe.data.source.get("image") or {}
    A = build(operators, recipe.operator.model_dump())
    given = _settings(operators, recipe.operator, type(A).suggest(tuple(A.domain_shape)))
    noise = _settings(noises, recipe.noise or Description(name="none"), {})
    if given is None or noise is None:
        return None
    kind, name = ("--sample", image.get("name")) if image.get("kind") == "sample" else ("--image", image.get("path"))
    words = ["mlpatch", "simulate", "--operator", recipe.operator.name, kind, str(name)]
    size = (image.get("options") or {}).get("size")
    words += [] if size is None else ["--size", str(size)]
    words += [word for text in given for word in ("--set", text)]
    words += ["--noise", "none" if recipe.noise is None else recipe.noise.name]
    words += [word for text in noise for word in ("--set-noise", text)]
    return shlex.join([*words, "--seed", str(recipe.data.source.get("seed", 0)), "--out", out])


def _call(registry: Registry, description: Description, module: Any, prefix: str) -> str | None:
    """The constructor with the parameters that are not its defaults."""
    cls = registry.get(description.name)
    if getattr(module, cls.__name__, None) is not cls:  # of another package
        return None
    defaults = {p.name: p.default for p in parameters(cls) if not p.required}
    words = []
    for name, value in description.params.items():
        if name in defaults and value == defaults[name]:
            continue
        written = _written(name, value)
        if written is None:
            return None
        words.append(f"{name}={written}")
    return f"{prefix}.{cls.__name__}({', '.join(words)})"


def _written(name: str, value: Any) -> str | None:
    if _is_long(value):
        return None
    angles = _angles(name, value)
    return repr(angles) if angles is not None else repr(tuple(value)) if isinstance(value, list) else repr(value)


def _settings(registry: Registry, description: Description, suggested: dict[str, Any]) -> list[str] | None:
    """``key=value`` of all that is neither the default nor what fits the image by itself."""
    cls = registry.get(description.name)
    start = {p.name: p.default for p in parameters(cls) if not p.required} | suggested
    plain = describe(build(registry, {"name": description.name, "params": start}))["params"]
    words = []
    for name, value in description.params.items():
        if value == plain.get(name):
            continue
        if _is_long(value):
            return None
        angles = _angles(name, value)
        if angles is not None:
            text = angles
        elif isinstance(value, list):
            text = ("x" if all(isinstance(v, int) for v in value) else ",").join(map(str, value))
        else:
            text = "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        words.append(f"{name}={text}")
    return words


def _angles(name: str, value: Any) -> str | None:
    """Equally spaced angles, exactly, as start:stop:count."""
    if not name.startswith("angles") or not isinstance(value, list):
        return None
    short = format_angles(value)
    return short if list(parse_angles(short)) == value else ", ".join(map(repr, value))


def _is_long(value: Any) -> bool:
    """Whether it holds arrays or other declarations."""
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict | list) for v in value))
