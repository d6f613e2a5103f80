"""Training: one loop, read from top to bottom. It knows neither the network nor what is learned; the task does."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from napari_mlpatch import networks
from napari_mlpatch.core.budget import reserve
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of
from napari_mlpatch.core.steps import RANDOM
from napari_mlpatch.core.words import count_of
from napari_mlpatch.denoisers.precision import for_training

from . import checkpoint, snapshots
from .activations import counted
from .captured import Captured
from .clock import Clock, learning_rate
from .data import open_data
from .guard import Guard, is_finite
from .learning import differentiate, follow, looked_at, set_learning_rate
from .parallel import Team
from .recipe import TrainingRecipe
from .start import load_start
from .tasks.task import Batch

__all__ = ["Step", "Trained", "differentiate", "follow", "learning_rate", "train"]

QUICK, FULL = 96, 256
"""Validation looks at the middle of each image, so many pixels wide: during the training, and at its end."""


@dataclass(frozen=True)
class Step:
    """After step k of total: the loss (averaged since the last event), the learning rate, seconds of work so far.

    ``psnr`` are the figures of the validation, by name, where there was one. ``share`` of the training is behind; with
    a budget in minutes, ``total`` is where it will end at this pace.
    """

    k: int
    total: int
    loss: float
    lr: float
    seconds: float
    psnr: dict[str, float] = field(default_factory=dict)
    share: float = 0.0


@dataclass(frozen=True)
class Trained:
    """The end: the averaged network, on the CPU, and its figures on the images that were held out."""

    network: nn.Module
    metrics: dict[str, float]
    steps: int
    seconds: float
    start: str | None = None
    """The sha256 of the weights that it began with."""


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
    A recipe with ``minutes`` ends in time, its weights written by whom the events go to; without, nothing depends on
    the clock. Raises InputError for bad recipes, data and checkpoints, and where the loss explodes or the loss or a
    weight is no longer a number: the last checkpoint is of before, and is named. Where the very last checkpoint cannot
    be written, that is raised after ``Trained``, so that the weights are not lost.
    """
    threads = torch.get_num_threads()
    try:
        if recipe.threads:
            torch.set_num_threads(min(recipe.threads, os.cpu_count() or 1))
        folder = None if out is None else path_of(out, "The folder of the training")
        if folder is not None and not resume:
            checkpoint.make(folder)
        with nullcontext() if folder is None or not Team.leads() else checkpoint.alone(folder):
            yield from _events(recipe, folder, data, resume, report_every)
    finally:
        if recipe.threads:
            torch.set_num_threads(threads)


