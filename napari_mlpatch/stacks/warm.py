"""An operator's tables are made while the first data are being read."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.solve import solved
from napari_mlpatch.torch_later import torch

if TYPE_CHECKING:
    from .job import Tools


class Warm:
    """The method begins on made-up data of a slice, on a thread of its own: so it makes all tables that it needs.

    ``done``: it has gone through so many ``iterations``, and nothing is left to be made.
    """

    def __init__(self, tools: Tools, iterations: int = 1):
        self._tools, self._iterations, self._enough, self.done = tools, iterations, threading.Event(), False
        tools.is_warm = True
        with suppress(Exception):  # whatever is wrong is told where it is used
            if tools.source.kind != "kspace":
                getattr(tools.A, "_made", None)  # cached_property has no lock: two threads would make one each
        self._thread = threading.Thread(target=self._work, name="mlpatch-tables")
        self._thread.start()

    @property
    def is_making(self) -> bool:
        return self._thread.is_alive()

    def enough(self) -> None:
        """What it does beside the tables may end after the present step: the data are there."""
        self._enough.set()

    def join(self) -> None:
        """Wait until it has gone through all iterations."""
        self._thread.join()

    def _work(self) -> None:
        tools, begun = self._tools, 0

        def told(iterate: object) -> bool:
            nonlocal begun
            begun += iterate is not None
            return not self._enough.is_set()

        with suppress(Exception):  # whatever is wrong is told where it is run on the data
            if tools.source.kind != "kspace" and tools.A.range_shape == tools.source.shape:
                solved(
                    tools.method.shortened(self._iterations),
                    Problem(tools.A, _made_up(tools), noise=tools.noise, noise_std=tools.recipe.data.noise_std),
                    tools.network,
                    device=tools.device,
                    seed=tools.recipe.seed,
                    limit=self._iterations,
                    told=told,
                )
                self.done = begun >= self._iterations


def _made_up(tools: Tools) -> torch.Tensor:
    """Noise ``[1, 1, *range_shape]``: zeros might be a special case of a method."""
    return torch.rand(1, 1, *tools.A.range_shape, generator=torch.Generator().manual_seed(0))
