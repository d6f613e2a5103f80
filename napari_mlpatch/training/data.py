"""The images that a recipe names, for training and for validation."""

from __future__ import annotations

import os
from typing import Any

import torch

from napari_mlpatch.core.files import path_of

from .sources import Source


def open_data(
    data: Source, root: str | os.PathLike[str] = ".", device: torch.device | str = "cpu"
) -> tuple[Any, Any | None]:
    """Images for training, and those held out for validation (None if there are none).

    Relative paths start at ``root``. Raises InputError for missing and unreadable files, for NaN and infinite values,
    and if nothing is left.
    """
    return data.open(path_of(root, "The folder of data"), torch.device(device))
