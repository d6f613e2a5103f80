"""What a reconstruction method is, and what it yields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_mlpatch.torch_later import Tensor, torch

from .problem import Problem

if TYPE_CHECKING:
    from napari_mlpatch.weights import Card

    from .noise import Noise
    from .operator import Operator


@dataclass(frozen=True)
class Iterate:
    """One step of a method.

    ``x`` is the picture so far, ``[B, C, *A.domain_shape]``, ``k`` of at most ``total`` steps. ``scalars`` are
    numbers to plot (objective, residual...), ``fields`` named overlays. ``state`` is all that the method needs to go
    on from here; handing it back to ``solve`` continues as if there had been no stop. ``remark`` says, of the last one,
    what a person should know before using it; ``not_found``, why it is not what was sought, where a method knows more
    than that its iterations came to an end before it had converged.
    """

    x: Tensor = field(repr=False)
    k: int
    total: int
    scalars: dict[str, float] = field(default_factory=dict)
    fields: dict[str, Tensor] = field(default_factory=dict, repr=False)
    state: dict[str, Any] = field(default_factory=dict, repr=False)
    converged: bool = False
    remark: str = ""
    not_found: str = ""


@dataclass(frozen=True)
class Fit:
    """Whether weights fit: ``refusal`` says why not (empty where they do), ``remark`` what to know about using them."""

    refusal: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Question:
    """Do weights of this card (None: no weights) serve a method for pictures of the operator A?

    ``channels`` are those of the data, ``is_complex`` whether pictures are (None: either), ``noise`` what is known of
    it.
    """

    card: Card | None
    A: Operator
    channels: int = 1
    is_complex: bool | None = None
    noise: Noise | None = None


class Method:
    """Base of all methods: a frozen pydantic dataclass whose fields are the hyper-parameters.

    ``solve`` is a generator. It yields an ``Iterate`` for every step and may yield ``None`` in between, during long
    inner work, to give the caller a chance to stop. It holds no state of its own. Continued from the state of a
    converged iterate, it yields that iterate again, with the same k, and ends.

    Items of a batch ``[B, C, *space]`` are problems of their own: what comes out for one is what it would give alone,
    so levels, weights, step lengths and stopping are per item, and an item that has converged waits for the others. The
    channels of an item are one picture and share them. ``scalars`` hold the largest value over the items.
    """

    name: str
    title: str

    iterative: bool = True
    """Whether the method has iterations that can be stopped and continued."""

    draws: bool = True
    """Whether it may draw from PyTorch's global random numbers, which its steps then have for themselves.

    One that does not (it draws nothing, or from generators of its own) runs beside others of the same process.
    """

    takes_start: bool = False
    """Whether ``solve`` takes ``start``, a picture ``[B, C, *A.domain_shape]`` to begin with instead of its own."""

    no_start: str = "it does not say where to begin with another picture than its own"
    """Why not, to end the sentence "The method ... cannot start from a picture: "."""

    @property
    def needs_network(self) -> bool:
        """Whether it works only with trained weights, with the parameters that it has."""
        return False

    def solve(
        self, problem: Problem, network: Any = None, state: dict[str, Any] | None = None
    ) -> Iterator[Iterate | None]:
        raise NotImplementedError

    def shortened(self, iterations: int) -> Method:
        """What a trial run of so many iterations shall do, to tell how long one takes on average.

        The method itself where all its iterations are alike, else one whose schedules are as much shorter.
        """
        return self

    def settled(self, network: Any, device: torch.device) -> Method:
        """The method with every choice made that it leaves to the machine: what a recipe says that was run."""
        return self

    def unsuitable(self, A: Operator) -> str:
        """Why this method cannot work on this operator; empty where it can."""
        return ""

    def accepts(
        self,
        card: Card | None,
        A: Operator,
        channels: int = 1,
        *,
        is_complex: bool | None = None,
        noise: Noise | None = None,
    ) -> Fit:
        """Whether weights of this card (None: no weights) serve it for pictures of this operator.

        ``channels`` are those of the data, ``is_complex`` whether pictures are (None: as the operator says), ``noise``
        what is known of it. ``run`` asks before anything is computed; a remark goes into the result.
        """
        return self.answer(Question(card, A, channels, A.complex_image if is_complex is None else is_complex, noise))

    def answer(self, asked: Question) -> Fit:
        """What ``accepts`` says: for a subclass to define."""
        if asked.card is None:
            return Fit()
        return Fit(f"The method {self.name!r} has no learned part: it has no use for the weights {asked.card.name!r}.")
