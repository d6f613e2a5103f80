"""The choice of an MLPatch network, which is opened when it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt

from napari_mlpatch import weights
from napari_mlpatch.explore import microscope
from napari_mlpatch.gui.plumbing.elided import Box
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.workbench.workbench import Workbench

from .boxes import short


class NetworkBox(Box):
    """The MLPatch weights by title, their names as data; follows what is trained, without telling that it did."""

    def __init__(self, workbench: Workbench):
        super().__init__()
        short(self)
        self.setToolTip("The trained MLPatch network that is used")
        self._cards: dict[str, weights.Card] = {}
        self._loaded: weights.Weights | None = None
        self._offer()
        follow(self, workbench.weights_changed, self._offer)

    def network(self) -> Callable[[], Any] | None:
        """Opens the network that is chosen now; to be called off the GUI thread. None without weights."""
        name = self.currentData()
        if name is None:
            return None
        card = self._cards[name]
        return lambda: self._open(card)

    def _offer(self) -> None:
        before = self.currentData()
        self.blockSignals(True)
        self.clear()
        for card in weights.available():
            if card.architecture.name == "mlpatch":
                self._cards[card.name] = card
                self.addItem(card.title, card.name)
                self.setItemData(self.count() - 1, f"{card.title} ({card.name})", Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(max(0, self.findData(before)))
        self.blockSignals(False)

    def _open(self, card: weights.Card) -> Any:
        """Weights that are trained again keep their name; their fingerprint tells that they are others."""
        loaded = self._loaded
        if loaded is None or loaded.card.sha256 != card.sha256:
            self._loaded = loaded = weights.Unopened(card).load()
        return microscope.open_network(loaded)
