"""The button that gives away what is selected: as a file, as code, as a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QApplication, QFileDialog, QMenu, QToolButton

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.gui.plumbing.notify import show_error, show_info
from napari_mlpatch.workbench.as_text import as_command, as_python
from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.workbench import Workbench


class TakeAway(QToolButton):
    """A menu of what can be done with the selected result."""

    def __init__(self, workbench: Workbench):
        super().__init__()
        self.workbench = workbench
        self.setText("Take away")
        self.setToolTip("Save, copy or remove the selected result")
        self.setStyleSheet("QToolButton { padding-right: 16px }")  # for the arrow
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setMenu(self._menu())

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        for text, act in (
            ("Save the picture with its recipe…", self.save),
            ("Save the measurement…", self.save_measurement),
            ("Copy the recipe", lambda e: self._copy(e.result.recipe.to_json(), "Recipe")),
            ("Copy as Python", lambda e: self._copy(as_python(e.result.recipe), "Python code")),
            ("Copy as command", lambda e: self._copy(as_command(e.result.recipe), "Command")),
            ("Remove from the list", self.workbench.remove),
        ):
            menu.addAction(text, lambda act=act: self.on_selected(act))
        return menu

    def on_selected(self, act: Callable[[Entry], None]) -> None:
        entry = self.workbench.selected
        if entry is None or entry.result is None:
            show_info("Select a finished result in the table first.")
            return
        try:
            act(entry)
        except InputError as error:
            show_error(str(error))

    def save(self, entry: Entry) -> None:
        from napari_mlpatch import io

        path, _ = QFileDialog.getSaveFileName(
            self, "Save the picture", f"{entry.title.split()[0]}.tif", "TIFF (*.tif);;All (*)"
        )
        if path:
            result, size, unit = entry.result, entry.scene.frame.pixel_size, entry.scene.frame.units[0]
            assert result is not None
            self._write(
                path,
                lambda: _over(
                    path, entry, io.write_result, result, pixel_size=size, unit=None if unit == "pixel" else unit
                ),
                f"Saved {path} with its recipe.",
            )

    def save_measurement(self, entry: Entry) -> None:
        from napari_mlpatch import io

        path, _ = QFileDialog.getSaveFileName(self, "Save the measurement", "measurement.h5", "HDF5 (*.h5)")
        if path:
            self._write(path, lambda: _over(path, entry, io.write_measurement, entry.scene.problem), f"Saved {path}.")

    def _write(self, path: str, write: Callable[[], None], done: str) -> None:
        """Off the GUI thread; each path for itself, so that a second file does not make the first one void."""
        self.workbench.quick.call(f"save {path}", write, lambda _: show_info(done), lambda e: show_error(str(e)))

    def _copy(self, text: str, what: str) -> None:
        QApplication.clipboard().setText(text)
        show_info(f"{what} copied to the clipboard.")


def _over(path: str, entry: Entry, write: Callable[..., None], *what: Any, **more: Any) -> None:
    """Write over a file, as the dialog has asked for; but not over the measurement."""
    from napari_mlpatch import io

    io.refuse_inputs(path, io.inputs_of(entry.scene.problem.source))
    write(path, *what, **more, force=True)
