"""The part of ``gui.py`` that reconstructs a stack in the window, in a process of its own."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _measure import shepp_logan

SLICES = {
    "begin": "from the click on Run until the volume is on show",
    "slider": "slices come, and the slider is moved over all of them",
    "pause": "paused, and gone on with",
    "end": "the end, with the smaller levels of the volume",
    "cancel": "cancelled",
    "again": "gone on with after that",
}
BEAT_MS = 10
HEIGHTS = 16
"""Slices that the slider goes to while the others are made."""


class Beats:
    """Between two ticks of a timer of the GUI thread: the CPU time that the thread took, and the time that passed."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.cpu, self.wall = [0.0], [0.0]
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._since = time.thread_time(), time.perf_counter()
        self._timer.start(BEAT_MS)

    def _tick(self) -> None:
        now = time.thread_time(), time.perf_counter()
        self.cpu.append(now[0] - self._since[0])
        self.wall.append(now[1] - self._since[1])
        self._since = now

    def longest(self) -> tuple[float, float]:
        """Of those since the last time, in ms: CPU and time."""
        found = 1e3 * max(self.cpu), 1e3 * max(self.wall)
        self.cpu, self.wall = [0.0], [0.0]
        return found

    def close(self) -> None:
        self._timer.stop()


def written(folder: Path, given: dict[str, Any]) -> Path:
    """A scan in Data Exchange whose slices are one phantom, each with another contrast."""
    import h5py
    import numpy as np
    import torch

    import napari_mlpatch as mp

    size, angles, slices = given["size"], given["angles"], given["slices"]
    A = mp.operators.ParallelBeam(image_shape=(size, size), angles_deg=f"0:180:{angles}", detector_count=size)
    y = A(torch.from_numpy(shepp_logan(size))[None, None] / size)[0, 0].numpy()
    path = folder / "scan.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("exchange/data", (angles, slices, size), np.uint16)
        for k in range(angles):
            data[k] = 20000 * np.exp(-np.linspace(0.5, 1.5, slices)[:, None] * y[k])
        file["exchange/data_white"] = np.full((1, slices, size), 20000, np.uint16)
        file["exchange/data_dark"] = np.zeros((1, slices, size), np.uint16)
        file["exchange/theta"] = np.linspace(0.0, 180.0, angles, endpoint=False)
    return path


def ready(path: Path) -> tuple[Any, Any]:
    """The session of a window with all docks, and the one of all slices after FBP of one of them."""
    from gui import open_docks, open_viewer, wait

    here = open_docks(open_viewer())
    page, workbench = here.docks["Problem"].measured, here.workbench
    page.load(path)
    wait(lambda: workbench.scene is not None)
    dock = here.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("fbp"))
    wait(lambda: dock.run_button.isEnabled())
    dock.run_button.click()
    wait(lambda: bool(workbench.entries) and not any(e.job.active for e in workbench.entries))
    dock.panel.slices.click()
    every = here.docks["All slices"]
    wait(lambda: every.cost is not None and every.rows.run.isEnabled())
    return here, every


def slices(given: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Of each act the longest beat of the GUI thread in ms, its CPU time and the time that passed."""
    from gui import wait

    found: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory(prefix="mlpatch-bench-") as name:
        folder = Path(name)
        here, dock = ready(written(folder, given))
        stacks, out = dock.stacks, folder / "first.zarr"

        def rest(seconds: float = given["settle"]) -> None:
            end = time.perf_counter() + seconds
            wait(lambda: time.perf_counter() > end)

        def noted(key: str, act: Callable[[], None]) -> None:
            beats.longest()
            act()
            found[key] = beats.longest()

        def begin() -> None:
            dock.rows.run.click()
            wait(lambda: bool(here.volumes.find(out)) or not stacks.running)
            rest()

        def slider() -> None:
            for k in range(HEIGHTS):
                here.viewer.dims.set_current_step(0, k * (given["slices"] - 1) // (HEIGHTS - 1))
                rest(0.1)

        def pause() -> None:
            dock.rows.pause.click()
            rest()
            dock.rows.pause.click()
            rest()

        def end() -> None:
            wait(lambda: not stacks.running, 1800.0)
            wait(lambda: len(here.volumes.find(out)) == 1 and "in part" not in here.volumes.find(out)[0].name)
            rest()

        def cancel() -> None:
            dock.rows.cancel.click()
            wait(lambda: not stacks.running)
            rest()

        dock.output.set_path(str(out))
        rest()
        beats = Beats()
        for key, act in (("begin", begin), ("slider", slider), ("pause", pause), ("end", end)):
            noted(key, act)
        if stacks.finished is None or not stacks.finished.complete:
            raise SystemExit(f"the run ended early: {stacks.message}")
        out = folder / "second.zarr"
        dock.output.set_path(str(out))
        begin()
        noted("cancel", cancel)
        noted("again", begin)
        beats.close()
        stacks.cancel()
        wait(lambda: not stacks.running)
        here.viewer.close()
    return found


if __name__ == "__main__":
    print(json.dumps(slices(json.loads(sys.argv[2]))))
