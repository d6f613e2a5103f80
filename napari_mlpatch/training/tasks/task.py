"""What a training task is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from napari_mlpatch.core.declare import build
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import tasks
from napari_mlpatch.core.words import short

Batch = tuple[Tensor, ...]


class Task:
    """What a training learns: a frozen pydantic dataclass under ``@tasks.register``. The loop knows no more of it.

    A step is ``batch = task.batch(...)``, then the gradient of each part that ``task.losses(network, batch)`` yields.
    """

    name: str
    title: str

    role: ClassVar[Literal["denoiser", "reconstructor"]]
    """Which networks it trains: denoisers ``network(x, sigma)``, or reconstructors ``network(y, A)``."""

    def check(self, network: nn.Module, images: Any) -> None:
        """Raises InputError where this network cannot learn this from these images."""
        raise NotImplementedError

    def batch(self, network: nn.Module, images: Any, count: int, random: torch.Generator) -> Batch:
        """What a step needs of ``count`` images, drawn with ``random`` on its device. Shapes are always the same."""
        raise NotImplementedError

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Tensor]:
        """The loss of a batch in parts, to be differentiated one after the other: one part's activations are held.

        It draws no random numbers and waits for no device.
        """
        raise NotImplementedError

    def nothing(self, batch: Batch) -> Tensor:
        """The loss that a network would have which gives zeros: beside it, one sees a loss that explodes at once."""
        return torch.tensor(torch.inf)

    def figures(self, network: nn.Module, held_out: Any, crop: int | None = None) -> dict[str, float]:
        """How good a network is on images that were held out, by name; always with the same noise.

        ``crop``: only the middle of each image is looked at, so many pixels wide, where the task leaves a choice.
        """
        raise NotImplementedError

    def card(self) -> dict[str, Any]:
        """Its part of the card: ``noise``, ``operator`` and ``operator_norm`` where there are any."""
        raise NotImplementedError


def task_of(value: Any) -> Task:
    """A task, or the one that its description stands for: its name, or ``{"name": ..., "params": {...}}``."""
    if isinstance(value, Task):
        return value
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping) or not value.keys() <= {"name", "params"}:
        raise InputError(f'A task is described by {{"name": ..., "params": {{...}}}}, got {short(value)}.')
    return build(tasks, dict(value))


def is_reconstructor(network: nn.Module) -> bool:
    return callable(getattr(network, "iterates", None))


def starts_from_picture(network: nn.Module) -> bool:
    return bool(getattr(network, "starts_from_picture", False))


def middle(x: Tensor, size: int | tuple[int, int] | None) -> Tensor:
    """The middle of images ``[..., rows, columns]``, at most so many pixels wide and high."""
    if size is None:
        return x
    rows, columns = (size, size) if isinstance(size, int) else size
    top, left = max(0, (x.shape[-2] - rows) // 2), max(0, (x.shape[-1] - columns) // 2)
    return x[..., top : top + rows, left : left + columns]
