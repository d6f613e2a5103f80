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

    Equation:
        xₖ₊₁ = Λ_k(xₖ, Aᵀ(A xₖ - y), ...),   k = 1 ... iterations,  Λ_k learned

    When to use it:
        The geometry, noise and kind of picture that the weights were trained for, or near to them: the operator stands
        inside the network, so that far fewer parameters and training pictures are needed than for a U-Net. Weights that
        were trained for longer than ours have the best figures of the literature. For more iterations than in the
        training take deep equilibrium.

    References:
        - J. Adler & O. Öktem, Solving ill-posed inverse problems using iterative deep neural networks, Inverse Problems
          33 (2017) 124007, doi:10.1088/1361-6420/aa9581.
        - J. Adler & O. Öktem, Learned primal-dual reconstruction, IEEE Trans. Med. Imaging 37 (2018) 1322-1332,
          doi:10.1109/TMI.2018.2799231.
        - H. K. Aggarwal, M. P. Mani & M. Jacob, MoDL: model-based deep learning architecture for inverse problems, IEEE
          Trans. Med. Imaging 38 (2019) 394-405, doi:10.1109/TMI.2018.2865356.
        - V. Monga, Y. Li & Y. C. Eldar, Algorithm unrolling, IEEE Signal Process. Mag. 38 (2021) 18-44,
          doi:10.1109/MSP.2020.3016905.
    """

    iterations: Annotated[
        int | None,
        Field(ge=1, le=10_000, description="steps", json_schema_extra={"none_means": "as trained"}),
    ] = None

    no_start = "its steps were trained from the picture that they begin with, they do not know what to do with others"

    def prepared(self, module: Reconstructor) -> Reconstructor:
        return module if self.iterations is None else module.for_iterations(self.iterations)

    def _remark(self, card: Card) -> str:
        from napari_mlpatch import networks

        made = networks.declaration(card.architecture.name, card.architecture.params)
        trained = getattr(made, "iterations", None)
        if self.iterations is None or trained is None or self.iterations == trained:
            return ""
        return f"The weights {card.name!r} were trained for {trained} iterations, not for {self.iterations}."
