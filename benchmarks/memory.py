"""Memory of a training step of MLPatch beside the image's size, and beside other networks.

    mlpatch bench memory [--sizes 128,256,512,1024] [--images 64] [--pixels 512] [--device cpu] [--json]

A step reads 512 random pixels of each of 64 images with three channels; the network is the published one of 3.5 M
parameters without filter. The rows, for each size of the images:

- *saved*: what is kept between the forward and the backward pass, counted exactly (every saved tensor's storage once),
  when all pixels are differentiated at once, and the images, weights, gradients and moments of Adam;
- *peak*: the same step as ``mlpatch train`` does it, 16384 pixels at a time, in a process of its own: the peak of its
  resident memory (on a GPU: of the allocator) above what it was before images and network were made;
- *others*: the saved tensors of other denoisers, which read whole images, counted without running them.

Required is a peak of at most 2.0, 2.0, 2.1 and 2.2 GiB at the four sizes, within 10 % of each other after the images
themselves (8 bits a value) are taken off, and a step (the median of three) at the largest size at most 1.3 times as
long as at the smallest.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))  # also when loaded by its path
from _measure import Row, failed, listed, measured, missing, positive

from napari_mlpatch import networks
from napari_mlpatch.core.meter import Meter
from napari_mlpatch.core.recipe import Description
from napari_mlpatch.training import Denoise, Synthetic, TrainingRecipe
from napari_mlpatch.training.learning import differentiate
from napari_mlpatch.training.pictures import Pictures

LIMITS = {128: 2.0, 256: 2.0, 512: 2.1, 1024: 2.2}
CHANNELS, GIB = 3, 2**30
STEPS = 3
RIVALS: dict[str, dict[str, Any]] = {
    "unet": {"width": 32},
    "dncnn": {"depth": 20, "width": 136, "batch_norm": True},
    "drunet": {"width": 32},
}
"""In the sizes of Khorashadizadeh et al. 2025: 8, 3 and 8 million weights."""


def run(options: list[str]) -> list[Row]:
    """All rows. Raises SystemExit on unknown options."""
    parser = argparse.ArgumentParser(prog="mlpatch bench memory", description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=listed(positive), default="128,256,512,1024", help="rows and columns of images")
    parser.add_argument("--images", type=positive, default=64, help="images in a step")
    parser.add_argument("--pixels", type=positive, default=512, help="pixels of each image")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the step runs")
    given = parser.parse_args(options)
    sizes = given.sizes
    absent = given.device == "cuda" and not torch.cuda.is_available()
    usual = (given.images, given.pixels) == (64, 512)
    rows, peaks, steps = [], [], []
    for size in sizes:
        where, limit = f"{size}x{size}", LIMITS.get(size) if usual else None
        name = f"{where}, peak"
        if absent:
            rows.append(missing(name, "GiB", "there is no usable GPU", required=limit))
            continue
        held, found = in_process("saved", size, given), in_process("peak", size, given)
        kept = f"{where}, saved, all pixels at once, and the state"
        if isinstance(held, str):
            rows.append(failed(kept, "GiB", held, required=limit))
        else:
            rows.append(measured(kept, held["saved"] / GIB, "GiB", at_most=limit))
        if isinstance(found, str):
            rows.append(failed(name, "GiB", found, required=limit))
        else:
            peaks.append(found["peak"] / GIB - given.images * CHANNELS * size**2 / GIB)
            steps.append(found["seconds"])
            rows.append(measured(name, found["peak"] / GIB, "GiB", at_most=limit))
            rows.append(measured(f"{where}, one step, median of {STEPS}", found["seconds"], "s"))
        rows += [rival(name, size, given.images) for name in RIVALS]
    if len(sizes) > 1 and not absent:
        rows += compared_sizes(sizes, peaks, steps, usual)
    return rows


def compared_sizes(sizes: list[int], peaks: list[float], steps: list[float], usual: bool) -> list[Row]:
    """How much memory and time depend on the images' size; not known where a size failed."""
    flat, slower = "peak without images, largest / smallest", f"one step at {sizes[-1]} / at {sizes[0]}"
    limits = (1.1, 1.3) if usual else (None, None)
    if len(peaks) < len(sizes):
        why = "not all sizes could be measured"
        return [failed(name, "x", why, required=limit) for name, limit in zip((flat, slower), limits, strict=True)]
    return [
        measured(flat, max(peaks) / min(peaks), "x", at_most=limits[0]),
        measured(slower, steps[-1] / steps[0], "x", at_most=limits[1]),
    ]


