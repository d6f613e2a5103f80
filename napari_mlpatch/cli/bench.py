"""Compare speed and memory with other programs. Exit code 1 where a required figure is missed or its measurement fails.

Without a name, lists the benchmarks. Arguments that are not its own go to the benchmark:

  mlpatch bench projector --json
  mlpatch bench projector --help
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.paths import bundled

from .output import number, print_json, table

TAKES_REST = True
COLUMNS = ("name", "ours", "theirs", "ratio", "unit", "required", "passed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="which one")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    known = {path.stem.replace("_", "-"): path for path in _files()}
    if args.name is None and args.rest not in ([], ["-h"], ["--help"]):
        raise InputError(f"Name a benchmark first. There are: {', '.join(known)}.")
    if args.name is None:
        if args.json:
            print_json(sorted(known))
        else:
            print(f"{__doc__}\nbenchmarks: {', '.join(known) or 'none'}" if args.rest else "\n".join(known))
        return 0
    if args.name not in known:
        raise InputError(f"There is no benchmark {args.name!r}. There are: {', '.join(known) or 'none'}.")
    with contextlib.redirect_stdout(sys.stderr if args.json else sys.stdout):
        rows = _load(known[args.name]).run(args.rest)
    if args.json:
        print_json(rows)
    else:
        cells = [[_cell(row.get(column)) for column in COLUMNS] for row in rows]
        print(table([COLUMNS, *cells]))
        for note in dict.fromkeys(row["note"] for row in rows if row.get("note")):
            print(f"  {', '.join(row['name'] for row in rows if row.get('note') == note)}: {note}")
    return 1 if any(row["passed"] is False for row in rows) else 0


def _files() -> list[Path]:
    try:
        return sorted(path for path in bundled("benchmarks").glob("*.py") if not path.name.startswith("_"))
    except FileNotFoundError as error:
        raise InputError(str(error)) from None


def _load(path: Path) -> Any:
    """The module of a benchmark, which is not part of the package."""
    spec = importlib.util.spec_from_file_location(f"mlpatch_benchmark_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _cell(value: Any) -> str:
    return {True: "yes", False: "NO"}[value] if isinstance(value, bool) else number(value)
