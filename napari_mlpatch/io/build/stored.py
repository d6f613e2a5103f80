"""A complete measurement of this program with another geometry."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.declare import build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators

from ..angles import resolve_angles

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem


def changed(problem: Problem, options: dict[str, Any], source: dict[str, Any]) -> Problem:
    """The same data with another geometry: ``options`` replace the operator's parameters.

    Raises InputError for options that the operator does not have.
    """
    if not options:
        return problem
    from napari_mlpatch.operators.center import find_center

    described = describe(problem.A)
    unknown = sorted(set(options) - set(described["params"]))
    if unknown:
        raise InputError(
            f"The option(s) {', '.join(unknown)} do not apply: the file holds a complete measurement, of which only "
            f"{', '.join(described['params'])} can be changed."
        )
    changes, notes = dict(options), problem.notes
    if "angles_deg" in changes:
        changes["angles_deg"] = resolve_angles(changes["angles_deg"], source.get("options", {}).get("angle_unit"))
    if changes.get("center") == "auto":
        angles = changes.get("angles_deg", described["params"]["angles_deg"])
        center = find_center(problem.y[len(problem.y) // 2, 0].cpu().numpy(), angles)
        changes["center"], notes = center.value, (*notes, center.note)
    A = build(operators, {"name": described["name"], "params": {**described["params"], **changes}})
    if A.range_shape != problem.A.range_shape:
        raise InputError(
            f"With these options data have shape {list(A.range_shape)}, "
            f"but the file's have {list(problem.A.range_shape)}. Give one angle for each row."
        )
    return dataclasses.replace(problem, A=A, source=source, notes=notes)
