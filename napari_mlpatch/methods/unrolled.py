"""Unrolled networks: a few iterations of an algorithm, with learned parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import methods

from .learned import Learned

if TYPE_CHECKING:
    from napari_mlpatch.networks import Reconstructor
    from napari_mlpatch.weights import Card


@methods.register("unrolled", title="Unrolled network")
@dataclass(frozen=True, config=CONFIG)
class Unrolled(Learned):
    """An iterative algorithm of a few steps whose parts were learned for this operator (Adler & Öktem 2017, 2018).

    The weights decide which: learned gradient descent, learned primal-dual, MoDL, LISTA... It may have more iterations
    than in the training, which seldom makes the picture better: the last one goes on.
    """

    iterations: Annotated[
        int | None,
        Field(ge=1, le=10_000, description="steps", json_schema_extra={"none_means": "as trained"}),
    ] = None

    def prepared(self, module: Reconstructor) -> Reconstructor:
        return module if self.iterations is None else module.for_iterations(self.iterations)

    def _remark(self, card: Card) -> str:
        from napari_mlpatch import networks

        made = networks.declaration(card.architecture.name, card.architecture.params)
        trained = getattr(made, "iterations", None)
        if self.iterations is None or trained is None or self.iterations == trained:
            return ""
        return f"The weights {card.name!r} were trained for {trained} iterations, not for {self.iterations}."
