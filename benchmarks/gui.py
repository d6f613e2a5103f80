"""How fast the window is there, and whether it stays alive while a job runs.

    mlpatch bench gui [--repeats 3] [--seconds 10] [--size 512] [--angles 180] [--results 20] [--pixels 1024]
                      [--slices 512] [--only-slices] [--json]

*Window*: a fresh process, from its start until the viewer with all docks is on the screen and has painted; one window
before compiles the source, as installing does. *Job*: total variation runs on its thread while a timer on the GUI
thread ticks every 5 ms; the longest gap between two ticks is how long the window was deaf. The first picture, for which
napari makes a layer and its controls, is in the first half. Then the Cancel button is clicked, and the job's state
watched until it is final. *Stage*: with 20 results of 1024 x 1024 a row is selected and ticked, the kind of picture and
the view are switched by the dock's own widgets; of each, the median over several times of the longest gap until
everything is on show. *Views*: the same of views of two results, of values under the cursor, profiles, and 200 iterates
that a slider goes through. *Slices*: a stack is reconstructed from its dock, in as many windows as there are repeats;
of each act, the median of the longest beat: the CPU time that the GUI thread took between two ticks of a timer of
10 ms, which other programs hardly change; the time that passed is in the note. Without a display everything runs under
Xvfb, whose rendering is software: a desktop is faster.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # also when loaded by its path
from _measure import Row, measured, missing, shepp_logan
from _slices import SLICES
from _stage import STAGE
from _views import VIEWS

WINDOW_SECONDS = 5.0
DOCKS_SECONDS = 1.0
STALL_MS = 100.0
CANCEL_MS = 300.0
TICK_MS = 5
PATIENCE_SECONDS = 120.0
NAMES = {
    "window": "window with all docks, from the start of the process",
    "docks": "the docks alone, in a napari that is there; torch is loaded after them",
    "picture": "quick picture of a new problem",
    "shown": "longest stall of the GUI thread until it is on show, the first one",
    "start": "longest stall of the GUI thread in the first second of a job",
    "stall": "longest stall of the GUI thread while TV runs",
    "settled": "longest stall in the second half of that time",
    "cancel": "from the click on Cancel to the job's end",
    "rate": "TV iterations while the window watches",
}


def run(options: list[str]) -> list[Row]:
    """All rows. Raises SystemExit on unknown options."""
    parser = argparse.ArgumentParser(prog="mlpatch bench gui", description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="windows opened, and jobs cancelled")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long the job is watched")
    parser.add_argument("--size", type=int, default=512, help="rows and columns of the image")
    parser.add_argument("--angles", type=int, default=180, help="number of angles")
    parser.add_argument(
        "--results", type=int, default=20, help="results on the stage; 0: not measured, 1: without views of two"
    )
    parser.add_argument("--pixels", type=int, default=1024, help="rows and columns of these results")
    parser.add_argument("--settle", type=float, default=0.5, help="seconds without a gap after which an act is done")
    parser.add_argument("--iterates", type=int, default=200, help="iterates that the slider goes through")
    parser.add_argument("--slices", type=int, default=512, help="slices of the stack; 0: not measured")
    parser.add_argument("--only-slices", action="store_true", help="measure nothing else")
    given = parser.parse_args(options)
    names = (*NAMES.values(), *STAGE.values(), *VIEWS.values(), *SLICES.values())
    screen = [] if os.environ.get("DISPLAY") or not sys.platform.startswith("linux") else ["xvfb-run", "-a"]
    if screen and shutil.which("xvfb-run") is None:
        why = "there is no display and no xvfb-run: apt-get install xvfb"
        return [missing(name, "s", why) for name in names]
    if screen:
        screen += ["-s", "-screen 0 1600x1200x24"]
    environment = {key: value for key, value in os.environ.items() if key != "QT_QPA_PLATFORM"}
    environment["NAPARI_CONFIG"] = ""  # the user's own settings stay out of it
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled once, not at each start
    wanted = json.dumps(vars(given))
    command = [*screen, sys.executable, __file__, "--inside", wanted]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        why = f"the window's process ended with {done.returncode}: {done.stderr.strip()[-300:]}"
        return [missing(name, "s", why) for name in names]
    return json.loads(done.stdout.splitlines()[-1])


def inside(given: dict[str, Any]) -> list[Row]:
    """All rows, where there is a display."""
    if given["only_slices"]:
        return slices_rows(given)
    _child("--window")
    windows = [_child("--window") for _ in range(given["repeats"])]
    jobs = [_child("--job", json.dumps(given)) for _ in range(given["repeats"])]

    stage = _child("--stage", json.dumps(given), file="_stage.py") if given["results"] else {}
    many = f"{given['results']} results of {given['pixels']}x{given['pixels']}"

    def worst(key: str) -> float:
        return max(job[key] for job in jobs)

    what = f"{given['size']}x{given['size']}, {given['angles']} angles"
    total, docks = ([window[key] for window in windows] for key in ("window", "docks"))
    note = f"worst of {len(jobs)} jobs of {given['seconds']:g} s; 99 % of the gaps below {worst('usual'):.0f} ms"
    views = _child("--views", json.dumps(given), file="_views.py") if given["results"] > 1 else {}
    looks = [(STAGE, stage), (VIEWS, views)]
    return [
        measured(NAMES["window"], statistics.median(total), "s", at_most=WINDOW_SECONDS),
        measured(NAMES["docks"], statistics.median(docks), "s", at_most=DOCKS_SECONDS),
        measured(f"{NAMES['picture']}, {what}", 1e3 * worst("picture"), "ms", note="simulating it included"),
        measured(f"{NAMES['shown']}, {what}", worst("shown"), "ms"),
        measured(f"{NAMES['start']}, {what}", worst("start"), "ms", at_most=STALL_MS),
        measured(f"{NAMES['stall']}, {what}", worst("stall"), "ms", at_most=STALL_MS, note=note),
        measured(f"{NAMES['settled']}, {what}", worst("settled"), "ms"),
        measured(f"{NAMES['cancel']}, {what}", worst("cancel"), "ms", at_most=CANCEL_MS),
        measured(f"{NAMES['rate']}, {what}", statistics.median(job["rate"] for job in jobs), "iterations/s"),
        *(
            measured(f"{of[key]}, {many}", ms, "ms", at_most=STALL_MS)
            for of, found in looks
            for key, ms in found.items()
        ),
        *slices_rows(given),
    ]


def slices_rows(given: dict[str, Any]) -> list[Row]:
    """Of each act with a stack, the longest beat."""
    if not given["slices"]:
        return []
    runs = [_child("--slices", json.dumps(given), file="_slices.py") for _ in range(given["repeats"])]
    what = f"{given['slices']} slices of {given['size']}x{given['size']}, {given['angles']} angles"
    rows = []
    for key, name in SLICES.items():
        cpu, wall = (statistics.median(run[key][k] for run in runs) for k in (0, 1))
        note = f"median of {len(runs)} windows, {wall:.0f} ms passed, {os.cpu_count()} cores"
        rows.append(measured(f"longest beat, {name}, {what}", cpu, "ms", at_most=STALL_MS, note=note))
    return rows


def _child(*arguments: str, file: str = "gui.py") -> dict[str, Any]:
    """A file of these in a fresh process, told when it was started."""
    command = [sys.executable, str(Path(__file__).with_name(file)), *arguments, repr(time.time())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{arguments[0]} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def open_viewer() -> Any:
    """napari's window, shown and painted."""
    import napari

    viewer = napari.Viewer(title="MLPatch")
    viewer.window.resize(1500, 1000)
    wait(viewer.window._qt_window.isVisible)
    return viewer


