"""Pictures for a denoiser: read them, scale them to what it was trained on, estimate their noise."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import torch

from .output import say
from .reading import SAMPLE

if TYPE_CHECKING:
    import numpy as np

WITH_RECIPE = (".tif", ".tiff", ".npy", ".h5", ".fits")


def opened(name: str) -> tuple[np.ndarray, dict[str, Any] | None]:
    """A real picture ``[rows, columns]`` from a file or a sample (``sample:NAME``), with its recipe if it has one."""
    from napari_mlpatch import io

    if name.startswith(SAMPLE):
        return io.samples.image(name.removeprefix(SAMPLE)), None
    image, notes = io.image_from_file(name)
    for note in notes:
        say(f"{name}: {note}")
    return image, io.read_image(name)[1] if Path(name).suffix.lower() in WITH_RECIPE else None


def span(image: np.ndarray, text: str | None) -> tuple[float, float]:
    """The values that are 0 and 1 to the network."""
    from napari_mlpatch.methods.plug_and_play import value_range

    if text is None:
        return value_range(torch.from_numpy(image)[None, None])
    try:
        low, high = (float(word) for word in text.split(","))
    except ValueError:
        raise InputError(f"--range is LOW,HIGH, two numbers, got {text!r}.") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"--range needs two finite numbers, the smaller one first, got {text!r}.")
    return low, high


def noise_level(image: np.ndarray, given: float | None, width: float) -> float:
    """The noise as a share of the picture's range, estimated where it is not given."""
    from napari_mlpatch.core.noise_level import from_image

    if given is None:
        found = min(from_image(torch.from_numpy(image)) / width, 1.0)
        say(f"noise estimated: --sigma {found:.3g}")
        return found
    if not 0.0 <= given <= 1.0:
        raise InputError(f"--sigma is a share of the picture's range, from 0 to 1, got {given:g}.")
    return given
