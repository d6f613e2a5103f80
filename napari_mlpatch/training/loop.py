"""Training: one loop, read from top to bottom. Nothing here knows the network; the loss of a batch does."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from napari_mlpatch import networks
from napari_mlpatch.core.budget import reserve
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of, reason_of
from napari_mlpatch.core.steps import RANDOM

from . import checkpoint, snapshots
from .data import open_data
from .objective import Loss, loss_of
from .parallel import Team
from .pictures import Pictures
from .recipe import TrainingRecipe
from .validation import validate

FINAL = 0.01
"""The learning rate at the end, in terms of the largest."""
QUICK, FULL = 96, 256
"""Validation looks at the middle of each image, so many pixels wide: during the training, and at its end."""


@dataclass(frozen=True)
class Step:
    """After step k of total: the loss (averaged since the last event), the learning rate, seconds of work so far.

    ``psnr`` are the validation's, by noise level, where there was one.
    """

    k: int
    total: int
    loss: float
    lr: float
    seconds: float
    psnr: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """The end: the averaged network, on the CPU, and its figures on the images that were held out."""

    network: nn.Module
    metrics: dict[str, float]
    steps: int
    seconds: float


def train(
    recipe: TrainingRecipe,
    *,
    out: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] = ".",
    resume: bool = False,
    report_every: int = 20,
) -> Iterator[Step | Trained]:
    """Train a network: any number of ``Step`` and then ``Trained``. To stop, close the generator.

    Checkpoints and snapshots go to the folder ``out``, from which ``resume`` continues as if there had been no stop;
    without it, those that are there move to ``out/before``.
    ``data`` is where relative paths of the recipe start. Under ``torchrun`` each process takes its share of the images.
    Raises InputError for bad recipes, data and checkpoints, and where the loss or a weight is no longer a number: the
    last checkpoint is of before.
    """
    threads = torch.get_num_threads()
    try:
        if recipe.threads:
            torch.set_num_threads(min(recipe.threads, os.cpu_count() or 1))
        folder = None if out is None else path_of(out, "The folder of the training")
        yield from _events(recipe, folder, data, resume, report_every)
    finally:
        if recipe.threads:
            torch.set_num_threads(threads)


def _events(
    recipe: TrainingRecipe, folder: Path | None, data: str | os.PathLike[str], resume: bool, report_every: int
) -> Iterator[Step | Trained]:
    team = Team.of(recipe.device)
    device = team.device
    pictures, held_out = open_data(recipe.data, data, device)
    outline = networks.outline(recipe.network.name, recipe.network.params)
    what = f"Training such a network ({recipe.network.name!r})"
    reserve(5 * networks.bytes_of_network(outline), what, "Make it narrower.")  # its average, gradients, Adam's two
    with RANDOM:
        torch.manual_seed(recipe.seed)
        network: Any = networks.build(recipe.network.name, recipe.network.params).to(device)
    if network.config.channels != pictures.channels:
        raise InputError(
            f"The network takes {network.config.channels} channels, the images have {pictures.channels}. "
            "Change the network's channels or the data's colours."
        )
    average = copy.deepcopy(network).requires_grad_(False).eval()
    batch_loss = loss_of(network)
    weights = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(weights, lr=recipe.lr, betas=(0.9, 0.99), foreach=True)

    done, before = 0, 0.0
    if resume:
        if folder is None:
            raise InputError("To resume, give the folder of the checkpoint.")
        state = checkpoint.load(folder, recipe)
        try:
            network.load_state_dict(state["network"])
            average.load_state_dict(state["average"])
            optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
            reason = f"{folder / checkpoint.NAME} does not fit this network ({str(error)[:200]})"
            raise InputError(f"The checkpoint {reason}. Start anew, or elsewhere.") from None
        done, before = state["k"], state["seconds"]
    elif folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"The folder {folder} cannot be made: {reason_of(error)}.") from None
    if folder is not None and team.rank == 0:
        if not resume:
            checkpoint.set_aside(folder)
        snapshots.clear(folder, after=done if resume else -1)
    to_keep = snapshots.steps_to_keep(recipe.snapshots, recipe.steps, network)

    def keep_snapshot(k: int) -> None:
        if folder is not None and team.rank == 0 and k in to_keep:
            snapshots.keep(folder, average, k)

    def keep_checkpoint(k: int, seconds: float) -> None:
        if not (bool(total.isfinite()) and is_finite(network)):
            raise diverged("The loss or a weight is no longer finite", k, recipe)
        if folder is not None and team.rank == 0:
            tensors = {"network": network.state_dict(), "average": average.state_dict()}
            state = tensors | {"optimiser": optimiser.state_dict(), "k": k, "seconds": seconds}
            checkpoint.save(folder, state, recipe)

    if not done:
        keep_snapshot(0)
    random = torch.Generator(device)
    start = saved = time.monotonic()
    total = torch.zeros((), device=device)
    since = 0
    for k in range(done + 1, recipe.steps + 1):
        random.manual_seed((recipe.seed << 32) + (k * team.size + team.rank))  # no state to keep between steps
        lr = learning_rate(recipe, k)
        for group in optimiser.param_groups:
            group["lr"] = lr
        optimiser.zero_grad(set_to_none=True)
        total += differentiate(batch_loss, network, pictures, recipe, random)
        team.average([p.grad for p in weights if p.grad is not None])
        nn.utils.clip_grad_norm_(weights, recipe.clip, foreach=True)
        optimiser.step()
        follow(average, network, min(recipe.ema, k / (k + 10)))
        keep_snapshot(k)

        since += 1
        seconds = before + time.monotonic() - start
        validating = held_out is not None and team.rank == 0 and k % recipe.validate_every == 0
        if k % report_every == 0 or validating or k == recipe.steps:
            mean = float(total) / since
            if not math.isfinite(mean):
                raise diverged(f"The loss is {mean}", k, recipe)
            psnr = validate(average, held_out, recipe, crop=QUICK) if validating and held_out is not None else {}
            try:
                yield Step(k, recipe.steps, mean, lr, seconds, psnr)
            except GeneratorExit:  # stopped: nothing is lost
                keep_checkpoint(k, seconds)
                raise
            total.zero_()
            since = 0
        late = time.monotonic() - saved > 60 * recipe.checkpoint_minutes
        if late or k == recipe.steps:
            keep_checkpoint(k, seconds)
            saved = time.monotonic()
    if recipe.store == "float16":
        average.half().float()  # as it will come back from the file
        if not is_finite(average):
            raise InputError(
                "Some weights are larger than 65504, which float16 cannot hold. Resume with store float32: nothing is "
                "lost but the numbers in the file."
            )
    metrics = validate(average, held_out, recipe, crop=FULL) if held_out is not None and team.rank == 0 else {}
    yield Trained(average.cpu(), metrics, recipe.steps, before + time.monotonic() - start)


def differentiate(
    batch_loss: Loss, network: nn.Module, pictures: Pictures, recipe: TrainingRecipe, random: torch.Generator
) -> Tensor:
    """The loss of a batch, after adding its gradient to those of the weights."""
    kind, low = pictures.values.device.type, recipe.precision == "bfloat16"
    parts = iter(batch_loss(network, pictures, recipe, random))
    total = torch.zeros((), device=pictures.values.device)
    while True:
        with torch.autocast(kind, torch.bfloat16, enabled=low):
            part = next(parts, None)
        if part is None:
            return total
        part.backward()
        total += part.detach()


def learning_rate(recipe: TrainingRecipe, k: int) -> float:
    """Linear warm-up, then half a cosine down to a hundredth."""
    if k <= recipe.warmup:
        return recipe.lr * k / recipe.warmup
    share = (k - recipe.warmup) / max(recipe.steps - recipe.warmup, 1)
    return recipe.lr * (FINAL + (1 - FINAL) * 0.5 * (1 + math.cos(math.pi * share)))


def is_finite(network: nn.Module) -> bool:
    return all(bool(value.isfinite().all()) for value in network.state_dict().values())


def diverged(what: str, k: int, recipe: TrainingRecipe) -> InputError:
    return InputError(
        f"{what} at step {k}. Lower the learning rate, now {recipe.lr:g}, and start anew; or resume, if there is a "
        "checkpoint: it is of before."
    )


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """average <- decay · average + (1 - decay) · network; buffers are copied."""
    for mine, its in zip(average.parameters(), network.parameters(), strict=True):
        mine.lerp_(its, 1 - decay)
    for mine, its in zip(average.buffers(), network.buffers(), strict=True):
        mine.copy_(its)
