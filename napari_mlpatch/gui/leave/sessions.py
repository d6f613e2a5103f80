"""Save all that is on the workbench as one folder, and open it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QWidget

from napari_mlpatch import io
from napari_mlpatch.gui.compare.parts import views
from napari_mlpatch.gui.plumbing.dialogs import ask_folder, ask_target
from napari_mlpatch.gui.plumbing.notify import show_error, show_info
from napari_mlpatch.io.session_iterates import told
from napari_mlpatch.workbench.leaving import as_session, put, scenes_of

if TYPE_CHECKING:
    from napari_mlpatch.gui.compare.stage import Stage
    from napari_mlpatch.workbench.scene import Scene


class Sessions:
    """The folder of a stage's session: the one that was saved or opened last, None before."""

    def __init__(self, stage: Stage):
        self.stage, self.workbench = stage, stage.workbench
        self.folder: Path | None = None

    def save(self, parent: QWidget | None = None) -> None:
        """Into the folder that is known, else ask for one."""
        if self.folder is None:
            self.save_as(parent)
        else:
            self.write(self.folder)

    def save_as(self, parent: QWidget | None = None) -> None:
        """Into a folder that is asked for; it is made where there is none."""
        if not self.workbench.entries and self.workbench.scene is None:
            show_info("There is nothing to save yet: open a measurement first.")
            return
        start = str(self.folder or "session")
        path = ask_target(parent, "sessions", "Save the session in a new folder", start)
        if path:
            self.write(Path(path))

    def write(self, folder: Path) -> None:
        """Off the GUI thread."""
        session = as_session(self.workbench, self._view())
        count = len(session.results)
        more = told([saved.iterates for saved in session.results])

        def done(where: Any) -> None:
            self.folder = Path(where)
            show_info(f"Saved the session in {where}: {count} result{'' if count == 1 else 's'}{more}.")

        self.workbench.quick.call(
            "session", lambda: io.write_session(folder, session), done, lambda e: show_error(str(e))
        )

    def open(self, parent: QWidget | None = None) -> None:
        """A folder that is asked for."""
        path = ask_folder(parent, "session", "Open the folder of a session")
        if path:
            self.read(Path(path))

    def read(self, folder: Path) -> None:
        """Off the GUI thread, then everything at once."""

        def load() -> tuple[io.Session, list[Scene], bool]:
            session = io.read_session(folder)
            return session, scenes_of(session), io.is_session(folder)

        def show(found: tuple[io.Session, list[Scene], bool]) -> None:
            session, scenes, is_own = found
            self.folder = folder
            put(self.workbench, session, scenes)
            if is_own:  # nobody has changed what views are to remember
                self._remember(session.view.get("kept"))
            self._show(session.view)
            show_info(f"Opened the session {folder.name}: {len(session.results)} results.")

        self.workbench.quick.call("session", load, show, lambda e: show_error(str(e)))

    def _view(self) -> dict[str, Any]:
        stage = self.stage
        kept = {name: values for name, values in stage.kept.items() if _is_plain(values)}
        return {"name": stage.view.name, "kind": stage.kind, "linked": stage.contrast.linked, "kept": kept}

    def _remember(self, kept: Any) -> None:
        """What the views remember: where a wipe stood, how large a lens was."""
        for name, values in kept.items() if isinstance(kept, dict) else ():
            if isinstance(values, dict):
                self.stage.kept.setdefault(name, {}).update(values)

    def _show(self, view: Any) -> None:
        name, kind = view.get("name"), view.get("kind")
        if isinstance(view.get("linked"), bool):
            self.stage.link_contrast(view["linked"])
        if kind in self.stage.kinds():
            self.stage.set_kind(kind)
        if name in [view.name for view in views]:  # pyright: ignore[reportAttributeAccessIssue]
            self.stage.set_view(name)


def _is_plain(values: dict[str, Any]) -> bool:
    """Whether JSON can hold it."""
    try:
        json.dumps(values)
    except (TypeError, ValueError):
        return False
    return True