def in_process(what: str, size: int, given: argparse.Namespace) -> dict[str, float] | str:
    """What a fresh process measures, or why it could not."""
    command = [sys.executable, __file__, given.device, what, str(size), str(given.images), str(given.pixels)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else f"the process failed: {done.stderr.strip()[-200:]}"


def setting(images: int, pixels: int, part: int | None) -> TrainingRecipe:
    made_of = Description(name="mlpatch", params={"channels": CHANNELS, "noise_input": False})
    data = Synthetic(kind="ellipses")
    task = Denoise(pixels=pixels, part=part)
    return TrainingRecipe(name="bench", title="", network=made_of, task=task, data=data, images=images)


def random_pictures(count: int, size: int, device: torch.device | str = "cpu") -> Pictures:
    random = np.random.default_rng(0)
    return Pictures([random.integers(0, 256, (CHANNELS, size, size), np.uint8) for _ in range(count)], device)


def state_bytes(network: torch.nn.Module, pictures: Pictures) -> int:
    """Images, and four numbers for each weight: itself, its gradient, Adam's two moments."""
    weights = sum(p.numel() * p.element_size() for p in network.parameters())
    return pictures.values.numel() * pictures.values.element_size() + 4 * weights


@contextmanager
def counting(skip: set[int]) -> Iterator[dict[int, int]]:
    """Collects the storages that autograd saves: address -> bytes; not those of the weights."""
    found: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        key = storage.data_ptr() or id(storage)
        if key not in skip:
            found[key] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield found


def saved(size: int, images: int, pixels: int, device: torch.device) -> dict[str, float]:
    """Counted on the CPU whatever the device is."""
    recipe = setting(images, pixels, None)
    pictures = random_pictures(images, size)
    network = networks.build(recipe.network.name, recipe.network.params)
    own = {p.untyped_storage().data_ptr() for p in network.parameters()}
    with counting(own) as found:
        batch = recipe.task.batch(network, pictures, images, torch.Generator().manual_seed(0))
        (loss,) = recipe.task.losses(network, batch)
        total = sum(found.values())
    del loss
    return {"saved": float(total + state_bytes(network, pictures))}


def peak(size: int, images: int, pixels: int, device: torch.device) -> dict[str, float]:
    """The peak of all steps, and the median time of those after the first, which makes Adam's moments."""
    recipe = setting(images, pixels, Denoise().part)
    random = torch.Generator(device)
    torch.mm(torch.rand(64, 64, device=device), torch.rand(64, 64, device=device))
    with Meter(device) as meter:
        pictures = random_pictures(images, size, device)
        network = networks.build(recipe.network.name, recipe.network.params).to(device)
        optimiser = torch.optim.Adam(network.parameters(), foreach=True)
        times = []
        for k in range(1 + STEPS):
            start = time.perf_counter()
            optimiser.zero_grad(set_to_none=True)
            batch = recipe.task.batch(network, pictures, images, random.manual_seed(k))
            differentiate(recipe.task, network, batch)
            optimiser.step()
            float(next(network.parameters()).sum())  # until a GPU is done
            times.append(time.perf_counter() - start)
        return {"seconds": statistics.median(times[1:]), "peak": float(meter.peak_bytes)}


def rival(name: str, size: int, images: int) -> Row:
    """The saved tensors of another network on whole images, from shapes alone."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    title = f"{size}x{size}, others: {name}, saved"
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            network: Any = networks.build(name, {"channels": CHANNELS, **RIVALS[name]}).train()
            own = {p.untyped_storage()._cdata for p in network.parameters()}
            held: list[torch.UntypedStorage] = []  # so that no two have one address
            total, seen = 0, set(own)

            def pack(tensor: torch.Tensor) -> torch.Tensor:
                nonlocal total
                storage = tensor.untyped_storage()
                held.append(storage)
                if storage._cdata not in seen:
                    seen.add(storage._cdata)
                    total += storage.nbytes()
                return tensor

            with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
                network(torch.rand(images, CHANNELS, size, size), 0.1)
    except Exception as error:  # another network's trouble must not hide our own figures
        return missing(title, "GiB", f"{type(error).__name__}: {str(error)[:120]}")
    count = sum(p.numel() for p in network.parameters())
    return measured(f"{title} ({count / 1e6:.3g} M)", total / GIB, "GiB")


if __name__ == "__main__":
    where, kind, *numbers = sys.argv[1:]
    size, images, pixels = map(int, numbers)
    print(json.dumps({"saved": saved, "peak": peak}[kind](size, images, pixels, torch.device(where))))
