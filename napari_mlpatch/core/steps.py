"""The steps of a method on a device: without gradients, and with random numbers of their own."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from typing import Any

from napari_mlpatch.torch_later import Tensor, torch

from .errors import InputError
from .method import Iterate, Method
from .phrases import USE_CPU
from .problem import Problem
from .registry import architectures
from .words import short

RANDOM = threading.RLock()
"""Held by who seeds PyTorch's global random numbers, until they are drawn: a job and a training may share a process."""


def device_of(name: str) -> torch.device:
    """The device of that name. Raises InputError where it cannot be used here."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"Unknown device {short(name)}. Use 'cpu', 'cuda' or 'cuda:0'.") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"The device {short(name)} was asked for, but this machine has no usable GPU. {USE_CPU}.")
    try:
        torch.empty(1, device=device).item()
    except Exception as error:  # a number beyond the last GPU, a kind that this PyTorch was built without
        raise InputError(f"The device {short(name)} cannot be used here ({error!s:.300}). {USE_CPU}.") from None
    return device


def moved(state: Any, device: torch.device | str) -> Any:
    """A method's state with its tensors on a device: in dictionaries, lists, tuples and dataclasses, at any depth."""
    if torch.is_tensor(state):
        return state.to(device)
    if isinstance(state, dict):
        return {key: moved(value, device) for key, value in state.items()}
    if type(state) in (list, tuple):
        return type(state)(moved(value, device) for value in state)
    if dataclasses.is_dataclass(state) and not isinstance(state, type):
        fields = {part.name: getattr(state, part.name) for part in dataclasses.fields(state)}
        return dataclasses.replace(state, **{name: moved(value, device) for name, value in fields.items()})
    return state


def steps(
    method: Method,
    problem: Problem,
    network: Any,
    state: dict[str, Any] | None,
    seed: int,
    start: Tensor | None = None,
) -> Iterator[Iterate | None]:
    """The steps of the method. Only while it works are gradients off and the global random numbers its own.

    Those it has for itself, one method of a process at a time, unless it draws none of them (see ``Method.draws``).
    ``start`` is for methods with ``takes_start``.
    """
    device = problem.y.device
    devices = [device] if device.type == "cuda" else []
    begin: dict[str, Any] = {} if start is None else {"start": start}
    solving = iter(method.solve(problem, network, state, **begin))
    if not draws(method, network):
        yield from _quietly(solving)
        return
    random: list[Tensor] = []
    while True:
        with RANDOM, torch.no_grad(), torch.random.fork_rng(devices):
            if random:
                torch.set_rng_state(random[0])
                for there, numbers in zip(devices, random[1:], strict=True):
                    torch.cuda.set_rng_state(numbers, there)
            else:
                torch.default_generator.manual_seed(seed)
                for there in devices:
                    with torch.cuda.device(there):
                        torch.cuda.manual_seed(seed)
            try:
                step = next(solving)
            except StopIteration:
                return
            random = [torch.get_rng_state(), *(torch.cuda.get_rng_state(there) for there in devices)]
        yield step


def draws(method: Method, network: Any) -> bool:
    """Whether a method may draw from the global random numbers with this network: ours do not, others are unknown."""
    if method.draws or network is None:
        return method.draws
    card = getattr(network, "card", None)
    if card is None:
        return True
    try:
        made = architectures.get(card.architecture.name)
    except InputError:  # told where it is opened
        return True
    return not made.__module__.startswith("napari_mlpatch.")


def _quietly(solving: Iterator[Iterate | None]) -> Iterator[Iterate | None]:
    while True:
        with torch.no_grad():
            try:
                step = next(solving)
            except StopIteration:
                return
        yield step
