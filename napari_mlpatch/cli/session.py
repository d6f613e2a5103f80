"""Look into a session that was saved from the window: its problems, and its results with their figures.

  mlpatch session FOLDER
  mlpatch session FOLDER --json

Each result in the folder is a picture with its recipe: `mlpatch replay`, `evaluate` and `figure` take it as it is.
"""

from __future__ import annotations

import argparse
from typing import Any

from .output import duration, number, print_json, shape, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="the folder of a session")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    from napari_mlpatch import io

    session = io.read_session(args.folder)
    if args.json:
        print_json(_facts(session))
        return 0
    for i, saved in enumerate(session.problems):
        A: Any = saved.problem.A
        y = saved.problem.y
        print(f"problem {i + 1}: {saved.title or A.title}, image {shape(A.domain_shape)}, data {shape(y.shape)}")
    keys = list(dict.fromkeys(key for saved in session.results for key in saved.result.metrics))
    rows = [["", "problem", "result", "iterations", "time", *keys]]
    for i, saved in enumerate(session.results):
        result = saved.result
        figures = [number(result.metrics.get(key)) for key in keys]
        mark = "*" if i == session.selected else ""
        title = saved.title or result.recipe.method.name
        rows.append([mark, str(saved.problem + 1), title, str(result.iterations), duration(result.seconds), *figures])
    if session.results:
        print(table(rows))
    return 0


def _facts(session: Any) -> dict[str, Any]:
    return {
        "problems": [
            {
                "title": s.title,
                "operator": s.problem.A.name,
                "source": s.problem.source,
                "sha256": s.problem.fingerprint,
            }
            for s in session.problems
        ],
        "results": [
            {
                "title": s.title,
                "problem": s.problem,
                "shown": s.shown,
                "method": s.result.recipe.method.model_dump(),
                "metrics": s.result.metrics,
                "iterations": s.result.iterations,
                "seconds": s.result.seconds,
            }
            for s in session.results
        ],
        "current": session.current,
        "selected": session.selected,
        "view": dict(session.view),
    }
