"""Time and memory of MLPatch on a whole image, beside a straightforward evaluation of the same network.

    mlpatch bench mlpatch [--size 512] [--repeats 3] [--kinds small,full] [--memory 512,4096] [--json]

"small" and "full" are the shipped networks for grey photographs, with their weights: mlpatch-gray-small (0.15 M
parameters) and mlpatch-gray (3.0 M); "published" is the network of Khorashadizadeh et al. 2025 with a perceptron for
each of 9 rays (3.4 M), with random weights.

Theirs is the same network as one writes it down: ``grid_sample`` of the whole patch at every pixel, the samples of each
ray picked out, ``nn.Linear`` and ReLU. It is timed twice, each time in turns with ours: all pixels at once, which the
required ratios are about, and as the published code does it, 2^14 pixels at a time. That both give the same output is
checked on a corner of the image, against theirs in float64.

Almost all of the work are matrix products, which both hand to the same library: the row "matrix products alone"
says how long those take, and so what no evaluation of this network on this machine can fall below. Where a machine has
no bfloat16 arithmetic (AVX512-BF16, AMX), that row says so.

The rows of memory are the peak of the resident memory of a fresh process above what it was with the network loaded.

On two cores one evaluation of "full" or "published" takes about 30 s at 512 x 512, of "small" 3 s (theirs 8 s). The
times are 4 (repeats + 1) evaluations, twice as many with bfloat16: with the defaults 8 minutes for "full", as many for
"published", 1 1/2 for "small". The rows of memory at 4096 x 4096 take half an hour more, 4 minutes for "small".
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
from _measure import Pair, Row, compared, failed, listed, measured, missing, paired, positive, seconds

from napari_mlpatch import networks, weights
from napari_mlpatch.denoisers import has_bfloat16

KINDS = {"small": "mlpatch-gray-small", "full": "mlpatch-gray", "published": None}
"""The shipped weights; None: the default configuration, which is that of the publication."""
REQUIRED, REQUIRED_BF16, REQUIRED_MEMORY = 3.0, 5.0, 1.5
SIGMA = 0.1
PART, CORNER = 2**14, 64
"""Far from the origin, theirs in float32 would itself be off by 1e-5: ``grid_sample`` rounds positions."""


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
        parts = grid.reshape(-1, 2).to(x.dtype).split(pixels or rows * columns)
        return torch.cat([self.at(x, part, sigma) for part in parts]).T.reshape(1, -1, rows, columns)

    def at(self, x: Tensor, c: Tensor, sigma: float) -> Tensor:
        half = x.new_tensor([n - 1.0 for n in x.shape[-2:]]) / 2
        at = (c[:, None, None] + self.points) / half - 1
        grid = at.flip(-1).reshape(1, -1, self.config.rays, 2)
        patch = F.grid_sample(x, grid, mode="bicubic", align_corners=True, padding_mode="reflection")
        patch = patch.reshape(x.shape[1], len(c), self.config.rings, self.config.rays).transpose(0, 1)
        mean = patch.mean((2, 3)) if self.config.subtract_mean else x.new_zeros(len(c), x.shape[1])
        patch = patch - mean[:, :, None, None]
        level = x.new_full((len(c), 1), sigma)
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
    parser.add_argument("--size", type=positive, default=512, help="rows and columns of the image")
    parser.add_argument("--repeats", type=positive, default=3, help="pairs of runs")
    parser.add_argument(
        "--kinds", type=listed(known), default="small,full", metavar="KIND,KIND", help=f"which of {', '.join(KINDS)}"
    )
    parser.add_argument(
        "--memory",
        type=two_sizes,
        default="512,4096",
        metavar="N,N",
        help="smaller and larger size for the rows of memory; or none",
    )
    given = parser.parse_args(options)
    rows = [row for kind in given.kinds for row in time_rows(kind, given.size, given.repeats)]
    return rows + [row for kind in given.kinds if given.memory for row in memory_rows(kind, *given.memory)]


def known(text: str) -> str:
    if text not in KINDS:
        raise argparse.ArgumentTypeError(f"there is no kind {text!r}. There are: {', '.join(KINDS)}")
    return text


def two_sizes(text: str) -> list[int]:
    """Nothing where none are wanted."""
    sizes = [] if text == "none" else listed(positive)(text)
    if sizes and (len(sizes) != 2 or sizes[0] >= sizes[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a smaller and a larger size, as in 512,4096, nor none")
    return sizes


def make(kind: str) -> Any:
    shipped = KINDS[kind]
    if shipped is not None:
        return networks.opened(weights.find(shipped))
    torch.manual_seed(0)
    return networks.build("mlpatch").requires_grad_(False).eval()


@torch.inference_mode()
def time_rows(kind: str, size: int, repeats: int) -> list[Row]:
    network = make(kind)
    plain = Plain(network)
    x = torch.rand(1, 1, size, size)
    count = sum(p.numel() for p in network.parameters())
    where = f"{kind} ({count / 1e6:.2g} M), {size}x{size}"
    corner = x[..., :CORNER, :CORNER]
    exact = Plain(network).double()(corner.double(), SIGMA)
    error = float((network(corner, SIGMA) - exact).abs().max())
    whole, parts = "all pixels at once", "2^14 pixels at a time"
    required, required_low = (REQUIRED, REQUIRED_BF16) if size >= 512 else (None, None)

    def beside(dtype: Any, pixels: int | None) -> Pair:
        return paired(lambda: network(x, SIGMA, dtype=dtype), lambda: plain(x, SIGMA, pixels), repeats=repeats)

    rows = [
        measured(f"{where}, difference", error, "", at_most=1e-5),
        compared(f"{where}, float32, theirs {whole}", beside(None, None), required=required),
        compared(f"{where}, float32, theirs {parts}", beside(None, PART)),
        measured(f"{where}, matrix products alone", 1e3 * products(network, size * size), "ms"),
    ]
    low = f"{where}, bfloat16, theirs float32"
    if not has_bfloat16("cpu"):
        why = "this processor has no bfloat16 arithmetic (AVX512-BF16, AMX)"
        return [*rows, missing(f"{low} {whole}", "ms", why, required=required_low)]
    rough = compared(f"{low} {whole}", beside(torch.bfloat16, None), required=required_low)
    return [*rows, rough, compared(f"{low} {parts}", beside(torch.bfloat16, PART))]


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
    """Peak memory of one evaluation at two sizes; without the images (input and output), at most 1.5 times as much.

    That is required from 512 x 512 pixels on; very small images are less than is worked through at a time.
    """
    limit = REQUIRED_MEMORY if small >= 512 else None
    name = f"{kind}, memory at {large} without the images / at {small}"
    rows, peaks = [], {}
    for size in (small, large):
        command = [sys.executable, __file__, kind, str(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            why = f"the process failed at {size}x{size}: {done.stderr.strip()[-200:]}"
            return [*rows, failed(name, "x", why, required=limit)]
        peaks[size] = json.loads(done.stdout)["peak"] / 2**20
        rows.append(measured(f"{kind}, peak memory at {size}x{size}, images included", peaks[size], "MiB"))
    images = 2 * 4 * (large**2 - small**2) / 2**20
    ratio = (peaks[large] - images) / peaks[small]
    return [*rows, measured(name, ratio, "x", at_most=limit)]


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
