"""Which weights to take for a method on a problem: what forms offer first, and what a comparison of methods runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.declare import describe
from napari_mlpatch.core.fit import fit
from napari_mlpatch.core.method import Fit, Method
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import operators

from . import trained_for
from .learned import Learned

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator
    from napari_mlpatch.weights import Card


@dataclass(frozen=True)
class Candidate:
    """Weights, and what the method says to them."""

    card: Card
    fit: Fit


def ranked(method: Method, problem: Problem, cards: Iterable[Card], pictured: str = "") -> list[Candidate]:
    """All cards, the most suitable one first, what is refused last: of that, what the method runs on other data first.

    What was trained for just this comes before what was trained for something like it, less different before more.
    Among equals the better held-out PSNR comes first. A denoiser knows no operator: there, training pictures of the
    operator's modality come first, then those of none, and otherwise the order is that of ``cards``. Where the operator
    has none, as a blur, the words ``pictured`` tell what it was used on: the title of an image, the name of its file.
    """
    found = [Candidate(card, fit(method, card, problem)) for card in cards]
    used, kinds = describe(problem.A), modalities(problem.A) or _named(pictured)
    return sorted(found, key=lambda one: _rank(one, used, kinds, method))


def best_of_each(candidates: Iterable[Candidate], chosen: str | None = None) -> list[Card]:
    """What a comparison of methods runs: of each architecture the best card, or the one of the name ``chosen``.

    Of denoisers and of what comes with a remark it is one card only, as they would fill the table.
    """
    fitting = [one for one in candidates if not one.fit.refusal]
    fitting.sort(key=lambda one: one.card.name != chosen)
    made_for_this = [one for one in fitting if not one.fit.remark and one.card.method != "denoiser"]
    first = fitting[:1] if not made_for_this or fitting[0].card.name == chosen else []
    best: dict[str, Card] = {}
    for one in [*first, *made_for_this]:
        best.setdefault(one.card.architecture.name, one.card)
    return list(best.values())


def modalities(A: Operator) -> set[str]:
    """Of an operator, or of those that it is made of."""
    names = set(trained_for.kind_of(describe(A)).split())
    return {cls.modality for cls in operators if cls.name in names} - {""}


def _rank(one: Candidate, used: dict[str, Any], kinds: set[str], method: Method) -> tuple[bool, bool, int, float]:
    card, refused, has_remark = one.card, bool(one.fit.refusal), bool(one.fit.remark)
    if refused:
        makes_pictures_of_data = isinstance(method, Learned)
        return True, card.method != method.name, int((card.method == "denoiser") is makes_pictures_of_data), 0.0
    if card.operator is None:
        return False, has_remark, _strangeness(card, kinds), 0.0
    different = len(trained_for.differences(card.operator.model_dump(), used))
    return False, has_remark, different, -card.metrics.get("psnr", -math.inf)


def _strangeness(card: Card, kinds: set[str]) -> int:
    """0: trained on pictures of these modalities, as the card's words say. 1: on pictures of none. 2: of another."""
    known = _named(f"{card.title} {card.data}")
    return 0 if known & kinds else 2 if known else 1


def _named(words: str) -> set[str]:
    """The modalities that a text names."""
    return {cls.modality for cls in operators} & set(re.findall(r"[^\W_]+", words))
