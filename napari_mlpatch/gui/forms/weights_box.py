"""The choice of trained weights: those that fit, and why the others do not."""

from __future__ import annotations

from napari_mlpatch import weights
from napari_mlpatch.core.method import Fit, Method
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.words import figure
from napari_mlpatch.gui.plumbing.dot import dot
from napari_mlpatch.gui.plumbing.elided import Box
from napari_mlpatch.gui.plumbing.memory import memory
from napari_mlpatch.io.samples import words
from napari_mlpatch.methods.suitable import Candidate, best_of_each, ranked

from .boxes import short

REMARK = "#ffa64d"


class WeightsBox(Box):
    """All weights by title, their names as data; those that do not fit greyed out, with the reason as a tooltip.

    Only cards are read here: the job opens the file.
    """

    def __init__(self) -> None:
        super().__init__()
        short(self)
        self._cards: dict[str, weights.Card] = {}
        self._offered: list[Candidate] = []
        self._by_hand: tuple[str, Problem | None] | None = None
        self._kept_for: tuple[str, Problem | None] | None = None
        """What is to stay chosen: by hand, or put back from a result."""
        self._problem: Problem | None = None
        self._method = ""
        self.activated.connect(self._chosen_by_hand)
        self.currentIndexChanged.connect(self._tell)

    def offer(self, method: Method, problem: Problem | None) -> None:
        """List what there is for a method on a problem, the most suitable first, and choose that.

        What was chosen by hand stays, where it fits; on another problem, where it fits without a remark.
        """
        self._problem, self._method = problem, method.name
        self.blockSignals(True)
        self._fill(method, problem)
        self.blockSignals(False)
        self._tell()

    def _fill(self, method: Method, problem: Problem | None) -> None:
        self.clear()
        self._offered = []
        self.setEnabled(method.needs_network)
        if not method.needs_network:
            self.addItem("none needed", None)
            return
        cards = weights.available()
        self._cards = {card.name: card for card in cards}
        free = [Candidate(card, Fit()) for card in cards]
        self._offered = free if problem is None else ranked(method, problem, cards, words(problem.source))
        for row, (card, fit) in enumerate((one.card, one.fit) for one in self._offered):
            self.addItem(card.title, card.name)
            item = self.model().item(row)  # type: ignore[attr-defined]
            item.setEnabled(not fit.refusal)
            item.setToolTip(fit.refusal or "<br>".join(filter(None, [card_text(card), fit.remark])))
            if fit.remark and not fit.refusal:
                item.setIcon(dot(REMARK))  # the theme has its own colours for text
        if not self._offered or self._offered[0].fit.refusal:
            self.addItem("none of these fits" if self._cards else "no weights are here", None)
            self.setCurrentIndex(self.count() - 1)
        else:
            self.setCurrentIndex(self._kept(problem))

    def _kept(self, problem: Problem | None) -> int:
        """The row of what was chosen by hand, else in an earlier session for this method, else the first."""
        name, then = self._kept_for or (None, None)
        for row, one in enumerate(self._offered):
            if one.card.name == name and not one.fit.refusal and (then is problem or not one.fit.remark):
                return row
        earlier = memory().text("weights", self._method)
        for row, one in enumerate(self._offered):
            if one.card.name == earlier and not one.fit.refusal and not one.fit.remark:
                return row
        return 0

    def _chosen_by_hand(self) -> None:
        name = self.currentData()
        self._by_hand = self._kept_for = None if name is None else (name, self._problem)
        memory().put(name, "weights", self._method)

    def forget(self) -> None:
        """The most suitable ones again."""
        self._by_hand = self._kept_for = None
        memory().put(None, "weights", self._method)

    def put_back(self, name: str) -> None:
        """Choose the weights that a result was made with, where they are here and fit."""
        self._kept_for = (name, self._problem)
        row = self._kept(self._problem)
        if row < len(self._offered) and self._offered[row].card.name == name:
            self.setCurrentIndex(row)

    def _tell(self) -> None:
        """The tooltip of the box is that of what is chosen."""
        row = self.currentIndex()
        if not self.isEnabled():
            self.setToolTip("This method, as it is set, has no learned part")
        elif 0 <= row < len(self._offered):
            self.setToolTip(self.model().item(row).toolTip())  # type: ignore[attr-defined]
        else:
            self.setToolTip("Trained weights: point at one to read its card, or why it does not fit")

    def chosen(self) -> weights.Unopened | None:
        """The weights that are chosen; None where there are none, or none are needed."""
        name = self.currentData()
        return None if name is None else weights.Unopened(self._cards[name])

    def why_none(self) -> str:
        """Where nothing fits: why not what is nearest to it, the first of the list. Empty where something does."""
        return self._offered[0].fit.refusal if self._offered else ""

    def best(self, method: Method, problem: Problem) -> list[weights.Unopened]:
        """What a comparison runs: the best of each architecture, or what was chosen by hand."""
        name = self._by_hand[0] if self._by_hand else None
        found = ranked(method, problem, weights.available(), words(problem.source))
        return [weights.Unopened(card) for card in best_of_each(found, name)]


def card_text(card: weights.Card) -> str:
    """What the card says, for a tooltip."""
    figures = "".join(f"<br>{figure(name, value)}" for name, value in card.metrics.items())
    return f"<b>{card.name}</b>: {', '.join(weights.facts(card))}<br>{card.data}{figures}<br>licence: {card.licence}"
