"""Declarations: parameters as annotated fields of frozen pydantic dataclasses.

Everything that shows parameters (forms, command line, documentation, recipes) reads them from here.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
import numpy as np
from pydantic import AfterValidator, BeforeValidator, ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import core_schema

from .array import Array
from .errors import InputError
from .registry import Registry
from .words import short

CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
"""Configuration of every declaration: unknown parameters and non-finite numbers are errors."""

PYTHON = "python:"
"""How names of operators and networks begin that are Python functions, which no description can hold."""

MOST_ANGLES = 1_000_000
MOST_DEGREES = 1e7
LENGTHS = (1e-12, 1e12)


def parse_angles(value: Any) -> Any:
    """Angles from a sequence, an array, or a range written ``start:stop:count`` (stop excluded)."""
    try:
        if isinstance(value, str) and ":" in value:
            start, stop, count = value.split(":")
            if int(count) > MOST_ANGLES:
                raise ValueError
            if not math.isfinite(float(stop) - float(start)):
                raise ValueError
            return tuple(np.linspace(float(start), float(stop), int(count), endpoint=False).tolist())
        if isinstance(value, str):
            return tuple(float(word) for word in value.replace(",", " ").split())
        if isinstance(value, Iterable):
            value = getattr(value, "detach", lambda value=value: value)()  # of tensors, without importing torch
            return tuple(np.asarray(value, dtype=float).ravel().tolist())
        return value
    except Exception:  # of odd objects, tensors without values
        raise ValueError(
            "angles must be written start:stop:count (finite, stop excluded, at most a million) or as a list of "
            f"numbers, got {short(value)}"
        ) from None


def format_angles(angles: Iterable[float]) -> str:
    """A short text that ``parse_angles`` turns back into these angles, to 1e-6 degrees."""
    values = np.asarray(tuple(angles), dtype=float)
    if len(values) > 1:
        step = (values[-1] - values[0]) / (len(values) - 1)
        text = f"{values[0]:.10g}:{values[0] + step * len(values):.10g}:{len(values)}"
        if np.allclose(np.asarray(parse_angles(text)), values, rtol=0.0, atol=1e-6):
            return text
    return ", ".join(f"{round(v, 6):.15g}" for v in values.tolist())


def _turns(angles: tuple[float, ...]) -> tuple[float, ...]:
    """Beyond, single precision does not tell one direction from another."""
    if angles and max(map(abs, angles)) > MOST_DEGREES:
        raise ValueError(f"angles must be within {MOST_DEGREES:g}, got {max(angles, key=abs):g}")
    return angles


def _usable(length: float) -> float:
    if not LENGTHS[0] <= length <= LENGTHS[1]:
        raise ValueError(
            f"lengths are from {LENGTHS[0]:g} to {LENGTHS[1]:g}, got {length:g}: give all of them in a unit in which "
            "they are neither so small nor so large"
        )
    return length


Length = Annotated[float, AfterValidator(_usable)]
"""The side of a pixel or the width of a bin: beyond ``LENGTHS``, its square and what is divided by it overflow."""

Angles = Annotated[tuple[float, ...], BeforeValidator(parse_angles), AfterValidator(_turns)]
"""A non-empty list of angles; also accepts ``"0:180:60"`` for 60 angles from 0 (included) to 180 (excluded)."""


@dataclasses.dataclass(frozen=True)
class Registered:
    """Marks a text that names something registered, ``Annotated[str, Registered(registry)]``: a choice in forms."""

    registry: Registry

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def known(name: str) -> str:
            self.registry.get(name)
            return name

        return core_schema.no_info_after_validator_function(known, handler(source))


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter of a declaration, for forms, help texts and documentation."""

    name: str
    type: Any
    default: Any
    required: bool
    optional: bool
    minimum: float | None
    maximum: float | None
    unit: str
    description: str
    none_means: str
    choices: tuple[Any, ...]

    @property
    def kind(self) -> str:
        """``float``, ``int``, ``bool``, ``str``, ``choice``, ``angles``, ``array``, ``shape``, ``operator(s)``."""
        if self.choices:
            return "choice"
        if get_origin(self.type) is tuple:
            first = get_args(self.type)[0]
            return "shape" if Ellipsis not in get_args(self.type) else "angles" if first is float else "operators"
        return self.type.__name__.lower()

    def json(self) -> dict[str, Any]:
        fields = {k: v for k, v in dataclasses.asdict(self).items() if k not in ("type", "optional")}
        fields["default"] = None if self.required else self.default
        if isinstance(fields["default"], Array):
            fields["default"] = repr(fields["default"])
        return {"type": self.kind} | {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}


