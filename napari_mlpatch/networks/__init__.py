"""Networks: one file is one architecture, a declaration under ``@architectures.register`` that builds the network.

Denoisers are called ``network(x, sigma)`` on ``[B, C, H, W]``, reconstructors ``network(y, A)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from napari_mlpatch.core.budget import reserve
from napari_mlpatch.core.declare import explain
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import architectures
from napari_mlpatch.core.steps import RANDOM

from .architecture import Architecture, Reconstructor
from .opening import opened, release

__all__ = [
    "Architecture",
    "Reconstructor",
    "build",
    "bytes_of_network",
    "declaration",
    "describe",
    "from_tensors",
    "opened",
    "outline",
    "release",
]


def build(name: str, config: Any = None) -> nn.Module:
    """A new network by its architecture and parameters: a mapping, the declaration, or None for the defaults.

    Raises InputError for unknown names and parameters, and for networks that are larger than the free memory.
    """
    declared = declaration(name, config)
    outline(name, declared)
    return declared.build()


def outline(name: str, config: Any = None) -> nn.Module:
    """The same network without values, on PyTorch's meta device: what its tensors are called and their shapes.

    Raises InputError like ``build``.
    """
    declared = declaration(name, config)
    with torch.device("meta"):
        network = declared.build()
    reserve(bytes_of_network(network), f"Such a network ({name!r})", "Make it narrower.")
    return network


def bytes_of_network(network: nn.Module) -> int:
    """Bytes of all weights and statistics."""
    return sum(value.numel() * value.element_size() for value in network.state_dict().values())


def declaration(name: str, params: Any = None) -> Architecture:
    """The declaration of an architecture. Raises InputError for unknown names and parameters."""
    cls = architectures.get(name)
    if isinstance(params, cls):
        return params
    if params is not None and not isinstance(params, Mapping):
        raise InputError(f"architecture {name!r}: its parameters are given by name, got {type(params).__name__}.")
    try:
        return cls(**(params or {}))
    except ValidationError as error:
        raise InputError(f"architecture {name!r}: {explain(error, cls)}") from None
    except TypeError:  # names that are no text
        raise InputError(f"architecture {name!r}: its parameters are given by name, got {params!r:.80}.") from None


def describe(network: Any) -> dict[str, Any]:
    """``{"name": ..., "params": {...}}`` as plain JSON: what ``build`` makes the network of."""
    params = TypeAdapter(type(network.config)).dump_python(network.config, mode="json")
    return {"name": network.config.name, "params": params}


def from_tensors(name: str, config: Any, tensors: Mapping[str, Tensor]) -> nn.Module:
    """A network with trained tensors, ready for use (no gradients of the weights).

    Raises InputError where names, shapes or values are not those of a trained network of this architecture.
    """
    declared = declaration(name, config)
    network = outline(name, declared)  # no random numbers are drawn, which a training may be about to use
    own = network.state_dict()
    missing, unknown = own.keys() - tensors.keys(), tensors.keys() - own.keys()
    if missing or unknown:
        found = [f"missing {', '.join(sorted(missing)[:3])}"] * bool(missing)
        found += [f"unknown {', '.join(sorted(unknown)[:3])}"] * bool(unknown)
        raise InputError(f"These are not weights of the architecture {name!r}: {'; '.join(found)}.")
    for key, value in tensors.items():
        if value.shape != own[key].shape:
            raise InputError(
                f"These weights do not fit their configuration: {key} has shape {list(value.shape)}, "
                f"{list(own[key].shape)} was expected."
            )
        if value.is_complex():
            raise InputError(f"These are not weights of the architecture {name!r}: {key} holds complex numbers.")
        if not bool(value.isfinite().all()):
            raise InputError(f"These weights are damaged: {key} holds NaN or infinite values.")
    copies = {key: value.to(own[key].dtype, copy=True) for key, value in tensors.items()}
    network.load_state_dict(copies, assign=True)
    _fill(network, declared)
    return network.requires_grad_(False).eval()


def _fill(network: nn.Module, declared: Architecture) -> None:
    """Give a network that was made without values the buffers that files do not hold (``persistent=False``)."""
    missing = [name for name, value in network.named_buffers() if value.is_meta]
    if not missing:
        return
    with RANDOM, torch.random.fork_rng([]):
        fresh = dict(declared.build().named_buffers())
    for name in missing:
        path, _, own = name.rpartition(".")
        network.get_submodule(path)._buffers[own] = fresh[name]
