"""One row of the comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from napari_mlpatch.core.events import Result

from .jobs import Job
from .named import Named, elided
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
    id: int = field(default_factory=next_id)

    @property
    def title(self) -> str:
        """In one line, all that tells it from others."""
        return self.named.title

    @property
    def caption(self) -> str:
        """Short lines for a picture: method with weights, other settings, and the figure that tells how good it is."""
        values = self.result.metrics if self.result else {}
        figure = ""
        if "psnr" in values:
            figure = f"{values['psnr']:.2f} dB"
        elif "relative_residual" in values:
            figure = f"residual {100 * values['relative_residual']:.2f} %"
        return "\n".join(filter(None, [self.named.short, elided(self.named.settings), figure]))
