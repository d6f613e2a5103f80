"""A training step of learned primal-dual: its time, and beside the same network on deepinv's projector.

    mlpatch bench unrolled [--images 1] [--size 128] [--angles 30] [--repeats 3] [--device cpu] [--json]

The published network (10 iterations, 253,220 parameters) on 128 x 128 pixels and 30 angles. A step is the loss of a
batch, its gradient, clipping and Adam, in float32; another row is in the precision that a training takes by itself
("auto": bfloat16 in the network where the processor computes it). The limit applies to both. Steps are taken in pairs
(A B A B); the optional extra ``deepinv`` is run by its own automatic differentiation, on its ``Tomography`` with as
many angles, as one trains with it; on a GPU our step is captured as our trainings are. ``projector`` rows are what of
it is A, Aᵀ and their derivatives: 10 of each, twice. The rest of a step, the convolutions, is the same for both.
``required`` is at the default size.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent))  # also when loaded by its path
from _measure import Row, compared, measured, missing, paired, positive, seconds

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.denoisers.precision import for_training
from napari_mlpatch.training.captured import WARM_UP, Captured

STEP_MS = {("cpu", 1): 200.0, ("cuda", 8): 15.0}
"""The longest that a step may take, by device and images."""
SPEED = 5.0
"""Over the same network on deepinv's projector."""


def run(options: list[str]) -> list[Row]:
    """All rows. Raises SystemExit on unknown options."""
    parser = argparse.ArgumentParser(prog="mlpatch bench unrolled", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=positive, default=1, help="images in a batch")
    parser.add_argument("--size", type=positive, default=128, help="rows and columns of an image")
    parser.add_argument("--angles", type=positive, default=30, help="number of angles")
    parser.add_argument("--iterations", type=positive, default=10, help="of the network")
    parser.add_argument("--repeats", type=positive, default=3, help="paired repetitions")
    parser.add_argument("--device", default="cpu", help="where to compute")
    given = parser.parse_args(options)
    device = torch.device(given.device)
    published = (given.size, given.angles, given.iterations) == (128, 30, 10)
    limit = STEP_MS.get((device.type, given.images)) if published else None
    floor = SPEED if published else None
    where = f"{given.images} image{'s' * (given.images > 1)} {given.size} x {given.size}, {given.angles} angles"
    ours = own_operator(given.size, given.angles)
    step = training_step(ours, given.images, given.iterations, device, graph=True)
    kind = for_training("auto", networks.declaration("lpd"), device)
    taken = training_step(ours, given.images, given.iterations, device, graph=True, low=kind == "bfloat16")
    rows = [
        measured(f"step of learned primal-dual, {where}", 1e3 * seconds(taken), "ms", at_most=limit, note=kind),
        measured(f"step of learned primal-dual, {where}, float32", 1e3 * seconds(step), "ms", at_most=limit),
    ]
    names = f"step beside deepinv Tomography, {where}", f"projector of a step, {where}"
    try:
        theirs = Deepinv(given.size, given.angles, device)
    except Exception as error:  # a package for another PyTorch can raise anything
        why = f"deepinv cannot be used here ({type(error).__name__}: {error}); pip install deepinv"
        return [*rows, missing(names[0], "ms", why, required=floor), missing(names[1], "ms", why)]
    other = training_step(theirs, given.images, given.iterations, device)
    calls = [projections(A, given.images, given.iterations, device) for A in (ours, theirs)]
    return [
        *rows,
        compared(names[0], paired(step, other, repeats=given.repeats), required=floor),
        compared(names[1], paired(*calls, repeats=given.repeats)),
    ]


def own_operator(size: int, angles: int) -> Any:
    views = tuple(180.0 * k / angles for k in range(angles))
    A = mp.operators.ParallelBeam(
        image_shape=(size, size), angles_deg=views, detector_count=2 * -(-size * 71 // 100) + 1
    )
    return (1 / A.norm) * A


class Deepinv:
    """deepinv's projector with the names of an operator, differentiated as deepinv does."""

    complex_image = complex_data = False

    def __init__(self, size: int, angles: int, device: torch.device):
        physics = find_deepinv().physics.Tomography(angles=angles, img_width=size, normalize=True, device=device)
        self._physics = physics
        self.domain_shape = (size, size)
        self.range_shape = tuple(physics.A(torch.zeros(1, 1, size, size, device=device)).shape[2:])

    def __call__(self, x: Tensor) -> Tensor:
        return self._physics.A(x)

    def T(self, y: Tensor) -> Tensor:
        return self._physics.A_adjoint(y)


def find_deepinv() -> Any:
    """deepinv. It loads torchvision, whose compiled part only fits the PyTorch that it was built for: its operators,
    none of which is used, are then declared."""
    for _ in range(20):
        try:
            return importlib.import_module("deepinv")
        except RuntimeError as error:
            lacking = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if lacking is None:
                raise
            _declared.define(f"{lacking[1]}(Tensor x) -> Tensor")
            for name in [name for name in sys.modules if name.split(".")[0] in ("torchvision", "deepinv")]:
                del sys.modules[name]
    raise ImportError("torchvision lacks its operators")


_declared = torch.library.Library("torchvision", "FRAGMENT")


def training_step(
    A: Any, images: int, iterations: int, device: torch.device, graph: bool = False, low: bool = False
) -> Callable[[], None]:
    """A step of the training of learned primal-dual on this operator, on one batch of noise.

    With ``graph``, on a GPU, it is captured as our own trainings are; with ``low``, the network is in bfloat16.
    """
    torch.manual_seed(0)
    network = networks.build("lpd", {"iterations": iterations}).to(device)
    weights = list(network.parameters())
    on_gpu = device.type == "cuda"
    lr = torch.tensor(1e-4, device=device) if on_gpu else 1e-4
    optimiser = torch.optim.Adam(weights, lr=lr, betas=(0.9, 0.99), foreach=True, capturable=on_gpu)
    truth = torch.rand(images, 1, *A.domain_shape, device=device)
    with torch.no_grad():
        y = A(truth)

    def learn(batch: tuple[Tensor, ...]) -> Tensor:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=low):
            loss = (network(batch[0], A) - batch[1]).square().mean()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0, foreach=True)
        optimiser.step()
        return loss.detach()

    advance = Captured(learn, device, graph)

    def step() -> None:
        advance((y, truth))
        _wait(device)

    for _ in range(WARM_UP + 1 if on_gpu else 0):
        step()

    return step


def projections(A: Any, images: int, iterations: int, device: torch.device) -> Callable[[], None]:
    """A and Aᵀ with their derivatives, as often as in a step."""
    x = torch.rand(images, 1, *A.domain_shape, device=device, requires_grad=True)

    def all_of_them() -> None:
        for _ in range(iterations):
            y = A(x)
            A.T(y).sum().backward()
        _wait(device)

    return all_of_them


def _wait(device: torch.device) -> None:
    with suppress(AttributeError, RuntimeError):  # a CPU has nothing to wait for
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
