"""What one step of a training does: gradients of a batch, the learning rate, the average of the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .tasks.task import Batch, Task


def differentiate(task: Task, network: nn.Module, batch: Batch, low: bool = False) -> Tensor:
    """The loss of a batch, after adding its gradient to those of the weights; ``low``: with autocast."""
    device = batch[0].device
    parts = iter(task.losses(network, batch))
    total = torch.zeros((), device=device)
    while True:
        with torch.autocast(device.type, torch.bfloat16, enabled=low):
            part = next(parts, None)
        if part is None:
            return total
        part.backward()
        total += part.detach()


@torch.no_grad()
def looked_at(task: Task, network: nn.Module, batch: Batch) -> float:
    """The loss of a batch, which changes nothing: neither gradients nor what a network remembers of its inputs."""
    trains = network.training
    try:
        return sum(float(part) for part in task.losses(network.eval(), batch))
    finally:
        network.train(trains)


def set_learning_rate(optimiser: torch.optim.Optimizer, lr: float, device: torch.device) -> None:
    """A number; on a GPU a tensor that stays where it is, as a captured step has its address."""
    for group in optimiser.param_groups:
        if device.type != "cuda":
            group["lr"] = lr
        elif torch.is_tensor(group["lr"]) and group["lr"].device.type == "cuda":
            group["lr"].fill_(lr)
        else:  # of a checkpoint
            group["lr"] = torch.tensor(lr, device=device)


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """average <- decay · average + (1 - decay) · network; buffers are copied."""
    torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
        list(average.parameters()), list(network.parameters()), 1 - decay
    )
    for mine, its in zip(average.buffers(), network.buffers(), strict=True):
        mine.copy_(its)
