"""PyTorch, imported when it is first used: that takes 2 seconds, in which a window can open.

>>> from napari_mlpatch.torch_later import Tensor, torch

``Tensor`` is for annotations; at run time use ``torch.is_tensor``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    import torch.nn.functional as F
    from torch import Tensor
else:

    class _Module:
        """Stands for a module until one of its names is asked for; each name is then kept here."""

        def __init__(self, name: str):
            self._module = name

        def __getattr__(self, name: str) -> Any:
            value = getattr(importlib.import_module(self._module), name)
            setattr(self, name, value)
            return value

    torch = _Module("torch")
    F = _Module("torch.nn.functional")
    Tensor = Any

__all__ = ["F", "Tensor", "torch"]
