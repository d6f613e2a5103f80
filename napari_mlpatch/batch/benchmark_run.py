"""One reconstruction of a benchmark: its figures, and how a folder keeps them."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from napari_mlpatch import io
from napari_mlpatch.core.events import Result

from .folder import Folder

POINTS = 200
"""Of a history, at most so many are kept for the plots."""


@dataclass(frozen=True)
class Run:
    """One reconstruction: the numbers of its image and method in the recipe, its figures or why there are none.

    ``key`` is the hash of all that decides the picture; ``history`` has ``k``, ``seconds`` and ``psnr``.
    """

    image: int
    seed: int
    method: int
    key: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    iterations: int = 0
    converged: bool = False
    peak_bytes: int = 0
    history: tuple[dict[str, float], ...] = field(default=(), repr=False)
    recipe: dict[str, Any] = field(default_factory=dict, repr=False)
    error: str = ""

    @property
    def name(self) -> str:
        """Of its files, without ending."""
        return f"runs/{self.key[:20]}"


def kept(one: Run, result: Result, folder: Folder, with_picture: bool) -> Run:
    """The figures of a result, written into the folder together with its picture."""
    rows = [{key: row[key] for key in ("k", "seconds", "psnr") if key in row} for row in result.history]
    step = -(-len(rows) // POINTS)
    thinned = rows[::step] if step < 2 or rows[-1] in rows[::step] else [*rows[::step], rows[-1]]
    done = dataclasses.replace(
        one,
        metrics={key: float(value) for key, value in result.metrics.items()},
        seconds=result.seconds,
        iterations=result.iterations,
        converged=result.converged,
        peak_bytes=result.peak_bytes,
        history=tuple(thinned),
        recipe=json.loads(result.recipe.to_json()),
    )
    if with_picture:
        path = folder.path / f"{done.name}.tif"
        path.parent.mkdir(exist_ok=True)
        io.write_result(path, result, force=folder.force or folder.is_own(f"{done.name}.tif"))
        folder.own(path)
    about = dataclasses.asdict(done) | {"image": done.image}
    folder.write(f"{done.name}.json", json.dumps(about, indent=1))
    return done


def known(one: Run, folder: Folder, needs_picture: bool) -> Run | None:
    """The figures that an earlier run has left, for the place that they have in this recipe."""
    about = folder.read_json(f"{one.name}.json")
    if not isinstance(about, dict) or about.get("key") != one.key:
        return None
    if needs_picture and not folder.is_own(f"{one.name}.tif"):
        return None
    try:
        found = Run(**about)
    except TypeError:  # of another version
        return None
    return dataclasses.replace(found, image=one.image, seed=one.seed, method=one.method, history=tuple(found.history))
