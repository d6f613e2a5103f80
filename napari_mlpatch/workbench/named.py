"""What results are called: in full for lists, short for pictures and curves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from napari_mlpatch.core.declare import parameters
from napari_mlpatch.core.method import Method
from napari_mlpatch.weights import Unopened, Weights

Chosen = Weights | Unopened
"""Weights, or their card: the job reads the file."""

MLPATCH = {"pnp-admm": "MLPatch-ADMM", "pnp-hqs": "MLPatch-HQS", "pnp-pgm": "MLPatch-PGM", "direct": "MLPatch direct"}
"""What methods are called where MLPatch is their denoiser."""
NAMES = {"unet": "U-Net"}
"""What methods are called that are not called like their class."""
SHORT = {"equilibrium": "DEQ"}
WIDEST = 26
"""Characters of a line that a cell of the grid has room for."""


@dataclass(frozen=True)
class Named:
    """The method's name, that of its weights, and the parameters that differ from their defaults, in words."""

    method: str
    weights: str
    settings: str
    short: str
    """Method and weights, without what both of them say."""

    @classmethod
    def of(cls, method: Method, weights: Chosen | None = None) -> Named:
        changed = [
            _setting(p.name, getattr(method, p.name))
            for p in parameters(type(method))
            if getattr(method, p.name) != p.default
        ]
        is_mlpatch = weights is not None and weights.card.architecture.name == "mlpatch"
        own = NAMES.get(method.name, type(method).__name__)
        name = MLPATCH.get(method.name, own) if is_mlpatch else own
        trained = weights.card.name if weights else ""
        head = SHORT.get(method.name, name)
        return cls(name, trained, ", ".join(changed), f"{head} {_without(head, trained)}".strip())

    def also(self, *words: str) -> Named:
        """With more words among its settings."""
        return replace(self, settings=", ".join(filter(None, [self.settings, *words])))

    @property
    def title(self) -> str:
        return " ".join(filter(None, [self.method, ", ".join(filter(None, [self.weights, self.settings]))]))

    @property
    def line(self) -> str:
        """Like the title, but short."""
        return elided(" ".join(filter(None, [self.short, self.settings])), 2 * WIDEST)


def elided(text: str, widest: int = WIDEST) -> str:
    """The text, ended by dots where it is longer."""
    return text if len(text) <= widest else f"{text[: widest - 1].rstrip(' ,')}…"


def _without(head: str, trained: str) -> str:
    """The name of weights without a first part that the method's name begins with: MLPatch-ADMM, (mlpatch-)ct-small."""
    first, _, rest = trained.partition("-")
    return rest if rest and head.lower().replace("-", "").startswith(first) else trained


def _setting(name: str, value: Any) -> str:
    if value is True:
        return name
    return f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
