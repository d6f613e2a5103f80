"""The file that a command writes: it never takes the place of one that the command reads."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HELP = "replace the file of --out, also where it is an input, or not as this program wrote it"


def add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help=HELP)


def checked(args: argparse.Namespace, suffixes: Sequence[str] | None = None, kind: Any = "picture") -> Path:
    """The path of ``args.out``, fit to be written to. Raises InputError like ``io.check_writable``.

    Inputs are all files that the command line names, by themselves or as KEY=FILE, and those behind them: in folders,
    and where links lead, see ``io.inputs_of``.
    """
    from napari_mlpatch import io

    given = {name: value for name, value in vars(args).items() if name != "out"}
    known = {} if suffixes is None else {"suffixes": suffixes}
    return io.check_writable(args.out, **known, force=args.force, kind=kind, inputs=io.inputs_of(given))


def refuse_source(out: Path, source: Any, force: bool) -> None:
    """The same for the files that a recipe names as the source of its data."""
    from napari_mlpatch import io

    if not force:
        io.refuse_inputs(out, io.inputs_of(source))
