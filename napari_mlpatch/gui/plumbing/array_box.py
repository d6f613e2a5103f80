"""The widget of an array: a kernel or a mask, from a file or from a layer of the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from napari import current_viewer
from napari.layers import Image, Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from napari_mlpatch import io
from napari_mlpatch.core.array import Array
from napari_mlpatch.core.errors import InputError

from .dialogs import ask_file
from .label import Name
from .notify import show_error


class ArrayBox(QWidget):
    """Shows what is chosen; its button offers a file, every layer that can serve, and nothing."""

    changed = Signal()

    def __init__(self, nothing: str):
        super().__init__()
        self.nothing = nothing
        self.value: Array | None = None
        self.text = Name(nothing)
        self.button = QToolButton()
        self.button.setText("Choose…")
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self.menu.aboutToShow.connect(self._fill)
        self.button.setMenu(self.menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text, 1)
        row.addWidget(self.button)

    def set(self, value: Any) -> None:
        """Show a value without telling anybody."""
        self.value = None if value is None or (isinstance(value, tuple) and not value) else Array.parse(value)
        self._show(None)

    def choose(self, read: Callable[[], Array | None], source: str | None = None) -> None:
        """Take over what ``read`` gives, or say why not."""
        try:
            self.value = read()
        except (InputError, ValueError) as error:
            show_error(str(error))
            return
        self._show(source)
        self.changed.emit()

    def _show(self, source: str | None) -> None:
        if self.value is None:
            self.text.setText(self.nothing)
        else:
            size = " x ".join(map(str, self.value.shape))
            self.text.setText(size if source is None else f"{size}, {source}")

    def _fill(self) -> None:
        self.menu.clear()
        self.menu.addAction("From a file…", self._from_file)
        viewer = current_viewer()
        for layer in () if viewer is None else viewer.layers:
            if isinstance(layer, Labels) or (isinstance(layer, Image) and not layer.rgb):
                self.menu.addAction(
                    f"Layer: {layer.name}",
                    lambda layer=layer: self.choose(lambda: Array(_plane(layer)), layer.name),
                )
        if self.value is not None:
            self.menu.addSeparator()
            self.menu.addAction(f"None: {self.nothing}", lambda: self.choose(lambda: None))

    def _from_file(self) -> None:
        path = ask_file(self, "array", "An array", "Arrays and images (*.npy *.png *.tif *.tiff *.jpg);;All (*)")
        if path:
            self.choose(lambda: io.read_array(path), path.rsplit("/", 1)[-1])


def _plane(layer: Any) -> np.ndarray:
    """The 2-D array on show; of labels, which of them are painted."""
    data = layer.data
    viewer = current_viewer()
    step = viewer.dims.current_step[-data.ndim :] if viewer is not None else (0,) * data.ndim
    plane = np.asarray(data[tuple(step[: data.ndim - 2])])
    return plane != 0 if isinstance(layer, Labels) else plane
