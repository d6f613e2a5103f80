"""DnCNN, IRCNN and DRU-Net in the layout of their authors' files (KAIR, DPIR)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.networks.ircnn import DILATIONS

IRCNN_WIDTH = 64


def from_kair(tensors: Mapping[str, Any]) -> nn.Module:
    """The network of ``dncnn_*``, ``fdncnn_*``, ``ircnn_*`` (one network or the bank of 25) or ``drunet_*.pth``.

    ``tensors`` are what ``read_checkpoint`` gives. Channels, depth and width follow from their shapes: a chain of seven
    convolutions with 64 channels is an IRCNN, other chains are DnCNN, those with a noise map FDnCNN, which predict the
    image. Raises InputError for other architectures.
    """
    if tensors and all(isinstance(part, Mapping) for part in tensors.values()):
        bank = [tensors[key] for key in sorted(tensors, key=lambda key: (len(key), key))]
        if not all(isinstance(value, Tensor) for one in bank for value in one.values()):
            raise _unknown(tensors)
        return _ircnn(bank)
    if not all(isinstance(value, Tensor) for value in tensors.values()):
        raise _unknown(tensors)
    if "m_head.weight" in tensors:
        return networks.from_tensors("drunet", _drunet(tensors), dict(tensors))
    kernels = _kernels(tensors)
    if len(kernels) == len(DILATIONS) and kernels[0].shape[0] == IRCNN_WIDTH:
        return _ircnn([tensors])
    if len(kernels) < 3:
        raise _unknown(tensors)
    norm = any(key.endswith("running_mean") for key in tensors)
    config = _ends(kernels) | {"depth": len(kernels), "batch_norm": norm}
    config["residual"] = not config["noise_input"]
    return networks.from_tensors("dncnn", config, dict(tensors))


def _ircnn(bank: list[Mapping[str, Tensor]]) -> nn.Module:
    config = _ends(_kernels(bank[0])) | {"bank": len(bank)}
    named = {
        f"models.{k}.{name.removeprefix('model.')}": value for k, one in enumerate(bank) for name, value in one.items()
    }
    return networks.from_tensors("ircnn", config, named)


def _drunet(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    head, tail = tensors["m_head.weight"], tensors.get("m_tail.weight")
    if tail is None or head.ndim != 4 or tail.ndim != 4:
        raise _unknown(tensors)
    blocks = sum(key.startswith("m_body.") and key.endswith("res.0.weight") for key in tensors)
    channels, inputs = tail.shape[0], head.shape[1]
    return {"channels": channels, "width": head.shape[0], "blocks": blocks, "noise_input": inputs == channels + 1}


def _kernels(tensors: Mapping[str, Any]) -> list[Tensor]:
    """The convolution kernels of a chain ``model.N.weight``, in order."""
    chain = [key for key, value in tensors.items() if key.startswith("model.") and getattr(value, "ndim", 0) == 4]
    try:
        return [tensors[key] for key in sorted(chain, key=lambda key: int(key.split(".")[1]))]
    except ValueError:
        raise _unknown(tensors) from None


def _ends(kernels: list[Tensor]) -> dict[str, Any]:
    if not kernels:
        raise InputError("The bank holds no convolutions: this is no IRCNN.")
    channels = kernels[-1].shape[0]
    return {
        "channels": channels,
        "width": kernels[0].shape[0],
        "noise_input": kernels[0].shape[1] == channels + 1,
    }


def _unknown(tensors: Mapping[str, Any]) -> InputError:
    seen = ", ".join(list(tensors)[:4])
    return InputError(
        "These are not the weights of a DnCNN, IRCNN or DRU-Net in the layout of KAIR, nor of a released LoFi: the "
        f"file has {seen}... Other architectures cannot be imported."
    )
