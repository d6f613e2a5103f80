"""How long views of two results keep the window's thread, in a process of its own: ``python benchmarks/_views.py``.

Of each act the thread's own seconds are counted, from the event to the end of the painting that follows: another
program that uses the processor does not change them much.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _measure import shepp_logan

VIEWS = {
    "switch": "from one view of two results to the next",
    "wipe": "a step of a wipe's line",
    "lens": "a step of the lens",
    "blink": "a blink",
    "values": "a step of the cursor, values of all results",
    "profile": "a step of a line, profiles of all results",
}
SIZE = 1024
STEPS = 15


def views(count: int) -> dict[str, float]:
    """Medians in ms of the window's thread."""
    import torch
    from gui import open_docks, open_viewer, wait

    import napari_mlpatch as mp
    from napari_mlpatch.workbench.scene import Scene

    viewer = open_viewer()
    here = open_docks(viewer)
    workbench, stage, plots = here.workbench, here.stage, here.docks["Compare"].plots

    def scene() -> Scene:
        A, noise = mp.operators.Identity(image_shape=(SIZE, SIZE)), mp.noise.Gaussian(relative=0.1)
        return Scene(mp.simulate(torch.from_numpy(shepp_logan(SIZE)), A, noise=noise, seed=0), "benchmark")

    workbench.prepare(scene)
    wait(lambda: workbench.scene is not None)
    for i in range(count):
        workbench.run(mp.methods.Tikhonov(iterations=1, weight=0.1 * (i + 1)))
    for entry in workbench.entries:
        wait(lambda entry=entry: not entry.job.active)
    wait(lambda: all(stage.layer_of(e) is not None for e in workbench.entries))
    workbench.select(workbench.entries[0])
    workbench.set_other(workbench.entries[1])
    places = [(SIZE * (0.2 + 0.04 * i), SIZE * (0.8 - 0.04 * i)) for i in range(STEPS)]
    found: dict[str, float] = {}
    names = ("wipe", "lens", "difference", "checkerboard", "wipe", "difference", "lens")
    stage.set_view("wipe")
    rest()
    found["switch"] = statistics.median(_spent(lambda name=name: stage.set_view(name)) for name in names[1:])
    for name, act in (("wipe", "drag"), ("lens", "look")):
        stage.set_view(name)
        rest()
        found[name] = statistics.median(_spent(lambda at=at, act=act: getattr(stage.view, act)(at)) for at in places)
    stage.set_view("blink")
    rest()
    stage.view.timer.stop()
    found["blink"] = statistics.median(_spent(stage.view.flip) for _ in places)
    stage.set_view("single")
    values = plots.plot("values")
    rest()

    def hover(at: tuple[float, float]) -> None:
        values.at = at
        values.show()

    found["values"] = statistics.median(_spent(lambda at=at: hover(at)) for at in places)
    profile = plots.plot("profile")
    rest()
    profile._held = "end"
    found["profile"] = statistics.median(_spent(lambda at=at: profile._to(at)) for at in places)
    viewer.close()
    return found


def rest() -> None:
    """Let the window do what it has to."""
    from qtpy.QtWidgets import QApplication

    end = time.perf_counter() + 0.5
    while time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def _spent(act: Callable[[], Any]) -> float:
    """Milliseconds of this thread for an act and all events that it causes."""
    from qtpy.QtWidgets import QApplication

    before = time.thread_time()
    act()
    for _ in range(3):
        QApplication.processEvents()
        time.sleep(0.002)
    spent = time.thread_time() - before
    rest()
    return 1e3 * spent


if __name__ == "__main__":
    print(json.dumps(views(int(sys.argv[1]) if len(sys.argv) > 1 else 20)))
