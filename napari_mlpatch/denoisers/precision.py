"""In which numbers a network computes: float32, or bfloat16 where that is as good and faster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_mlpatch.torch_later import torch

from .base import Precision

SLOW = "This machine computes bfloat16 in software, which takes many times as long as float32."


def settled(precision: Precision, network: Any, device: torch.device | str) -> Precision:
    """The precision that these weights really compute in on this device.

    "auto" is bfloat16 where the device has arithmetic for it and the architecture says that it pays and costs no
    quality (``Architecture.suits_bfloat16``), else float32. Where there is nothing to be rounded, bfloat16 is float32.
    """
    card = getattr(network, "card", None)
    if card is None:
        return "float32" if precision == "auto" else precision
    from napari_mlpatch import networks  # needs PyTorch at once

    made = networks.declaration(card.architecture.name, card.architecture.params)
    if precision != "auto":
        return precision if made.computes_in_bfloat16 else "float32"
    if not has_bfloat16(torch.device(device).type):
        return "float32"
    return "bfloat16" if made.suits_bfloat16 else "float32"


def for_training(precision: Precision, made: Any, device: torch.device | str) -> Precision:
    """The precision that a network of this declaration is trained in on this device.

    "auto" is bfloat16 on a processor with arithmetic for it where the architecture is as good after a training in it
    (``Architecture.trains_in_bfloat16``), else float32.
    """
    if precision != "auto":
        return precision
    on_cpu = torch.device(device).type == "cpu"
    return "bfloat16" if made.trains_in_bfloat16 and on_cpu and has_bfloat16("cpu") else "float32"


def has_bfloat16(kind: str) -> bool:
    """Whether devices of this kind ("cpu", "cuda") have arithmetic for bfloat16."""
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:  # not Linux
        return False
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})
