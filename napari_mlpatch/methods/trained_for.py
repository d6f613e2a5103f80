"""What weights were trained for, beside what they are used on: in words, or as a reason to refuse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.core.array import Array
from napari_mlpatch.core.declare import Parameter, build, describe, lengths, parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.noise import Noise
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import Registry, noises, operators

from . import trained_noise

if TYPE_CHECKING:
    from napari_mlpatch.weights import Card

Described = dict[str, Any]
MOST = 4
"""Differences that are named; of more, the first."""


def kind_of(described: Described) -> str:
    """The name of an operator and of those that it is made of; factors, which are divided out, do not count.

    Raises InputError for one that is scaled, of which nothing says what it is.
    """
    described = _unscaled(described)
    parts = [kind_of(part) for value in described["params"].values() for part in _parts(value)]
    return described["name"] + (f" of {' and '.join(parts)}" if parts else "")


def differences(trained: Described, used: Described, registry: Registry = operators) -> list[str]:
    """``trained for 30 angles, this has 45``: one for each parameter that differs, of two of the same kind.

    Lengths that are all longer by the same factor are the same in another unit.
    """
    trained, used = _unscaled(_complete(trained, registry)), _unscaled(_complete(used, registry))
    if trained["name"] != used["name"]:
        return [f"{trained['name']}, this is {used['name']}"]
    cls = registry.get(used["name"])
    then, now = trained["params"], used["params"]
    same_lengths = _same_but_for_the_unit([(then.get(name), now.get(name)) for name in lengths(cls)])
    found = []
    for p in parameters(cls):
        a, b = then.get(p.name), now.get(p.name)
        if _close(a, b) or (same_lengths and p.name in lengths(cls)):
            continue
        if p.kind == "array" and (a is None) != (b is None) and _chosen_otherwise(cls, p.name, then, now):
            continue  # "custom", which is said
        parts = list(zip(_parts(a), _parts(b), strict=False))
        found += [text for pair in parts for text in differences(*pair)] if parts else [_difference(p, a, b)]
        if len(parts) > 1 and not _close(
            *([_factor(part) / _factor(side[0]) for part in side] for side in zip(*parts, strict=True))
        ):
            found.append(f"other factors of the {_words(p)} beside each other")
    return found


def remark(card: Card, A: Operator, noise: Noise | None) -> str:
    """What to know about using the weights of a card on A; empty where all is as in the training."""
    found = [] if card.operator is None else differences(card.operator.model_dump(), describe(A))
    if noise is not None:
        found += [f"noise: {text}" for text in _of_noise(card, noise)]
    if not found:
        return ""
    more = f"; and {len(found) - MOST} more" if len(found) > MOST else ""
    return f"The weights {card.name!r} were trained for {'; for '.join(found[:MOST])}{more}. The result may be poorer."


def _of_noise(card: Card, noise: Noise) -> list[str]:
    """Differences of what counts: a level that another one stands for is left out of account."""
    level = trained_noise.within(card, noise)
    if level is not None:
        return [level] if level else []
    trained, used = trained_noise.noise_of(card), describe(noise)
    if trained is None:
        return []
    try:
        then: Any = build(noises, trained)
    except InputError:
        return differences(trained, used, noises)
    idle = set(then.idle) & set(noise.idle)
    both = [
        {**side, "params": {k: v for k, v in side["params"].items() if k not in idle}}
        for side in (describe(then), used)
    ]
    return differences(both[0], both[1], noises)


def _difference(p: Parameter, then: Any, now: Any) -> str:
    if p.kind == "shape" and then and now:
        return f"pictures of {_sizes(then)}, these are {_sizes(now)}" if "shape" in p.name else _both(p, then, now)
    if p.kind == "angles" and then and now:
        if len(then) != len(now):
            return f"{len(then)} angles, this has {len(now)}"
        return f"other angles ({then[0]:g} to {then[-1]:g} instead of {now[0]:g} to {now[-1]:g})"
    if p.kind == "array" and then is None:
        return f"{_words(p)} {p.none_means}, this has its own ({_sizes(Array.parse(now).shape)})"
    if p.kind == "array" or not all(isinstance(value, int | float | str | None) for value in (then, now)):
        return f"{'other' if p.name.endswith('s') else 'another'} {_words(p)}"
    return _both(p, then, now)


def _chosen_otherwise(cls: type, array: str, then: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether what an array holds was made by a named rule on one side, and is given on the other ("custom")."""
    for p in parameters(cls):
        if p.kind == "choice" and array.startswith(p.name):
            pair = {then.get(p.name), now.get(p.name)}
            return len(pair) == 2 and "custom" in pair
    return False


def _both(p: Parameter, then: Any, now: Any) -> str:
    return f"{_words(p)} {_value(p, then)}, this has {_value(p, now)}"


def _words(p: Parameter) -> str:
    return p.name.removesuffix("_deg").replace("_", " ")


def _value(p: Parameter, value: Any) -> str:
    if value is None:
        return p.none_means or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _sizes(shape: Any) -> str:
    return " x ".join(map(str, shape))


def _unscaled(described: Described) -> Described:
    while described["name"] == "scaled":
        parts = _parts(described["params"].get("operator"))
        if len(parts) != 1:
            raise InputError("the operator 'scaled' is not said to be of any other.")
        described = parts[0]
    return described


def _factor(described: Described) -> float:
    """What the operator inside is multiplied by."""
    factor = 1.0
    while described["name"] == "scaled":
        factor *= described["params"].get("factor", 1.0)
        described = described["params"]["operator"]
    return factor


def _complete(described: Described, registry: Registry) -> Described:
    """With all parameters, also those that were added after it was written."""
    try:
        return describe(build(registry, described))
    except InputError:
        return described


def _parts(value: Any) -> list[Described]:
    """The operators that a parameter holds."""
    values = value if isinstance(value, list | tuple) else [value]
    return [
        part
        for part in values
        if isinstance(part, dict) and isinstance(part.get("params"), dict) and isinstance(part.get("name"), str)
    ]


def _same_but_for_the_unit(pairs: list[tuple[Any, Any]]) -> bool:
    if not all(isinstance(value, int | float) and value for pair in pairs for value in pair):
        return False
    ratios = [b / a for a, b in pairs]
    return all(math.isclose(ratio, ratios[0], rel_tol=1e-6) for ratio in ratios)


def _is_array(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"npy"}


def _close(a: Any, b: Any) -> bool:
    """Whether they differ by rounding."""
    if _is_array(a) and _is_array(b):
        one, other = Array.parse(a).values, Array.parse(b).values
        return one.shape == other.shape and np.allclose(one, other, rtol=1e-6, atol=1e-9)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(_close(v, w) for v, w in zip(a, b, strict=True))
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)
    return a == b
