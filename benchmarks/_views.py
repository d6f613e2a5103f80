"""The part of ``gui.py`` that looks at two results at a time, at values and at iterates, in a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _stage import median, populated

VIEWS = {
    "switch": "from one view of two results to the next",
    "wipe": "a step of a wipe's line",
    "lens": "a step of the lens",
    "blink": "a blink",
    "values": "a step of the cursor, values of all results",
    "profile": "a step of a line, profiles of all results",
    "scrub": "a step of the slider through all iterates",
}
STEPS = 9


def views(given: dict[str, Any]) -> dict[str, float]:
    """Longest gaps of the GUI thread after each act, medians in ms. At least two results."""
    from gui import wait

    import napari_mlpatch as mp

    side = given["pixels"]
    here = populated(given)
    workbench, stage, compare = here.workbench, here.stage, here.docks["Compare"]
    workbench.set_other(workbench.entries[1])
    places = [(side * (0.2 + 0.06 * i), side * (0.8 - 0.06 * i)) for i in range(STEPS)]
    found: dict[str, float] = {}

    def go(name: str) -> None:
        compare.bar.actions_of[name].trigger()

    go("wipe")
    pairs = ("lens", "difference", "checkerboard", "wipe", "composite", "wipe", "difference")
    found["switch"] = median(lambda name=name: go(name) for name in pairs)
    for name, act in (("wipe", "drag"), ("lens", "look")):
        go(name)
        found[name] = median(lambda at=at, act=act: getattr(stage.view, act)(at) for at in places)
    go("blink")
    wait(lambda: stage.view.timer.isActive())
    stage.view.timer.stop()
    found["blink"] = median(stage.view.flip for _ in places)
    go("single")
    values = compare.plots.plot("values")
    found["values"] = median(lambda at=at: values._moved(here.viewer, SimpleNamespace(position=at)) for at in places)
    profile = compare.plots.plot("profile")
    profile._held = "end"
    found["profile"] = median(lambda at=at: profile._to(at) for at in places)
    entry = workbench.run(mp.methods.Tikhonov(weight=100.0, iterations=given["iterates"], tolerance=0.0))
    wait(lambda: not entry.job.active, patience=600.0)
    iterations = compare.plots.plot("iterations")
    wait(lambda: len(iterations.ks) > 1)
    found["scrub"] = median(lambda row=row: iterations.slider.setValue(row) for row in _rows(len(iterations.ks)))
    here.viewer.close()
    return found


def _rows(count: int) -> Iterator[int]:
    """Places all over a slider."""
    return (int(count * (i + 0.5) / STEPS) for i in range(STEPS))


if __name__ == "__main__":
    print(json.dumps(views(json.loads(sys.argv[2]))))
