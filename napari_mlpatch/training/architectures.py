"""The networks that can be trained, as forms show them: their parameters, and a small one of each to start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_mlpatch import networks

from .examples import SMALL

STARTS: dict[str, tuple[dict[str, Any], int]] = {
    "mlpatch": (dict(SMALL), 64),
    "dncnn": ({"depth": 7, "width": 32, "noise_input": True}, 8),
    "ircnn": ({"width": 32, "noise_input": True}, 8),
    "unet": ({"width": 16, "depth": 3, "noise_input": True}, 8),
    "drunet": ({"width": 16, "blocks": 1}, 8),
}
"""By architecture: parameters of a network, and so many images a step, that one core can train while one waits."""


def titles() -> dict[str, str]:
    """What to call the architectures, by their names."""
    return {name: cls for name, (_, cls) in networks.ARCHITECTURES.items()}


def config_of(name: str) -> type:
    """The declaration of an architecture's parameters. Raises InputError with the known names."""
    return networks.architecture(name).Config


def reads_pixels(name: str, params: Mapping[str, Any]) -> bool:
    """Whether such a network is trained on random pixels rather than on crops (compare ``objective.loss_of``)."""
    local = hasattr(networks.architecture(name), "from_neighbourhoods")
    return local and params.get("filter_size") is None and not params.get("warp_width")
