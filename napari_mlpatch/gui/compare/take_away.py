"""The button that gives away what is selected, or all: as a file, a session, a figure, as code, as a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QAction, QKeySequence
from qtpy.QtWidgets import QApplication, QMenu, QToolButton

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.gui.leave.sessions import Sessions
from napari_mlpatch.gui.plumbing.dialogs import ask_target, ask_target_as
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.notify import show_error, show_info
from napari_mlpatch.workbench.as_text import as_command, as_python, needs_file
from napari_mlpatch.workbench.entry import Entry

from .stage import Stage

Text = Callable[[Recipe, str | None], str]


class TakeAway(QToolButton):
    """A menu of what can be done with the selected result, and with all of them."""

    def __init__(self, stage: Stage):
        super().__init__()
        self.stage, self.workbench = stage, stage.workbench
        self.sessions: Sessions = stage.sessions
        self.saved: dict[str, str] = {}
        """Files of measurements that were saved, by fingerprint."""
        self.setText("Take away")
        self.setToolTip("Save, copy or remove the selected result; save all as a session or as a figure")
        self.setStyleSheet("QToolButton { padding-right: 16px }")  # for the arrow
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.undo = QAction("Undo", self)
        self.undo.setShortcut(QKeySequence.StandardKey.Undo)
        self.undo.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)  # elsewhere it is napari's
        self.undo.triggered.connect(lambda: self.workbench.undo.undo())
        self.setMenu(self._menu())
        follow(self, self.workbench.undo.changed, self._say_undo)
        self._say_undo()

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for text, act in (
            ("Save the picture with its recipe…", self.save),
            ("Save the measurement…", self.save_measurement),
            ("Copy the recipe", lambda e: self._copy(e.result.recipe.to_json(), "Recipe")),
            ("Copy as Python", lambda e: self.copy_text(e, as_python, "Python code")),
            ("Copy as command", lambda e: self.copy_text(e, as_command, "Command")),
            ("What changed…", self.what_changed),
            ("Remove from the list", self.workbench.remove),
        ):
            menu.addAction(text, lambda act=act: self.on_selected(act))
        menu.addAction(self.undo)
        menu.addSeparator()
        menu.addAction("Figure of the ticked results…", self.figure)
        for text, act, tip in (
            ("Save the session", self.sessions.save, "Everything into one folder: the one of last time, or a new one"),
            ("Save the session as…", self.sessions.save_as, "Measurements, results, view and table in a new folder"),
            ("Open a session…", self.sessions.open, "Everything as it was when it was saved"),
        ):
            menu.addAction(text, lambda act=act: act(self.window())).setToolTip(tip)
        return menu

    def _say_undo(self) -> None:
        words = self.workbench.undo.words
        self.undo.setText(f"Undo: {words}" if words else "Undo")
        self.undo.setEnabled(bool(words))

    def on_selected(self, act: Callable[[Entry], None]) -> None:
        entry = self.workbench.selected
        if entry is None or entry.result is None:
            show_info("Select a finished result in the table first.")
            return
        try:
            act(entry)
        except InputError as error:
            show_error(str(error))

    # ---- files ----------------------------------------------------------------------------------------------

    def save(self, entry: Entry) -> None:
        from napari_mlpatch import io
        from napari_mlpatch.io.writers import FORMATS

        kinds = {f"{kind.name} ({' '.join('*' + s for s in kind.suffixes)})": kind.suffixes for kind in FORMATS}
        first = next(words for words in kinds if words.startswith("TIFF"))
        name = f"{entry.named.method.replace(' ', '-')}.tif"
        path, chosen = ask_target_as(self, "pictures", "Save the picture", name, ";;".join(kinds), first)
        if path:
            if not Path(path).suffix:
                path += kinds.get(chosen, (".tif",))[0]
            result, size, unit = entry.result, entry.scene.frame.pixel_size, entry.scene.frame.units[0]
            assert result is not None
            self._write(
                path,
                lambda: _over(
                    path, entry, io.write_result, result, pixel_size=size, unit=None if unit == "pixel" else unit
                ),
                f"Saved {path} with its recipe.",
            )

    def save_measurement(self, entry: Entry, then: Callable[[str], Any] = lambda path: None, why: str = "") -> None:
        from napari_mlpatch import io

        title = why or "Save the measurement"
        path = ask_target(self, "measurements", title, "measurement.h5", "HDF5 (*.h5)")
        if not path:
            return
        problem = entry.scene.problem

        def done() -> None:
            self.saved[problem.fingerprint] = path
            then(path)

        path += "" if Path(path).suffix else ".h5"
        self._write(path, lambda: _over(path, entry, io.write_measurement, problem), f"Saved {path}.", done)

    def _write(self, path: str, write: Callable[[], None], words: str, then: Callable[[], None] = lambda: None) -> None:
        """Off the GUI thread; each path for itself, so that a second file does not make the first one void."""

        def done(_: object) -> None:
            show_info(words)
            then()

        self.workbench.quick.call(f"save {path}", write, done, lambda e: show_error(str(e)))

    def figure(self) -> None:
        """Open the dialog of a figure of the ticked results, or of the selected one where none is ticked."""
        from napari_mlpatch.gui.leave.figure_dialog import FigureDialog

        scene, selected = self.workbench.scene, self.workbench.selected
        entries = [e for e in self.workbench.present if e.shown and e.result is not None]
        entries = entries or [e for e in (selected,) if e is not None and e.result is not None]
        if scene is None or not entries:
            show_info("Tick finished results in the table first.")
            return
        FigureDialog(self.workbench, scene, entries, self.window()).show()

    # ---- texts ----------------------------------------------------------------------------------------------

    def copy_text(self, entry: Entry, text: Any, what: str) -> None:
        """Copy what makes the picture again; of data in memory, save the measurement first, so that it has a name."""
        assert entry.result is not None
        recipe, known = entry.result.recipe, self.saved.get(entry.scene.problem.fingerprint)
        if needs_file(recipe) and (known is None or not Path(known).is_file()):
            why = "The data are only in memory: save the measurement, so that the text can name it"
            self.save_measurement(entry, lambda path: self._copy(text(recipe, path), what), why)
            return
        self._copy(text(recipe, known if needs_file(recipe) else None), what)

    def what_changed(self, entry: Entry) -> None:
        """Between the selected result and the second of the pair, else the next one in the table."""
        from napari_mlpatch.gui.leave.changed_dialog import ChangedDialog

        other = self.workbench.other
        if not isinstance(other, Entry):
            other = next((e for e in self.workbench.present if e is not entry and e.result is not None), None)
        if other is None or other.result is None or entry.result is None:
            show_info("There is no second result to compare with.")
            return
        pair = [(e.named.line, e.result.recipe) for e in (entry, other) if e.result is not None]
        ChangedDialog(pair[0], pair[1], self.window()).show()

    def _copy(self, text: str, what: str) -> None:
        QApplication.clipboard().setText(text)
        show_info(f"{what} copied to the clipboard.")


def _over(path: str, entry: Entry, write: Callable[..., None], *what: Any, **more: Any) -> None:
    """Write over a file, as the dialog has asked for; but not over the measurement."""
    from napari_mlpatch import io

    io.refuse_inputs(path, io.inputs_of(entry.scene.problem.source))
    write(path, *what, **more, force=True)
