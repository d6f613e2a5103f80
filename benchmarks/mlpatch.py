"""Time and memory of MLPatch on a whole image, beside a straightforward evaluation of the same network.

    mlpatch bench mlpatch [--size 512] [--repeats 3] [--kinds small,full] [--memory 512,4096] [--json]

Theirs is the network as one writes it down: ``grid_sample`` of the whole patch at every pixel, the samples of each ray
picked out, ``nn.Linear`` and ReLU; all pixels at once, or as the published code does it, 2^14 pixels at a time. Both
give the same output, which is checked. "small" is the size for a CPU, "full" the published one of 3 M parameters.

Almost all of the work are matrix products, which both hand to the same library: the row "matrix products alone"
says how long those take, and so what no evaluation of this network on this machine can fall below. Where a machine has
no bfloat16 arithmetic (AVX512-BF16, AMX), that row says so.

The rows of memory are the peak of the resident memory of a fresh process above what it was with the network loaded.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent))  # also when loaded by its path
from _measure import Row, compared, measured, missing, paired, seconds

from napari_mlpatch import networks
from napari_mlpatch.denoisers import has_bfloat16
from napari_mlpatch.training.examples import SMALL

KINDS: dict[str, dict[str, Any]] = {"small": SMALL, "full": {}}
REQUIRED, REQUIRED_BF16 = 3.0, 5.0
SIGMA = 0.1


class Plain(nn.Module):
    """The same function as a trained MLPatch without filter, deformation and warp, written down plainly."""

    def __init__(self, network: Any):
        super().__init__()
        self.config = network.config
        self.points = network.points * network.scale
        self.rays = (
            None if network.rays is None else nn.ModuleList(_layers(network.rays, m) for m in range(network.rays.count))
        )
        self.mixer = _layers(network.mixer, 0)

    def forward(self, x: Tensor, sigma: float, pixels: int | None = None) -> Tensor:
        rows, columns = x.shape[-2:]
        grid = torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij"), -1)
        parts = grid.reshape(-1, 2).float().split(pixels or rows * columns)
        return torch.cat([self.at(x, part, sigma) for part in parts]).T.reshape(1, -1, rows, columns)

    def at(self, x: Tensor, c: Tensor, sigma: float) -> Tensor:
        half = torch.tensor([n - 1.0 for n in x.shape[-2:]]) / 2
        at = (c[:, None, None] + self.points) / half - 1
        grid = at.flip(-1).reshape(1, -1, self.config.rays, 2)
        patch = F.grid_sample(x, grid, mode="bicubic", align_corners=True, padding_mode="reflection")
        patch = patch.reshape(x.shape[1], len(c), self.config.rings, self.config.rays).transpose(0, 1)
        mean = patch.mean((2, 3)) if self.config.subtract_mean else torch.zeros(len(c), x.shape[1])
        patch = patch - mean[:, :, None, None]
        level = torch.full((len(c), 1), sigma)
        if self.rays is None:
            return mean + self.mixer(torch.cat([patch.flatten(1), level], 1))
        features = [ray(torch.cat([patch[..., m].flatten(1), level], 1)) for m, ray in enumerate(self.rays)]
        return mean + self.mixer(torch.cat(features, 1))


def _layers(stack: Any, m: int) -> nn.Sequential:
    """One perceptron of a stack, of ordinary layers."""
    made: list[nn.Module] = []
    for w, b in zip(stack.weights, stack.biases, strict=True):
        layer = nn.Linear(*w.shape[1:])
        layer.weight, layer.bias = nn.Parameter(w[m].T.contiguous()), nn.Parameter(b[m])
        made += [layer, nn.ReLU()]
    return nn.Sequential(*made[:-1])


def run(options: list[str]) -> list[Row]:
    """All rows. Raises SystemExit on unknown options."""
    parser = argparse.ArgumentParser(prog="mlpatch bench mlpatch", description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="rows and columns of the image")
    parser.add_argument("--repeats", type=int, default=3, help="pairs of runs")
    parser.add_argument("--kinds", default="small,full", help="which networks")
    parser.add_argument("--memory", default="512,4096", help="smaller and larger size for the rows of memory; or none")
    given = parser.parse_args(options)
    rows = [row for kind in given.kinds.split(",") for row in time_rows(kind, given.size, given.repeats)]
    if given.memory != "none":
        small, large = (int(word) for word in given.memory.split(","))
        rows += [row for kind in given.kinds.split(",") for row in memory_rows(kind, small, large)]
    return rows


def make(kind: str) -> Any:
    torch.manual_seed(0)
    return networks.build("mlpatch", KINDS[kind]).requires_grad_(False).eval()


@torch.inference_mode()
def time_rows(kind: str, size: int, repeats: int) -> list[Row]:
    network = make(kind)
    plain = Plain(network)
    x = torch.rand(1, 1, size, size)
    count = sum(p.numel() for p in network.parameters())
    where = f"{kind} ({count / 1e6:.2g} M), {size}x{size}"
    error = float((network(x, SIGMA) - plain(x, SIGMA, 2**14)).abs().max())
    required = REQUIRED if size >= 512 else None
    whole = paired(lambda: network(x, SIGMA), lambda: plain(x, SIGMA), repeats=repeats)
    parts = paired(lambda: network(x, SIGMA), lambda: plain(x, SIGMA, 2**14), repeats=repeats)
    floor = products(network, size * size)
    rows = [
        measured(f"{where}, difference", error, "", at_most=1e-5),
        compared(f"{where}, float32, theirs all pixels at once", whole, required=required),
        compared(f"{where}, float32, theirs 2^14 pixels at a time", parts),
        measured(f"{where}, matrix products alone", 1e3 * floor, "ms"),
    ]
    name = f"{where}, bfloat16, theirs float32 all at once"
    if not has_bfloat16("cpu"):
        why = "this processor has no bfloat16 arithmetic (AVX512-BF16, AMX)"
        return [*rows, missing(name, "ms", why, required=REQUIRED_BF16 if size >= 512 else None)]
    rough = paired(lambda: network(x, SIGMA, dtype=torch.bfloat16), lambda: plain(x, SIGMA), repeats=repeats)
    return [*rows, compared(name, rough, required=REQUIRED_BF16 if size >= 512 else None)]


def products(network: Any, pixels: int, part: int = 2048) -> float:
    """Seconds of nothing but the matrix products of the layers, for so many pixels."""
    stacks = [network.mixer] if network.rays is None else [network.rays, network.mixer]
    shapes = [tuple(w.shape) for stack in stacks for w in stack.weights]
    inputs = {a: torch.rand(part, a) for _, a, _ in shapes}
    weights = [(count, torch.rand(a, b)) for count, a, b in shapes]
    out = {b: torch.empty(part, b) for _, _, b in shapes}

    def once() -> None:
        for count, w in weights:
            for _ in range(count):
                torch.mm(inputs[w.shape[0]], w, out=out[w.shape[1]])

    return seconds(once) * pixels / part


def memory_rows(kind: str, small: int, large: int) -> list[Row]:
    """Peak memory of one evaluation at two sizes; without the images (input and output), at most 1.5 times as much."""
    rows, peaks = [], {}
    for size in (small, large):
        command = [sys.executable, __file__, kind, str(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return [missing(f"{kind}, memory", "MiB", f"the process failed: {done.stderr.strip()[-200:]}")]
        peaks[size] = json.loads(done.stdout)["peak"] / 2**20
        rows.append(measured(f"{kind}, peak memory at {size}x{size}, images included", peaks[size], "MiB"))
    images = 2 * 4 * (large**2 - small**2) / 2**20
    ratio = (peaks[large] - images) / peaks[small]
    return [*rows, measured(f"{kind}, memory at {large} without the images / at {small}", ratio, "x", at_most=1.5)]


@torch.inference_mode()
def peak_of(kind: str, size: int) -> int:
    """Bytes."""
    from napari_mlpatch.core.meter import Meter

    network = make(kind)
    with Meter(torch.device("cpu")) as meter:
        x = torch.rand(1, 1, size, size)
        network(x, SIGMA)
        return meter.peak_bytes


if __name__ == "__main__":
    print(json.dumps({"peak": peak_of(sys.argv[1], int(sys.argv[2]))}))
