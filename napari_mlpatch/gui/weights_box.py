"""The choice of trained weights: those that fit, and why the others do not."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox

from napari_mlpatch import weights
from napari_mlpatch.core.fit import fit
from napari_mlpatch.core.method import Fit, Method
from napari_mlpatch.core.problem import Problem

from .forms import short


class WeightsBox(QComboBox):
    """All weights by title, their names as data; those that do not fit greyed out, with the reason as a tooltip.

    Only cards are read here: the job opens the file.
    """

    def __init__(self) -> None:
        super().__init__()
        short(self)
        self._cards: dict[str, weights.Card] = {}

    def offer(self, method: Method, problem: Problem | None) -> None:
        """List what there is for a method on a problem. The choice stays, where it fits."""
        before = self.currentData()
        self.clear()
        self.setEnabled(method.needs_network)
        if not method.needs_network:
            self.addItem("none needed", None)
            self.setToolTip("This method, as it is set, has no learned part")
            return
        self.setToolTip("Trained weights: point at one to read its card")
        self._cards = {card.name: card for card in weights.available()}
        fitting = []
        for row, card in enumerate(self._cards.values()):
            found = Fit() if problem is None else fit(method, card, problem)
            self.addItem(card.title, card.name)
            item = self.model().item(row)  # type: ignore[attr-defined]
            item.setEnabled(not found.refusal)
            item.setToolTip(found.refusal or "<br>".join(filter(None, [card_text(card), found.remark])))
            if not found.refusal:
                fitting.append(row)
        if not fitting:
            self.addItem("none of these fits" if self._cards else "no weights are here", None)
        row = self.findData(before)
        self.setCurrentIndex(row if row in fitting else fitting[0] if fitting else self.count() - 1)

    def chosen(self) -> weights.Unopened | None:
        """The weights that are chosen; None where there are none, or none are needed."""
        name = self.currentData()
        return None if name is None else weights.Unopened(self._cards[name])

    def best(self, method: Method, problem: Problem) -> weights.Unopened | None:
        """Of those that fit: the chosen ones, else the first that were trained for just this, else the first."""
        found = [(card, fit(method, card, problem)) for card in weights.available()]
        fitting = [(card, f.remark) for card, f in found if not f.refusal]
        ranked = sorted(fitting, key=lambda pair: (pair[0].name != self.currentData(), bool(pair[1])))
        return weights.Unopened(ranked[0][0]) if ranked else None


def card_text(card: weights.Card) -> str:
    """What the card says, for a tooltip."""
    figures = "".join(f"<br>{name}: {value:.2f} dB" for name, value in card.metrics.items())
    return f"<b>{card.name}</b>: {', '.join(weights.facts(card))}<br>{card.data}{figures}<br>licence: {card.licence}"
