"""Several GPUs: one process each, started by ``torchrun``, which average their gradients."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.phrases import USE_CPU


@dataclass(frozen=True)
class Team:
    """The processes of one training. Alone: rank 0 of 1."""

    rank: int
    size: int
    device: torch.device

    @classmethod
    def of(cls, device: str) -> Team:
        """The team that this process was started in. Raises InputError for devices that cannot be used."""
        rank, size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        if size > 1 and device.startswith("cuda"):
            device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        found = usable(device)
        if found.type == "cuda":
            torch.cuda.set_device(found)
        if size > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if found.type == "cuda" else "gloo")
            atexit.register(_disconnect)
        return cls(rank, size, found)

    @staticmethod
    def leads() -> bool:
        """Whether this process is the one of its team that writes."""
        return int(os.environ.get("RANK", 0)) == 0

    def average(self, gradients: Sequence[Tensor]) -> None:
        """Replace the gradients by their mean over all processes."""
        if self.size == 1:
            return
        flat = torch.cat([g.ravel() for g in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        for g, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            g.copy_(mean.view_as(g))

    def agree(self, ends: bool) -> bool:
        """Whether the first process says so: its clock is that of all."""
        if self.size == 1:
            return ends
        told = torch.tensor(int(ends), device=self.device)
        dist.broadcast(told, 0)
        return bool(told)


def _disconnect() -> None:
    """End what connects the processes: left to Python's end, its threads now and then abort a finished training."""
    if dist.is_initialized():
        dist.destroy_process_group()


def leave() -> None:
    """End this process at once if it is one of several, all of whose work is done; else nothing happens.

    Python's own end has aborted finished trainings now and then, after the connection had been closed as well.
    """
    if dist.is_initialized():
        _disconnect()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def usable(name: str) -> torch.device:
    """The device of this name, a GPU with its number: that of the current one for "cuda". Raises InputError."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"The device {name!r} cannot be used here ({reason}). {USE_CPU}.") from None
    return torch.device("cuda", torch.cuda.current_device()) if device == torch.device("cuda") else device
