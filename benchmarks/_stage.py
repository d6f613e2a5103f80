"""The part of ``gui.py`` that looks through many results, in a process of its own."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _measure import shepp_logan

STAGE = {
    "select": "a row selected, one picture on show",
    "tick": "a row ticked, one picture on show",
    "kind": "picture or error of the selected result",
    "view": "from one picture to all in a grid, or back",
    "grid_select": "a row selected, all in a grid",
    "grid_tick": "a row ticked, all in a grid",
}
settle_seconds = 0.5
"""Without a gap, after which what was asked for counts as done. Set by ``populated``."""


def populated(given: dict[str, Any]) -> Any:
    """The session of a window with all docks and with results of ``pixels`` x ``pixels``, the first one selected."""
    global settle_seconds
    settle_seconds, count, side = given["settle"], given["results"], given["pixels"]
    import torch
    from gui import open_docks, open_viewer, wait

    import napari_mlpatch as mp
    from napari_mlpatch.workbench.scene import Scene

    here = open_docks(open_viewer())
    workbench = here.workbench

    def scene() -> Scene:
        A, noise = mp.operators.Identity(image_shape=(side, side)), mp.noise.Gaussian(relative=0.1)
        return Scene(mp.simulate(torch.from_numpy(shepp_logan(side)), A, noise=noise, seed=0), "benchmark")

    workbench.prepare(scene)
    wait(lambda: workbench.scene is not None)
    for i in range(count):
        workbench.run(mp.methods.Tikhonov(iterations=1, weight=0.1 * (i + 1)), select=i == 0)
    wait(lambda: not any(e.job.active for e in workbench.entries))
    wait(lambda: all(here.stage.layer_of(e) is not None for e in workbench.entries))
    return here


def median(acts: Iterable[Callable[[], Any]]) -> float:
    """Of the longest gaps in ms after each of these."""
    return statistics.median(longest(act) for act in acts)


def stage(given: dict[str, Any]) -> dict[str, float]:
    """Longest gaps of the GUI thread while a person looks through many results, medians in ms."""
    from qtpy.QtCore import Qt

    count = given["results"]
    here = populated(given)
    compare = here.docks["Compare"]

    def tick(row: int, on: bool) -> None:
        state = Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
        compare.table.item(row, 0).setCheckState(state)

    def kind(name: str) -> None:
        compare.bar.kind.setCurrentIndex(compare.bar.kind.findData(name))

    rows, few = [7 * i % count for i in range(1, 8)], [3 * i % count for i in range(1, 4)]
    select = [lambda row=row: compare.table.selectRow(row) for row in rows]
    ticks = [lambda row=row, on=on: tick(row, on) for row in few for on in (False, True)]
    views = [lambda name=name: compare.bar.actions_of[name].trigger() for name in ("grid", "single") * 3]
    kinds = [lambda name=name: kind(name) for name in ("error", "picture") * 3]
    found = {"select": median(select), "tick": median(ticks), "kind": median(kinds), "view": median(views)}
    compare.bar.actions_of["grid"].trigger()
    longest(lambda: None)
    found |= {"grid_select": median(select), "grid_tick": median(ticks)}
    here.viewer.close()
    return found


def longest(act: Callable[[], Any]) -> float:
    """Do something, and give the longest gap in ms until the window has been at rest for a while."""
    import numpy as np
    from gui import TICK_MS, Pulse, wait

    wait(lambda: True)
    with Pulse() as pulse:
        act()
        end = time.perf_counter() + settle_seconds

        def rests() -> bool:
            nonlocal end
            gaps = np.diff(pulse.ticks[-3:])
            if len(gaps) and gaps.max() > 4 * TICK_MS / 1e3:
                end = time.perf_counter() + settle_seconds
            return time.perf_counter() > end

        wait(rests)
    return 1e3 * float(np.diff(pulse.ticks).max())


if __name__ == "__main__":
    print(json.dumps(stage(json.loads(sys.argv[2]))))
