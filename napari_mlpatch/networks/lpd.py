"""Learned primal-dual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import architectures
from napari_mlpatch.core.words import count_of

from .architecture import Architecture, Reconstructor
from .complex_channels import from_channels, to_channels
from .prelu import PReLU
from .unrolled import has_complex_pictures, in_planes, three_convolutions

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator


@architectures.register("lpd", title="Learned primal-dual")
@dataclass(frozen=True, config=CONFIG)
class LPDConfig(Architecture):
    """Iterations, memory and width; the defaults are the published network, with 253,220 parameters."""

    channels: Annotated[
        int, Field(ge=1, le=64, description="channels of the picture; a complex one has two for each")
    ] = 1
    data_channels: Annotated[
        int | None,
        Field(
            ge=1,
            le=64,
            description="channels of the data; complex data have two for each",
            json_schema_extra={"none_means": "as the picture"},
        ),
    ] = None
    iterations: Annotated[int, Field(ge=1, le=100, description="iterations, each with networks of its own")] = 10
    memory: Annotated[int, Field(ge=2, le=64, description="pictures, and sinograms, that are carried along")] = 5
    width: Annotated[int, Field(ge=1, le=512, description="channels between the convolutions")] = 32

    method: ClassVar = "unrolled"
    start: ClassVar = {"iterations": 4, "width": 16}
    start_images: ClassVar = 1
    trains_in_bfloat16: ClassVar = True
    """400 steps of the example: 27.5 and 27.3 dB (two seeds), in float32 27.2 and 27.3, with losses that agree."""

    def build(self) -> LPD:
        return LPD(self)


class LPD(Reconstructor):
    """``h ← h + dual_i(h, A f², y)``, then ``f ← f + primal_i(f, Aᵀ h¹)``: both start at zero, the picture is ``f¹``.

    f are ``memory`` pictures and h as many data. Each network has three convolutions 3x3 with PReLU between them. Adler
    & Öktem, Learned primal-dual reconstruction, IEEE Trans. Med. Imaging 37, 2018. Complex pictures and data are real
    and imaginary parts as channels; data of several coils are convolved coil by coil, all alike.
    """

    def __init__(self, config: LPDConfig | None = None):
        super().__init__()
        self.config = config = config or LPDConfig()
        self.iterations = config.iterations
        picture, data = config.channels, config.data_channels or config.channels
        memory, width = config.memory, config.width

        def update(own: int, given: int) -> nn.Sequential:
            return three_convolutions(memory * own + given, width, memory * own, lambda: PReLU(width, init=0.0))

        self.dual = nn.ModuleList(update(data, 2 * data) for _ in range(config.iterations))
        self.primal = nn.ModuleList(update(picture, picture) for _ in range(config.iterations))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def iterates(self, y: Tensor, A: Operator) -> Iterator[Tensor]:
        """The picture after each iteration. Raises InputError where picture or data have other channels."""
        is_complex = has_complex_pictures(y, A, self.config)
        given = to_channels(y)
        self._check(given)
        C, N = self.config.channels, self.config.memory
        f = given.new_zeros(len(y), N * C, *A.domain_shape)
        h = given.new_zeros(len(y), N * given.shape[1], *A.range_shape)
        for k in range(self.iterations):
            k = min(k, len(self.dual) - 1)  # beyond the training, the last one goes on
            dual, primal = self.dual[k], self.primal[k]
            measured = to_channels(A(from_channels(f[:, C : 2 * C], is_complex)))
            h = h + in_planes(dual, torch.cat([h, measured, given], 1))
            back = to_channels(A.T(from_channels(h[:, : given.shape[1]], y)))
            f = f + primal(torch.cat([f, back], 1))
            yield from_channels(f[:, :C], is_complex)

    def _check(self, given: Tensor) -> None:
        wanted = self.config.data_channels or self.config.channels
        if given.shape[1] != wanted:
            raise InputError(
                f"This {self.config.title} is for data with {count_of(wanted, 'channel')}, these have {given.shape[1]} "
                f"(complex data two for each). Set data_channels = {given.shape[1]} and train it for them."
            )
