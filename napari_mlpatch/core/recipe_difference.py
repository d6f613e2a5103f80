"""What changed between two recipes, in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .declare import PYTHON, parameters
from .recipe import Description, Recipe
from .registry import Registry, methods, noises, operators

AUTOMATIC = "automatic"
Call = Callable[[str, str], str]
"""What the operator, noise, method, network or parameter (the first) of a name (the second) is called."""


def as_written(kind: str, name: str) -> str:
    return name


@dataclass(frozen=True)
class Difference:
    """One thing that differs: what, and how it is written in the first and in the second recipe."""

    what: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.what}: {self.first} → {self.second}"


def differences(
    a: Recipe, b: Recipe, weights: Callable[[str], str] = lambda sha256: sha256[:12], call: Call = as_written
) -> list[Difference]:
    """All that differs between two recipes: data, operator, noise, method, parameters, weights, seed, device...

    Empty where they are the same. ``weights`` names weights by their SHA-256, ``call`` all else that has a name. Where
    both are of one method (operator, noise) its parameters are told one by one, else each with those that the other has
    not, or has otherwise.
    """
    found = _data(a, b)
    found += _described("operator", a.operator, b.operator, call)
    found += _described("noise", a.noise, b.noise, call)
    if a.data.noise_std != b.data.noise_std:
        found.append(Difference("noise level", _text(a.data.noise_std, "unknown"), _text(b.data.noise_std, "unknown")))
    found += _described("method", a.method, b.method, call)
    if a.weights != b.weights:
        found.append(Difference("weights", *(_weights(recipe.weights, weights) for recipe in (a, b))))
    if a.network is not None and b.network is not None:
        found += _described("network", a.network, b.network, call)
        if a.network.normalise != b.network.normalise:
            normalised = (_text(recipe.network is not None and recipe.network.normalise) for recipe in (a, b))
            found.append(Difference("network normalises", *normalised))
    if _start(a) != _start(b):
        found.append(Difference("start", _start(a), _start(b)))
    if a.stopped_at != b.stopped_at:
        found.append(Difference("stopped at iteration", *(_text(r.stopped_at, "its own end") for r in (a, b))))
    for what, first, second in (("seed", a.seed, b.seed), ("device", a.device, b.device)):
        if first != second:
            found.append(Difference(what, str(first), str(second)))
    for name in dict.fromkeys((*a.versions, *b.versions)):
        first, second = a.versions.get(name, "unknown"), b.versions.get(name, "unknown")
        if first != second:
            found.append(Difference(f"version of {name}", first, second))
    return found


def described(recipe: Recipe, weights: Callable[[str], str] = lambda sha256: sha256[:12]) -> list[tuple[str, str]]:
    """All that a recipe says, each with what it is."""
    stopped = [] if recipe.stopped_at is None else [("stopped at iteration", str(recipe.stopped_at))]
    return [
        ("data", _place(recipe)),
        ("operator", summary(recipe.operator)),
        ("noise", summary(recipe.noise)),
        ("noise level", _text(recipe.data.noise_std, "unknown")),
        ("method", summary(recipe.method)),
        ("weights", _weights(recipe.weights, weights)),
        ("start", _start(recipe)),
        *stopped,
        ("seed", str(recipe.seed)),
        ("device", recipe.device),
        ("versions", ", ".join(f"{name} {number}" for name, number in recipe.versions.items())),
    ]


def summary(
    description: Description | None, registry: Registry | None = None, call: Call = as_written, kind: str = ""
) -> str:
    """Name and parameters in one line; of long lists how many, and from where to where.

    With the registry that knows the name, only the parameters that are not the defaults.
    """
    if description is None:
        return "none"
    defaults: dict[str, Any] = {}
    if registry is not None and description.name in registry.names():
        defaults = {p.name: p.default for p in parameters(registry.get(description.name)) if not p.required}
    changed = [(n, v) for n, v in description.params.items() if not (n in defaults and v == defaults[n])]
    params = ", ".join(f"{call('parameter', name)} {_text(value)}" for name, value in changed)
    name = call(kind, description.name.removeprefix(PYTHON))
    return f"{name} ({params})" if params else name


def _data(a: Recipe, b: Recipe) -> list[Difference]:
    if a.data.sha256 != b.data.sha256:
        first, second = _place(a), _place(b)
        if first == second:
            first, second = f"{first} ({a.data.sha256[:8]})", f"{second} ({b.data.sha256[:8]})"
        return [Difference("data", first, second)]
    if a.data.source != b.data.source:
        first, second = _place(a), _place(b)
        if first != second:
            return [Difference("place of the same data", first, second)]
    return []


def _place(recipe: Recipe) -> str:
    """Where the data came from, with how they were read where that was told."""
    source = recipe.data.source
    kind = source.get("kind")
    if kind == "simulated":
        image = source.get("image")
        image = image if isinstance(image, dict) else {}
        of = image.get("path") or image.get("name") or "an image in memory"
        options = image.get("options")
        how = _options(options if isinstance(options, dict) else {})
        return f"simulated from {of}{how}, seed {source.get('seed', 0)}"
    options = source.get("options")
    how = _options(options if isinstance(options, dict) else {})
    return f"{source.get('path') or source.get('name') or 'only in memory'}{how}"


def _options(options: dict[str, Any]) -> str:
    known = ", ".join(f"{name} {_text(value)}" for name, value in options.items())
    return f" ({known})" if known else ""


def _described(what: str, a: Description | None, b: Description | None, call: Call) -> list[Difference]:
    if a == b:
        return []
    if a is not None and b is not None and (a.name, a.params) == (b.name, b.params):
        return []
    if a is None or b is None or a.name != b.name:
        registry = {"method": methods, "operator": operators, "noise": noises}.get(what)
        return [Difference(what, summary(a, registry, call, what), summary(b, registry, call, what))]
    names = dict.fromkeys((*a.params, *b.params))
    changed = [n for n in names if a.params.get(n) != b.params.get(n) or (n in a.params) != (n in b.params)]
    own = a.name.removeprefix(PYTHON)
    label = f"{what} {own}" if call(what, own) == own else call(what, own)
    texts = [(name, _text(a.params.get(name), AUTOMATIC), _text(b.params.get(name), AUTOMATIC)) for name in changed]
    return [
        Difference(f"{label}: {call('parameter', name)}", first, second)
        for name, first, second in texts
        if first != second
    ] or [Difference(label, "values of the same look", "other values")]


def _text(value: Any, none: str = AUTOMATIC) -> str:
    if value is None:
        return none
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.7g}" if math.isfinite(value) else str(value)
    if isinstance(value, dict) and set(value) == {"npy"}:
        from .array import Array

        try:
            array = Array.parse(value)
        except ValueError:
            return "a damaged array"
        return f"{array!r} {array.sha256[:8]}"
    if isinstance(value, list | tuple):
        if len(value) > 6:
            return f"{len(value)} values from {_text(value[0])} to {_text(value[-1])}"
        return " x ".join(map(_text, value)) if len(value) == 2 else ", ".join(map(_text, value))
    if isinstance(value, dict):
        return str(value.get("name", "...")) if "name" in value else f"{len(value)} values"
    return str(value)


def _weights(value: str | None, name: Callable[[str], str]) -> str:
    if value is None:
        return "none"
    return f"the Python callable {value.removeprefix(PYTHON)}" if value.startswith(PYTHON) else name(value)


def _start(recipe: Recipe) -> str:
    if recipe.start is None:
        return "the method's own"
    made = "a picture" if recipe.start.recipe is None else f"a result of {recipe.start.recipe.method.name}"
    return f"{made} ({recipe.start.sha256[:8]})"
