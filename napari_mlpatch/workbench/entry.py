"""One row of the comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_mlpatch.core.events import Result

from .jobs import Job, to_image
from .named import Named
from .numbers import next_id
from .scene import Scene


@dataclass(eq=False)
class Entry:
    """One row of the comparison: a method on a scene, its job, and its last good result."""

    named: Named
    scene: Scene
    method: dict[str, Any]
    job: Job
    result: Result | None = None
    shown: bool = True
    number: int = 0
    """Of its colour: the smallest that no other result has."""
    id: int = field(default_factory=next_id)
    region: dict[str, float] = field(default_factory=dict)
    """Figures in the region of interest, where there is one: see ``Figures``."""
    _last: tuple[Result, np.ndarray] | None = field(default=None, repr=False)

    @property
    def title(self) -> str:
        """In one line, all that tells it from others."""
        return self.named.title

    @property
    def frame(self) -> np.ndarray | None:
        """The picture that there is to show: the newest iterate, the result, before both the scene's quick picture."""
        job, result = self.job, self.result
        if job.state in ("failed", "cancelled") or job.frame is None:
            return self.last if result is not None else self.scene.preview if job.active else None
        return job.frame

    @property
    def last(self) -> np.ndarray | None:
        """The picture of the last good result, kept while the next one is made or if that fails."""
        result = self.result
        if result is None:
            return None
        if self._last is None or self._last[0] is not result:
            self._last = (result, to_image(self.scene.problem.A.picture(result.x)))
        return self._last[1]
