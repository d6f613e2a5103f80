"""Forms that come back as they were left: only what differs from the defaults is remembered."""

from __future__ import annotations

import json
from typing import Any

from napari_mlpatch.core.declare import format_angles
from napari_mlpatch.core.errors import InputError

from .form import DeclarationForm, Field, first_value


def changes(form: DeclarationForm) -> dict[str, Any]:
    """The parameters that differ from their defaults, as JSON has them; arrays and what cannot be read are left out."""
    found: dict[str, Any] = {}
    for name, field in form.fields.items():
        try:
            value = _plain(field, field.get())
            same = value == _plain(field, default_of(field))
            json.dumps(value)
        except (InputError, ValueError, TypeError):
            continue
        if not same and field.parameter.kind != "array":
            found[name] = value
    return found


def recall(form: DeclarationForm, values: Any, **hidden: Any) -> None:
    """Put remembered values into a form. What cannot be used, alone or with the others, stays at the default."""
    if not isinstance(values, dict):
        return
    for name, value in values.items():
        field = form.fields.get(name)
        if field is None or field.parameter.kind == "array":
            continue
        try:
            field.set(value)
            field.get()
        except Exception:  # of another version, or written by hand
            field.set(default_of(field))
    try:
        form.build(**hidden)
    except (InputError, ValueError):
        reset(form)


def reset(form: DeclarationForm) -> None:
    """All parameters to their defaults."""
    for field in form.fields.values():
        field.set(default_of(field))


def default_of(field: Field) -> Any:
    return first_value(field.parameter) if field.parameter.required else field.parameter.default


def _plain(field: Field, value: Any) -> Any:
    if field.parameter.kind == "angles" and not isinstance(value, str):
        return format_angles(value or ())
    return list(value) if isinstance(value, tuple) else value