def open_docks(viewer: Any) -> Any:
    """All docks, shown and painted; their session."""
    from napari_mlpatch.gui import open_workbench
    from napari_mlpatch.gui.session import DOCKS, session

    viewer.window.add_dock_widget(open_workbench(), name="Workbench (MLPatch)", area="right")
    here = session(viewer)
    wait(lambda: set(DOCKS) <= set(here.docks))
    wait(lambda: True)  # one more round of events: the docks paint
    return here


def window(started: float) -> dict[str, float]:
    viewer = open_viewer()
    before = time.time()
    open_docks(viewer)
    now = time.time()
    viewer.close()
    return {"window": now - started, "docks": now - before}


def job(given: dict[str, Any]) -> dict[str, float]:
    """Run TV in the window by the dock's own buttons, listen to the GUI thread's pulse, cancel."""
    import numpy as np
    import torch
    from _stage import longest

    import napari_mlpatch as mp
    from napari_mlpatch.workbench.scene import Scene

    viewer = open_viewer()
    here = open_docks(viewer)
    workbench, dock = here.workbench, here.docks["Reconstruct"]
    size, n = given["size"], given["angles"]
    bins = mp.operators.ParallelBeam.suggest((size, size))["detector_count"]

    def scene() -> Scene:
        A = mp.operators.ParallelBeam(image_shape=(size, size), angles_deg=f"0:180:{n}", detector_count=bins)
        noise = mp.noise.Gaussian(relative=0.05)
        return Scene(mp.simulate(torch.from_numpy(shepp_logan(size)), A, noise=noise, seed=0), "benchmark")

    picture = 0.0

    def prepare() -> None:
        nonlocal picture
        clock = time.perf_counter()
        workbench.prepare(scene)
        wait(lambda: workbench.scene is not None)
        picture = time.perf_counter() - clock

    shown = longest(prepare)  # until it has been painted: who clicks on Run has seen it
    dock.method.setCurrentIndex(dock.method.findData("tv"))
    dock.form.set_values({"iterations": 100_000, "tolerance": 0.0})
    wait(lambda: dock.run_button.isEnabled())
    with Pulse() as pulse:
        dock.run_button.click()
        running = workbench.entries[0].job
        wait(lambda: running.k > 0 or not running.active)
        first, clock = running.k, time.perf_counter()
        wait(lambda: time.perf_counter() - clock > given["seconds"] or not running.active)
        rate = (running.k - first) / (time.perf_counter() - clock)
    clock = time.perf_counter()
    dock.cancel.click()
    wait(lambda: not running.active)
    cancel = time.perf_counter() - clock
    if running.state != "cancelled":
        raise SystemExit(f"the job was {running.state} before it could be cancelled: {running.message}")
    viewer.close()
    gaps = 1e3 * np.diff(pulse.ticks)
    later = gaps[np.array(pulse.ticks[1:]) > (pulse.ticks[0] + pulse.ticks[-1]) / 2]
    soon = np.array(pulse.ticks[1:]) - pulse.ticks[0] < 1.0
    soon[: 1 + int(np.argmin(soon))] = True  # the one that is longer, too
    return {
        "picture": picture,
        "shown": shown,
        "start": float(gaps[soon].max()),
        "stall": float(gaps.max()),
        "settled": float(later.max()),
        "usual": float(np.percentile(gaps, 99)),
        "cancel": 1e3 * cancel,
        "rate": rate,
    }


class Pulse:
    """The times at which the GUI thread was free to answer a timer."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.ticks = [time.perf_counter()]
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(lambda: self.ticks.append(time.perf_counter()))

    def __enter__(self) -> Pulse:
        self._timer.start(TICK_MS)
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.stop()


def wait(condition: Callable[[], bool], patience: float = PATIENCE_SECONDS) -> None:
    """Run the event loop until the condition holds."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop, timer = QEventLoop(), QTimer()
    deadline = time.perf_counter() + patience
    timer.timeout.connect(lambda: loop.quit() if condition() or time.perf_counter() > deadline else None)
    timer.start(TICK_MS)
    loop.exec()
    timer.stop()
    if not condition():
        raise SystemExit(f"waited {patience:g} s in vain")


if __name__ == "__main__":
    kind, *rest = [*sys.argv[1:], ""][:3]
    if kind == "--inside":
        print(json.dumps(inside(json.loads(rest[0]))))
    elif kind == "--window":
        print(json.dumps(window(float(rest[0]))))
    elif kind == "--job":
        print(json.dumps(job(json.loads(rest[0]))))
    else:
        for row in run(sys.argv[1:]):
            print(json.dumps(row, ensure_ascii=False))
