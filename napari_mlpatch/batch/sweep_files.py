"""A sweep in a folder: table (CSV, JSON), contact sheet, L-curve, the best recipe and picture."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

from napari_mlpatch import io as files

from .folder import Folder
from .sheet import contact_sheet, l_curve, png
from .sweep import Sweep


def rows(sweep: Sweep) -> list[dict[str, Any]]:
    """One flat row for each combination, in plain JSON values; None for what is not known."""
    names = list(dict.fromkeys(axis.name for axis in sweep.axes))
    keys = list(dict.fromkeys(key for cell in sweep.cells for key in cell.metrics))
    found = []
    for i, cell in enumerate(sweep.cells):
        row: dict[str, Any] = {"method": cell.method, "weights": cell.weights}
        row |= {name: cell.values.get(name) for name in names}
        row |= {key: cell.metrics.get(key) for key in keys}
        row |= {"residual_norm": cell.lengths[0], "penalty": cell.penalty, "penalty_size": cell.lengths[1]}
        row |= {"iterations": cell.iterations, "converged": cell.converged, "seconds": cell.seconds}
        row |= {"best": i == sweep.best, "error": cell.error or None}
        found.append({k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()})
    return found


def as_csv(table: list[dict[str, Any]]) -> str:
    """A table with a heading, empty where nothing is known."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def write_sweep(folder: Folder, sweep: Sweep) -> list[Path]:
    """Write all files and give their paths. Raises InputError like ``Folder``."""
    table = rows(sweep)
    about = {
        "axes": [{"name": a.label, "values": list(a.values)} for a in sweep.axes],
        "ranked_by": sweep.ranked_by or ("corner of the L-curve" if sweep.corner else None),
        "best": sweep.best,
        "corner": None if sweep.corner is None else {"index": sweep.corner.index, "value": sweep.corner.value},
        "cells": table,
    }
    written = [
        folder.write("sweep.csv", as_csv(table)),
        folder.write("sweep.json", json.dumps(about, indent=1, allow_nan=False, ensure_ascii=False)),
        folder.write("sheet.png", png(contact_sheet(sweep))),
    ]
    curve = l_curve(sweep)
    if curve is not None:
        written.append(folder.write("l-curve.png", png(curve)))
    recipe = None if sweep.best is None else sweep.cells[sweep.best].recipe
    if recipe is not None:
        written.append(folder.write("best.json", recipe.to_json()))
    if sweep.found is not None:
        path = folder.path / "best.tif"
        files.write_result(path, sweep.found, force=folder.force or folder.is_own("best.tif"))
        folder.own(path)
        written.append(path)
    return written
