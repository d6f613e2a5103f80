"""Networks of trained weights, opened once: for methods, the microscope, Zoom and films alike."""

from __future__ import annotations

import json
import weakref
from typing import Any

import torch
from torch import Tensor, nn

from napari_mlpatch.core import kept

MOST = 6
MOST_BYTES = 2**30
_networks = kept.Kept(MOST, MOST_BYTES)


def opened(weights: Any, device: torch.device | str = "cpu", precision: str = "float32") -> nn.Module:
    """The network of ``Weights``, ready for use on a device: not to be changed, as others use it, too.

    The last few are kept. In the precision "bfloat16", convolutions and linear layers compute in that, and all between
    them in float32. Not for the window's thread: opening takes seconds. Raises InputError like ``from_tensors``.
    """
    from . import bytes_of_network, from_tensors

    made, there = weights.card.architecture, torch.device(device)
    normalise = weights.card.normalise

    def make() -> nn.Module:
        network: Any = from_tensors(made.name, made.params, weights.tensors).to(there)
        network.made_of = weakref.ref(weights)
        network.normalise = normalise
        return network if precision == "float32" else in_bfloat16(network)

    key = (weights.card.sha256, json.dumps(made.model_dump(), sort_keys=True, default=str), there, precision, normalise)
    return _networks.get_or_make(key, there, make, bytes_of_network, lambda network: _is_of(network, weights))


def release(device: torch.device | str) -> None:
    """Forget the opened networks on a device."""
    _networks.release(torch.device(device))


def in_bfloat16(network: nn.Module) -> nn.Module:
    """The network, changed: its convolutions and linear layers compute in bfloat16 and give what they are given.

    Those are the layers of PyTorch, and of other modules the methods that they name as ``convolving``.
    """
    for layer in network.modules():
        is_layer = isinstance(layer, nn.modules.conv._ConvNd | nn.Linear)
        for name in ("forward",) if is_layer else getattr(layer, "convolving", ()):
            setattr(layer, name, _rough(getattr(layer, name)))
    return network


def _rough(forward: Any) -> Any:
    def called(x: Tensor, *more: Any, **named: Any) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16):
            return forward(x, *more, **named).to(x.dtype)

    return called


def _is_of(network: Any, weights: Any) -> bool:
    """Whether it has these tensors: a card that was written by hand may claim another's fingerprint."""
    if network.made_of() is weights:
        return True
    own, tensors = network.state_dict(), weights.tensors
    same = own.keys() == tensors.keys() and all(
        value.shape == own[key].shape and torch.equal(value.to(own[key]), own[key]) for key, value in tensors.items()
    )
    if same:
        network.made_of = weakref.ref(weights)
    return same
