"""What a run tells while it goes on, and what it ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from napari_mlpatch.torch_later import Tensor

from .method import Iterate
from .recipe import Recipe


@dataclass(frozen=True)
class Result:
    """A finished (or stopped and kept) reconstruction. ``x`` is on the CPU, in the data's own units.

    ``history`` has one dict per iteration: ``k``, ``seconds`` and the method's scalars. ``state`` continues it.
    """

    x: Tensor = field(repr=False)
    metrics: dict[str, float]
    history: tuple[dict[str, float], ...] = field(repr=False)
    recipe: Recipe
    seconds: float
    peak_bytes: int
    iterations: int
    converged: bool
    state: dict[str, Any] = field(repr=False)
    notes: tuple[str, ...] = ()
    """What to know about the weights, see ``Method.accepts``."""
    note: str = ""
    """What the method had to say of its last iterate."""
    not_found: str = ""
    """Why, as the method says, that one is not what was sought."""

    @property
    def remark(self) -> str:
        """What to know about the picture: that it has not converged, that its weights were trained for other data."""
        return " ".join(filter(None, [self.not_converged, self.note, *self.notes]))

    @property
    def not_converged(self) -> str:
        """That the iterations ended before it had converged. Empty where they did not.

        Methods without a tolerance know no convergence, and who stops by hand knows.
        """
        if self.not_found:
            return self.not_found
        tolerance = getattr(self.recipe.build_method(), "tolerance", 0.0)
        if self.converged or not tolerance or self.recipe.stopped_at is not None:
            return ""
        return (
            f"Not converged: the limit of {self.iterations} iterations came before the tolerance of {tolerance:g}. "
            "More iterations (or continuing) would still change the picture."
        )


@dataclass(frozen=True)
class Started:
    recipe: Recipe


@dataclass(frozen=True)
class Progress:
    """``iterate`` is None during long inner work. ``eta`` is the expected time left in seconds.

    ``scalars`` are the iterate's, and the PSNR where the truth is known.
    """

    iterate: Iterate | None
    seconds: float
    eta: float | None = None
    scalars: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    result: Result


@dataclass(frozen=True)
class Failed:
    """``message`` is for the user. ``error`` is the exception, for a log; bad input has an InputError."""

    message: str
    error: BaseException


@dataclass(frozen=True)
class Cancelled:
    k: int


Event = Started | Progress | Done | Failed | Cancelled
