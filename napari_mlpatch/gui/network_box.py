"""The choice of an MLPatch network, which is opened when it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox

from napari_mlpatch import microscope, weights

from .follow import follow
from .forms import short
from .workbench import Workbench


class NetworkBox(QComboBox):
    """The MLPatch weights by title, their names as data; follows what is trained, without telling that it did."""

    def __init__(self, workbench: Workbench):
        super().__init__()
        short(self)
        self._opened: tuple[str, Any] | None = None
        self._sha256: dict[str, str] = {}
        self._offer()
        follow(self, workbench.weights_changed, self._offer)

    def network(self) -> Callable[[], Any] | None:
        """Opens the network that is chosen now, and keeps it; to be called off the GUI thread. None without weights."""
        name = self.currentData()
        if name is None:
            return None
        sha256 = self._sha256[name]
        return lambda: self._open(name, sha256)

    def _offer(self) -> None:
        before = self.currentData()
        self.blockSignals(True)
        self.clear()
        for card in weights.available():
            if card.architecture.name == "mlpatch":
                self._sha256[card.name] = card.sha256
                self.addItem(card.title, card.name)
                self.setItemData(self.count() - 1, f"{card.title} ({card.name})", Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(max(0, self.findData(before)))
        self.blockSignals(False)

    def _open(self, name: str, sha256: str) -> Any:
        """Weights that are trained again keep their name; their fingerprint tells that they are others."""
        opened = self._opened
        if opened is None or opened[0] != sha256:
            self._opened = opened = (sha256, microscope.open_network(weights.find(name)))
        return opened[1]
