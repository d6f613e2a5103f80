"""All slices of a stack, with input and output, beside the bare operator, other programs, and other numbers of workers.

    mlpatch bench batch [--size 2048] [--angles 1500] [--slices 24] [--memory 256,512,1024] [--quick] [--json]

A stack is written as Data Exchange (counts in 16 bits) and reconstructed into OME-Zarr. Rows:

- *FBP*: seconds for a slice from file to file, once the tables are made; required are 4 slices a second at the usual
  size, 0.9 of the speed of the operator alone in a loop (data in memory, nothing written), and 5 times the speed of the
  best of scikit-image and Algotom, which compute one slice of line integrals that is in memory already;
- *Dask*: the same on a cluster of one worker with all cores (required: at most 5 % slower), and two workers of one core
  beside one such worker (required: 1.7 times as fast), each bound to its core where the system can, or reading and
  writing would take a part of another; counted is from the first block to the last;
- *memory*: the peak of a process of its own above what it had before, as a multiple of what the run said it would take,
  on stacks of several lengths of ``--memory-size``: at most 1.2, whatever the length;
- *iterations*: total variation at the usual size, and total variation and plug-and-play ADMM with MLPatch on a stack of
  smaller slices.

``--only`` takes some of these. Figures mean something on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

sys.path.insert(0, str(Path(__file__).parent))  # also when loaded by its path
from _measure import Pair, Row, compared, failed, listed, measured, missing, positive, shepp_logan

import napari_mlpatch as mp
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.stacks.events import BlockDone, Finished, Started
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.stack_recipe import StackRecipe

WEIGHTS = "mlpatch-ct-small"
NUMBERS = itertools.count()
PARTS = ("fbp", "peers", "dask", "memory", "iterations")
QUICK = {"size": 256, "angles": 180, "slices": 12, "memory": [16, 32], "memory_size": 128, "iterated": 4, "repeats": 1}
QUICK |= {"iterated_size": 64}


def run(options: list[str]) -> list[Row]:
    """All rows. Raises SystemExit on unknown options."""
    parser = argparse.ArgumentParser(prog="mlpatch bench batch", description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=positive, default=2048, help="rows and columns of a picture, and bins")
    parser.add_argument("--angles", type=positive, default=1500)
    parser.add_argument("--slices", type=positive, default=24, help="of the stack that is timed")
    parser.add_argument("--block", type=positive, default=None, help="slices of a block (as a run chooses)")
    parser.add_argument("--memory", type=listed(positive), default="256,512,1024", help="slices of the stacks")
    parser.add_argument("--memory-size", type=positive, default=512, help="rows and columns of these")
    parser.add_argument("--iterated", type=positive, default=64, help="slices of the stack that is iterated on")
    parser.add_argument("--iterated-size", type=positive, default=512, help="rows and columns of these")
    parser.add_argument("--repeats", type=positive, default=3)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="all sizes small, to see that it works")
    given = parser.parse_args(options)
    if given.quick:
        vars(given).update(QUICK)
    usual = (given.size, given.angles) == (2048, 1500)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mlpatch-bench-") as folder:
        if {"fbp", "peers", "dask"} & set(given.only):
            stack = Stack(Path(folder), given.size, given.angles, given.slices)
            if "fbp" in given.only:
                rows += fbp_rows(stack, given, usual)
            if "peers" in given.only:
                rows += peer_rows(stack, given, usual)
            if "dask" in given.only:
                rows += dask_rows(stack, given, usual)
            stack.remove()
        if "memory" in given.only:
            rows += memory_rows(Path(folder), given, not given.quick)
        if "iterations" in given.only:
            rows += iteration_rows(Path(folder), given, usual)
    return rows


class Stack:
    """A scan of discs and a phantom in a file, its operator with tables, and the line integrals of one slice."""

    def __init__(self, folder: Path, size: int, angles: int, slices: int):
        import h5py

        self.path = folder / f"scan-{size}-{slices}.h5"
        self.folder, self.slices = folder, slices
        degrees = np.linspace(0.0, 180.0, angles, endpoint=False)
        self.A = mp.operators.ParallelBeam(image_shape=(size, size), angles_deg=tuple(degrees), detector_count=size)
        image = torch.from_numpy(0.7 * shepp_logan(size))[None, None] * (2.0 / size)
        y = self.A(image)[0, 0].numpy()
        random = np.random.default_rng(0)
        with h5py.File(self.path, "w") as file:
            data = file.create_dataset("exchange/data", (angles, slices, size), np.uint16)
            for k in range(slices):
                noise = 20.0 * random.standard_normal(y.shape, np.float32)
                data[:, k] = (100.0 + 20000.0 * np.exp(-y * (0.5 + 0.5 * k / slices)) + noise).astype(np.uint16)
            file["exchange/data_white"] = np.full((4, slices, size), 20100, np.uint16)
            file["exchange/data_dark"] = np.full((4, slices, size), 100, np.uint16)
            file["exchange/theta"] = degrees
        problem = mp.io.read_measurement(self.path)
        self.problem = problem
        self.y = problem.y

    def recipe(self, method: Any = None, block: int | None = None) -> StackRecipe:
        return StackRecipe(recipe=Recipe.of(self.problem, method or mp.methods.FBP()), block=block)

    def seconds(self, recipe: StackRecipe, executor: Any = None, *, steady: bool = False) -> float:
        """Of a slice, from file to file; ``steady`` from the first block on."""
        out = self.folder / f"{next(NUMBERS)}.zarr"
        first = begin = end = 0.0
        done = before = 0
        for event in run_stack(recipe, self.path, out, executor=executor):
            now = time.perf_counter()
            if isinstance(event, Started):
                begin = now
            elif isinstance(event, BlockDone):
                if not done:
                    first, before = now, len(event.block)
                done, end = done + len(event.block), now
            elif isinstance(event, Finished):
                assert event.complete, event.message
                end = end if steady else now
        shutil.rmtree(out)
        return (end - first) / max(done - before, 1) if steady else (end - begin) / done

    def remove(self) -> None:
        self.path.unlink()


def fbp_rows(stack: Stack, given: argparse.Namespace, usual: bool) -> list[Row]:
    recipe = stack.recipe(block=given.block)
    begin = time.perf_counter()
    stack.A.pinv(stack.y)
    first = time.perf_counter() - begin

    def bare() -> float:
        begin = time.perf_counter()
        with torch.no_grad():
            for _ in range(given.slices):
                stack.A.pinv(stack.y)
        return (time.perf_counter() - begin) / given.slices

    times = [(stack.seconds(recipe), bare()) for _ in range(given.repeats)]
    pair = Pair([ours for ours, _ in times], [theirs for _, theirs in times])
    slowest = 0.25 if usual else None
    return [
        measured("FBP, the first slice, with its tables", first, "s"),
        measured("FBP, file to file, a slice", statistics.median(pair.ours), "s", at_most=slowest),
        compared("FBP, file to file, beside the operator alone", pair, required=0.9 if usual else None),
    ]


def peer_rows(stack: Stack, given: argparse.Namespace, usual: bool) -> list[Row]:
    """The best of the others, and each of them, against us from file to file."""
    recipe, y = stack.recipe(block=given.block), stack.y[0, 0].numpy()
    degrees = np.asarray(stack.A.angles_deg)
    peers: dict[str, Any] = {}
    from skimage.transform import iradon

    peers["scikit-image iradon"] = lambda: iradon(y.T, theta=degrees, circle=True, filter_name="ramp")
    try:
        from algotom.rec import reconstruction as algotom
    except ImportError:
        pass
    else:
        middle, radians = (y.shape[1] - 1) / 2, np.radians(degrees)
        common = {"angles": radians, "apply_log": False}
        peers["Algotom FBP"] = lambda: algotom.fbp_reconstruction(y, middle, filter_name=None, gpu=False, **common)
        peers["Algotom DFI"] = lambda: algotom.dfi_reconstruction(y, middle, filter_name=None, **common)
    ours = stack.seconds(recipe)
    rows, found = [], {}
    for name, reconstruct in peers.items():
        if name.startswith("Algotom"):
            reconstruct()  # compiled at the first call
        begin = time.perf_counter()
        reconstruct()
        found[name] = time.perf_counter() - begin
        rows.append(compared(f"FBP beside {name}", Pair([ours], [found[name]])))
    best = min(found, key=lambda name: found[name])
    note = f"the best is {best}" + ("" if len(found) > 1 else "; Algotom is not installed")
    required = 5.0 if usual else None
    return [*rows, compared("FBP beside the best other", Pair([ours], [found[best]]), required=required, note=note)]


def dask_rows(stack: Stack, given: argparse.Namespace, usual: bool) -> list[Row]:
    from napari_mlpatch.core.errors import InputError
    from napari_mlpatch.stacks.executors.cluster import Cluster

    recipe = stack.recipe(block=given.block or max(1, given.slices // 12))
    names = ("one Dask worker beside none", "two workers of one core beside one")
    needed = (0.95, 1.7) if usual else (None, None)

    def on(workers: int, cores: int | None = None) -> float:
        with Cluster(workers=workers, cores=cores) as cluster:
            if cores == 1:
                bind(cluster)
            return stack.seconds(recipe, cluster, steady=True)

    try:
        alone = [(on(1), stack.seconds(recipe, steady=True)) for _ in range(given.repeats)]
        shared = [(on(2, cores=1), on(1, cores=1)) for _ in range(given.repeats)]
    except InputError as error:
        return [missing(name, "ms", str(error), required=floor) for name, floor in zip(names, needed, strict=True)]
    return [
        compared(name, Pair(*map(list, zip(*times, strict=True))), required=floor)
        for name, times, floor in zip(names, (alone, shared), needed, strict=True)
    ]


def bind(cluster: Any) -> None:
    """Let each worker keep to a core of its own, where the system can."""

    def to(core: int) -> None:
        for thread in psutil.Process().threads():
            os.sched_setaffinity(thread.id, {core})

    if hasattr(os, "sched_setaffinity"):
        workers = cluster.client.scheduler_info()["workers"]
        for core, worker in zip(sorted(os.sched_getaffinity(0)), workers, strict=False):
            cluster.client.run(to, core, workers=[worker])


def memory_rows(folder: Path, given: argparse.Namespace, usual: bool) -> list[Row]:
    rows, limit = [], 1.2 if usual else None
    for slices in given.memory:
        stack = Stack(folder, given.memory_size, max(8, int(0.75 * given.memory_size)), slices)
        (folder / "recipe.json").write_text(stack.recipe().to_json())
        words = [sys.executable, __file__, str(folder / "recipe.json"), str(stack.path), str(folder / f"{slices}.zarr")]
        name = f"memory, {slices} slices of {given.memory_size}"
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            rows.append(failed(f"{name}, peak / estimate", "x", done.stderr.strip()[-200:], required=limit))
        else:
            found = json.loads(done.stdout)
            rows.append(measured(f"{name}, estimate", found["estimate"] / 2**20, "MiB"))
            rows.append(measured(f"{name}, peak / estimate", found["peak"] / found["estimate"], "x", at_most=limit))
        stack.remove()
        shutil.rmtree(folder / f"{slices}.zarr", ignore_errors=True)
    return rows


def iteration_rows(folder: Path, given: argparse.Namespace, usual: bool) -> list[Row]:
    rows = []
    stack = Stack(folder, given.size, given.angles, 2)
    with torch.no_grad():
        for kind, weight in {"weight from the noise": None, "nearly no weight": 1e-4}.items():
            made = [time.perf_counter() for k in mp.methods.TV(weight=weight, iterations=7).solve(stack.problem) if k]
            each = statistics.median(np.diff(made)) if len(made) > 1 else float("nan")
            limit = 3.0 if usual and weight is None else None  # with less, each takes ten steps of CG instead of three
            rows.append(measured(f"TV, {given.size}, an iteration of a slice, {kind}", each, "s", at_most=limit))
    stack.remove()
    stack = Stack(folder, given.iterated_size, max(8, given.iterated_size // 2), given.iterated)
    for title, method in {
        "TV, 30 iterations": mp.methods.TV(weight=1e-4, iterations=30, tolerance=0),
        "MLPatch-ADMM, 8 iterations": mp.methods.PnPADMM(iterations=8, sigma=0.03),
    }.items():
        name = f"{title}, {given.iterated} slices of {given.iterated_size}, a slice"
        sha256 = mp.weights.find(WEIGHTS).card.sha256 if method.needs_network else None
        recipe = StackRecipe(recipe=Recipe.of(stack.problem, method, weights=sha256))
        rows.append(measured(name, stack.seconds(recipe), "s"))
    return rows


def child(recipe: str, path: str, out: str) -> None:
    """In a process of its own: the peak of its memory above what it had before, and what the run expected."""
    import psutil

    from napari_mlpatch.core.meter import Meter

    expected = 0
    torch.mm(torch.rand(64, 64), torch.rand(64, 64))
    with Meter(torch.device("cpu")) as meter:
        for event in run_stack(StackRecipe.from_json(Path(recipe).read_text()), path, out):
            if isinstance(event, Started):
                expected = event.bytes
    peak = meter.peak_bytes + meter.aside
    print(json.dumps({"estimate": expected, "peak": peak, "now": psutil.Process().memory_info().rss}))


if __name__ == "__main__":
    child(*sys.argv[1:])
