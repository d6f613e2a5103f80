"""A stack whose run is killed again and again: the volume is the same to the bit, and hardly a block is computed twice.

    mlpatch bench kills [--kills 20] [--blocks 40] [--size 192] [--json]

The run is started, ended by SIGKILL after a random time, up to that of a few blocks, and started again, until it has
been killed so often; then it may end. Compared is the volume with that of a run that nobody disturbed. A block counts
as computed when its pictures are there; required is that no more of them are computed again than there were kills.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))  # also when loaded by its path
from _measure import Row, measured, positive
from batch import Stack

import napari_mlpatch as mp
from napari_mlpatch.stacks import job, work
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.stack_recipe import StackRecipe


def run(options: list[str]) -> list[Row]:
    """All rows. Raises SystemExit on unknown options."""
    parser = argparse.ArgumentParser(prog="mlpatch bench kills", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=positive, default=20)
    parser.add_argument("--blocks", type=positive, default=40)
    parser.add_argument("--size", type=positive, default=192, help="rows and columns of a slice")
    parser.add_argument("--iterations", type=positive, default=30, help="of the method, which take time")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(options)
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="mlpatch-bench-") as name:
        folder = Path(name)
        stack = Stack(folder, given.size, given.size // 2, 2 * given.blocks)
        recipe = stack.recipe(mp.methods.TV(weight=1e-4, iterations=given.iterations, tolerance=0), block=2)
        (folder / "recipe.json").write_text(recipe.to_json())
        whole, log = folder / "whole.zarr", folder / "computed"
        begin = time.perf_counter()
        _until(folder, stack.path, whole, folder / "whole.log", None)
        each = (time.perf_counter() - begin) / given.blocks
        out, kills, starts = folder / "killed.zarr", 0, 0
        while True:
            wait = each * chance.uniform(0.2, 3.0) if kills < given.kills else None
            starts += 1
            if not _until(folder, stack.path, out, log, wait):
                break
            kills += 1
        computed = len(log.read_text().split())
        same = _same(whole, out)
    redone = computed - given.blocks
    note = f"{kills} kills, {starts} starts, {computed} blocks computed of {given.blocks}, seed {given.seed}"
    return [
        measured("kills", kills, "", note=note),
        measured("values that differ from an undisturbed run", same, "", at_most=0),
        measured("blocks computed again, for each kill", redone / max(kills, 1), "", at_most=1),
    ]


def _until(folder: Path, path: Path, out: Path, log: Path, wait: float | None) -> bool:
    """Run, and kill it so many seconds after its first new block or its first step; whether it had to be killed."""
    log.touch()
    begun = folder / "begun"
    begun.unlink(missing_ok=True)
    words = [sys.executable, __file__, str(folder / "recipe.json"), str(path), str(out), str(log), str(begun)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        while process.poll() is None and (wait is None or not begun.exists()):
            time.sleep(0.005)
        if wait is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait)
    finally:
        killed = process.poll() is None
        if killed:
            process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        code = process.wait()
    if not killed and code:
        raise RuntimeError(f"the run ended with {code}")
    return killed


def _same(one: Path, other: Path) -> int:
    """How many values differ."""
    import zarr

    a, b = (zarr.open_group(str(path), mode="r") for path in (one, other))
    count = 0
    for name, array in a.arrays():
        count += int((np.asarray(array[:]) != np.asarray(b[name][:])).sum())  # type: ignore[index]
    return count


def child(recipe: str, path: str, out: str, log: str, begun: str) -> None:
    """The run, which notes each block that it has computed."""
    compute = work.Tools.compute

    def noted(self: work.Tools, loaded: job.Loaded, start: int, *told: object) -> object:
        Path(begun).touch()
        x = compute(self, loaded, start, *told)  # type: ignore[arg-type]
        with open(log, "a", encoding="utf-8") as temporary:
            temporary.write(f"{start}\n")
            temporary.flush()
            os.fsync(temporary.fileno())
        return x

    work.Tools.compute = noted  # type: ignore[method-assign,assignment]
    for _ in run_stack(StackRecipe.from_json(Path(recipe).read_text()), path, out):
        pass


if __name__ == "__main__":
    child(*sys.argv[1:])