def parameters(declaration: type) -> list[Parameter]:
    """The parameters of a declared operator, noise model or method, in order."""
    fields: dict[str, FieldInfo] = declaration.__pydantic_fields__  # type: ignore[attr-defined]
    return [_parameter(name, info) for name, info in fields.items()]


def lengths(declaration: type) -> list[str]:
    """The parameters that are lengths: all of them longer by the same factor are the same in another unit."""
    fields: dict[str, FieldInfo] = declaration.__pydantic_fields__  # type: ignore[attr-defined]
    return [n for n, info in fields.items() if any(getattr(m, "func", None) is _usable for m in info.metadata)]


def _parameter(name: str, info: FieldInfo) -> Parameter:
    annotation = info.annotation
    optional = get_origin(annotation) in (types.UnionType, typing.Union) and type(None) in get_args(annotation)
    if optional:
        annotation = next(a for a in get_args(annotation) if a is not type(None))
    constraints = list(info.metadata)
    if get_origin(annotation) is Annotated:  # of the part of a union that is not None
        annotation, *fields = get_args(annotation)
        constraints += [one for field in fields for one in getattr(field, "metadata", ())]
    low = high = None
    registered: tuple[str, ...] = ()
    for constraint in constraints:
        if isinstance(constraint, Registered):
            registered = tuple(constraint.registry.names())
        if isinstance(constraint, annotated_types.Gt | annotated_types.Ge):
            low = getattr(constraint, "gt", getattr(constraint, "ge", None))
        if isinstance(constraint, annotated_types.Lt | annotated_types.Le):
            high = getattr(constraint, "lt", getattr(constraint, "le", None))
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    return Parameter(
        name=name,
        type=annotation,
        default=None if info.is_required() else info.get_default(call_default_factory=True),
        required=info.is_required(),
        optional=optional,
        minimum=low,  # type: ignore[arg-type]
        maximum=high,  # type: ignore[arg-type]
        unit=str(extra.get("unit", "")),
        description=info.description or "",
        none_means=str(extra.get("none_means", "automatic")) if optional else "",
        choices=get_args(annotation) if get_origin(annotation) is Literal else registered,
    )


def build(registry: Registry, description: dict[str, Any]) -> Any:
    """The declared object of ``{"name": ..., "params": {...}}``. Raises InputError that names what is bad."""
    if not isinstance(description, dict) or not isinstance(description.get("name"), str):
        raise InputError(
            f'A {registry.kind} is described by {{"name": ..., "params": {{...}}}}, got {short(description)}.'
        )
    name, params = description["name"], description.get("params", {})
    if name.startswith(PYTHON):
        raise InputError(
            f"The {registry.kind} {short(name.removeprefix(PYTHON))} was made from Python functions, which only the "
            "program that has them can use: make it again there, and give it with the data."
        )
    cls = registry.get(name)
    if not isinstance(params, dict):
        raise InputError(f"{registry.kind} {name!r}: its parameters must be given by name, got {short(params)}.")
    try:
        return cls(**params)
    except ValidationError as error:
        raise InputError(f"{registry.kind} {name!r}: {explain(error, cls)}") from None


def explain(error: ValidationError, cls: type | None = None) -> str:
    """A validation error as one sentence for each bad parameter, with the value that was seen."""
    sentences = []
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"])
        if item["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            known = ", ".join(p.name for p in parameters(cls)) if cls else ""
            sentences.append(f"unknown parameter {where!r}" + (f" (known: {known})" if known else ""))
        elif item["type"] in ("missing", "missing_argument"):
            sentences.append(f"parameter {where!r} is missing")
        else:
            seen = "" if item["type"] == "value_error" or not where else f", got {short(item['input'])}"
            message = item["msg"].removeprefix("Value error, ")
            sentences.append((f"{where}: " if where else "") + message + seen)
    return "; ".join(sentences) + "."


def describe(thing: Any) -> dict[str, Any]:
    """``{"name": ..., "params": {...}}`` as plain JSON values: the inverse of ``build``."""
    params = TypeAdapter(type(thing)).dump_python(thing, mode="json")
    return {"name": thing.name, "params": params}
