"""What an architecture and a reconstructor are."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator


class Architecture:
    """Base of all architectures: a frozen pydantic dataclass under ``@architectures.register``.

    Its fields, among them ``channels``, are what a card stores; ``build`` makes the network, which keeps the
    declaration as ``network.config``. A denoiser is called ``network(x, sigma)``; all others are ``Reconstructor``.
    """

    name: str
    title: str
    channels: int

    method: ClassVar[str] = "denoiser"
    """What its weights are for: "denoiser", any method that denoises; else the name of the one method that runs it."""

    start: ClassVar[dict[str, Any]] = {}
    """Parameters of a small network, to begin with: one core can train it while one waits."""

    start_images: ClassVar[int] = 8
    """So many images a step go with ``start``."""

    computes_in_bfloat16: ClassVar[bool] = True
    """Whether there is anything in it that the precision "bfloat16" rounds."""

    suits_bfloat16: bool = False
    """Whether such a network is much faster in bfloat16, where a processor has that, and as good to 0.05 dB."""

    trains_in_bfloat16: ClassVar[bool] = False
    """Whether a training in bfloat16 is faster where a processor has that, and its losses are those of float32."""

    reads_pixels: bool = False
    """Whether it is trained on random pixels and what is around them (``from_neighbourhoods``), not on crops."""

    @property
    def axes(self) -> int | None:
        """So many axes its pictures have; None: any."""
        return 2

    def build(self) -> nn.Module:
        """A new network, with random weights."""
        raise NotImplementedError

    def unsuitable(self, A: Operator) -> str:
        """Why a reconstructor of this kind cannot work on an operator; empty where it can."""
        return ""


class Reconstructor(nn.Module):
    """Base of networks that make pictures of measurements, with the operator inside.

    A subclass defines ``iterates``, which makes ``self.iterations`` pictures. A and y are given as
    ``scaling.normalised`` makes them, so that weights do not depend on units. Complex pictures have twice as many
    channels inside (``complex_channels``); sides of any length are the network's task.
    """

    config: Any

    iterations: int = 1
    """So many pictures ``iterates`` yields."""

    normalise: bool = True
    """Whether its weights are for pictures that are scaled (``scaling.normalised``), or for the training's values."""

    starts_from_picture: bool = False
    """Whether ``iterates`` takes the quick picture ``A.pinv(y)`` as a third argument, or makes it itself.

    A training makes it before the step, which is then free of what looks at values (as filtered back-projection does
    for truncated data) and can be captured on a GPU.
    """

    def for_iterations(self, count: int) -> Reconstructor:
        """The same network, with the same tensors, for another number of iterations.

        Of those that have weights of their own, the last goes on beyond the training.
        """
        other = copy.copy(self)
        other.iterations = count
        return other

    def iterates(self, y: Tensor, A: Operator) -> Iterator[Tensor]:
        """The pictures ``[B, C, *A.domain_shape]`` on the way from the data ``[B, C, *A.range_shape]``, best last."""
        raise NotImplementedError

    def forward(self, y: Tensor, A: Operator, *start: Tensor) -> Tensor:
        """The last one; with a ``start`` picture for networks that take one."""
        x = None
        for step in self.iterates(y, A, *start):
            x = step
        if x is None:
            raise RuntimeError(f"{type(self).__name__} yields no picture")
        return x