def _events(
    recipe: TrainingRecipe, folder: Path | None, data: str | os.PathLike[str], resume: bool, report_every: int
) -> Iterator[Step | Trained]:
    clock = Clock(recipe)
    team = Team.of(recipe.device)
    device = team.device
    task = recipe.task
    pictures, held_out = open_data(recipe.data, data, device)
    outline = networks.outline(recipe.network.name, recipe.network.params)
    what = f"Training such a network ({recipe.network.name!r})"
    reserve(5 * networks.bytes_of_network(outline), what, "Make it narrower.")  # its average, gradients, Adam's two
    with RANDOM:
        torch.manual_seed(recipe.seed)
        network: Any = networks.build(recipe.network.name, recipe.network.params).to(device)
    start = None
    if recipe.start_from is not None and not resume:
        start = load_start(network, recipe.start_from)  # its hash now: at the end, other weights may lie there
    task.check(network, pictures)
    average = copy.deepcopy(network).requires_grad_(False).eval()
    weights = [p for p in network.parameters() if p.requires_grad]
    on_gpu = device.type == "cuda"  # there a captured step reads the learning rate from the device
    lr0 = torch.tensor(recipe.lr, device=device) if on_gpu else recipe.lr
    optimiser = torch.optim.Adam(weights, lr=lr0, betas=(0.9, 0.99), foreach=True, capturable=on_gpu)

    guard = Guard(recipe, folder)
    done, before = 0, 0.0
    if resume:
        if folder is None:
            raise InputError("To resume, give the folder of the checkpoint.")
        state = checkpoint.load(folder, recipe)
        try:
            network.load_state_dict(state["network"])
            average.load_state_dict(state["average"])
            for group in state["optimiser"]["param_groups"]:
                group["capturable"] = on_gpu  # whatever device it was saved from
            optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
            reason = f"{folder / checkpoint.NAME} does not fit this network ({str(error)[:200]})"
            raise InputError(f"The checkpoint {reason}. Start anew, or elsewhere.") from None
        done, before, start = state["k"], state["seconds"], state.get("start")
    if folder is not None and team.rank == 0:
        if not resume:
            checkpoint.set_aside(folder)
        snapshots.clear(folder, after=done if resume else -1)
    plan = snapshots.Plan(recipe.snapshots, recipe.steps, network, by_time=clock.limited)

    def keep_snapshot(k: int, last: bool = False) -> None:
        if folder is not None and team.rank == 0 and plan.due(k, clock.share(k), last):
            snapshots.keep(folder, average, k)

    def keep_checkpoint(k: int, seconds: float) -> None:
        guard.before_keeping(network, float(total) / since if since else None, k)
        random.manual_seed((recipe.seed << 32) + ((k + 1) * team.size + team.rank))
        guard.after(looked_at(task, network, task.batch(network, pictures, recipe.images, random)), k)
        if folder is not None and team.rank == 0:
            tensors = {"network": network.state_dict(), "average": average.state_dict()}
            state = tensors | {"optimiser": optimiser.state_dict(), "k": k, "seconds": seconds, "start": start}
            checkpoint.save(folder, state, recipe)
            guard.kept = k

    low = for_training(recipe.precision, networks.declaration(**recipe.network.model_dump()), device) == "bfloat16"

    def learn(batch: Batch) -> Tensor:
        optimiser.zero_grad(set_to_none=True)
        loss = differentiate(task, network, batch, low)
        team.average([p.grad for p in weights if p.grad is not None])
        nn.utils.clip_grad_norm_(weights, recipe.clip, foreach=True)
        optimiser.step()
        return loss

    def first(batch: Batch) -> Tensor:
        with counted(f"A step with {count_of(recipe.images, 'image')}"):
            return learn(batch)

    advance = Captured(learn, device, recipe.graph and team.size == 1)
    if not done:
        keep_snapshot(0)
    guard.kept = done or None
    held_out = clock.keep_reserve(task, average, held_out, FULL)
    clock.begin(done, before)
    random = torch.Generator(device)
    saved = time.monotonic()
    total = torch.zeros((), device=device)
    since, k, last = 0, done, done >= recipe.steps or (done > 0 and clock.over(done))
    unwritten: InputError | None = None
    while not last:
        k += 1
        random.manual_seed((recipe.seed << 32) + (k * team.size + team.rank))  # no state to keep between steps
        lr = clock.learning_rate(recipe, k)
        set_learning_rate(optimiser, lr, device)
        batch = task.batch(network, pictures, recipe.images, random)
        loss = first(batch) if k == done + 1 and not on_gpu else advance(batch)
        total += loss
        if guard.is_new:
            guard.step(float(loss), float(task.nothing(batch)), k)
        follow(average, network, min(recipe.ema, k / (k + 10)))
        since += 1
        last = k == recipe.steps or (clock.limited and team.agree(clock.over(k)))
        keep_snapshot(k, last)

        seconds = clock.seconds()
        validating = held_out is not None and team.rank == 0 and k % recipe.validate_every == 0
        validating = validating and (last or clock.room(clock.validation))
        if k % report_every == 0 or validating or last:
            mean = float(total) / since
            clock.lap(k)
            guard.loss(mean, k)
            psnr = task.figures(average, held_out, QUICK) if validating else {}
            try:
                share, ends = (1.0, k) if last else (clock.share(k), clock.total(k))
                yield Step(k, ends, mean, lr, seconds, psnr, share)
            except GeneratorExit:  # stopped: nothing is lost
                keep_checkpoint(k, seconds)
                raise
            total.zero_()
            since = 0
        elif clock.wants_lap(k):
            float(total)  # waits for the device
            clock.lap(k)
        if last or time.monotonic() - saved > 60 * recipe.checkpoint_minutes:
            try:
                keep_checkpoint(k, seconds)
            except checkpoint.Unwritten as error:
                if not last:
                    raise
                unwritten = error  # the weights are smaller, and may still find room
            saved = time.monotonic()
    if recipe.store == "float16":
        average.half().float()  # as it will come back from the file
        if not is_finite(average):
            raise InputError(
                "Some weights are larger than 65504, which float16 cannot hold. Resume with store float32: nothing is "
                "lost but the numbers in the file."
            )
    metrics = task.figures(average, held_out, FULL) if held_out is not None and team.rank == 0 else {}
    yield Trained(average.cpu(), metrics, k, clock.seconds(), start)
    if unwritten is not None:
        raise unwritten
