"""What results are called: in full for lists, short for pictures and curves."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from napari_mlpatch.core.declare import Parameter, parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.method import Method
from napari_mlpatch.core.registry import architectures
from napari_mlpatch.weights import Unopened, Weights

Chosen = Weights | Unopened
"""Weights, or their card: the job reads the file."""

MLPATCH = {"pnp-admm": "MLPatch-ADMM", "pnp-hqs": "MLPatch-HQS", "pnp-pgm": "MLPatch-PGM", "direct": "MLPatch direct"}
"""What methods are called where MLPatch is their denoiser."""
NAMES = {
    "unet": "U-Net",
    "equilibrium": "Deep equilibrium",
    "reuse": "R&R",
    "direct": "Denoised",
    "pnp-admm": "PnP-ADMM",
    "pnp-hqs": "PnP-HQS",
    "pnp-pgm": "PnP-PGM",
}
"""What methods are called that are not called like their class."""
BY_NETWORK = {"unrolled": ("lpd", "lgd", "unrolled"), "equilibrium": ("deq", "equilibrium")}
"""Methods that are called like the algorithm that was learned, and what of it names of weights say once more."""
BRIEF = {
    "Learned primal-dual": "LPD",
    "Learned gradient descent": "LGD",
    "Unrolled proximal gradient": "Unrolled prox",
    "Unrolled projected gradient": "Unrolled proj",
}
"""What papers call algorithms where there is little room."""
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
            _setting(p, getattr(method, p.name))
            for p in parameters(type(method))
            if getattr(method, p.name) != p.default
        ]
        name, trained = _name(method, weights), weights.card.name if weights else ""
        return cls(name, trained, ", ".join(changed), f"{name} {_without(name, method.name, trained)}".strip())

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


def _name(method: Method, weights: Chosen | None) -> str:
    """Learned methods by the algorithm that was learned: learned primal-dual, MoDL, DE-ADMM."""
    own = NAMES.get(method.name, type(method).__name__)
    if weights is None:
        return own
    network = weights.card.architecture.name
    if network == "mlpatch":
        return MLPATCH.get(method.name, own)
    if method.name not in BY_NETWORK:
        return own
    try:
        title: str = architectures.get(network).title
    except InputError:  # of a package that is not here
        return own
    short = re.search(r"\(([\w-]+)\)$", title)
    return short[1] if short else title


def _without(head: str, method: str, trained: str) -> str:
    """The name of weights without first parts that the method's name says: MLPatch-ADMM, (mlpatch-)ct-small."""
    told = head.lower().replace("-", "")
    first, _, rest = trained.partition("-")
    while rest and (told.startswith(first) or first in (*head.lower().split("-"), *BY_NETWORK.get(method, ()))):
        trained = rest
        first, _, rest = trained.partition("-")
    return trained


def _setting(p: Parameter, value: Any) -> str:
    name = p.name
    if isinstance(value, bool):
        return name if value else f"no {name}"
    if value is None:
        return f"{name}={p.none_means}"
    return f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
