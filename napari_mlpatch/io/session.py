"""A session as one folder: measurements, results with all that is known of them, what was selected and shown.

``session.json`` names the files of the folder; it is replaced last, in one step, so that a folder holds the old session
or the new one. Each ``measurement-*.h5`` opens as a measurement, each result file as a picture with its recipe.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of, reason_of
from napari_mlpatch.core.phrases import phrase
from napari_mlpatch.core.recipe import installed_versions

from .atomic import check_writable, replacing
from .memory_source import is_memory
from .own import SEAL, blank_seal, is_own
from .session_files import (
    name_of_problem,
    name_of_result,
    read_problem,
    read_result,
    save_problem,
    save_result,
)
from .session_iterates import BYTES, chosen
from .session_manifest import FORMAT, MANIFEST, is_plain, read_manifest

if TYPE_CHECKING:
    from napari_mlpatch.core.events import Result
    from napari_mlpatch.core.iterates import Recorder
    from napari_mlpatch.core.problem import Problem


@dataclass(frozen=True, eq=False)
class SavedProblem:
    """A problem of a session. ``frame`` says in plain JSON where its pictures lie in the world (scale, units)."""

    problem: Problem
    title: str = ""
    frame: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SavedResult:
    """A result of the problem with this number; ``shown`` whether it is ticked, ``iterates`` what its run has kept."""

    result: Result
    problem: int = 0
    title: str = ""
    shown: bool = True
    iterates: Recorder | None = None


@dataclass(frozen=True, eq=False)
class Session:
    """What a session holds, results in the order of the table.

    ``current`` is the number of the problem that is worked on, ``selected`` that of the selected result. ``view`` says
    in plain JSON how they were looked at.
    """

    problems: tuple[SavedProblem, ...]
    results: tuple[SavedResult, ...] = ()
    current: int | None = None
    selected: int | None = None
    view: Mapping[str, Any] = field(default_factory=dict)


def write_session(
    folder: str | os.PathLike[str], session: Session, *, force: bool = False, iterates: int = BYTES
) -> Path:
    """Write a session into a folder, which is made where it is not there, and give the folder's path.

    Values are kept as they are; of ``iterates`` as many as fit into so many bytes, thinned alike (0: none). What was
    only in memory is in the folder from then on: recipes name its file. An older session of this program is replaced;
    files of it that the new one does not need are removed. Raises InputError where the folder holds anything that this
    program has not written, or that was changed since (unless ``force``, which leaves other files alone), and where it
    cannot be written.
    """
    if not isinstance(session, Session):
        raise InputError(f"A session is an io.Session, got {type(session).__name__}.")
    _check_numbers(session)
    target = path_of(folder, "The folder of the session")
    _check_folder(target, force)
    is_new = not target.exists()
    written: list[Path] = []
    try:
        target.mkdir(exist_ok=True)
        before = _names(target)
        names = [name_of_problem(saved.problem) for saved in session.problems]
        for name, saved in zip(names, session.problems, strict=True):
            _keep(target / name, "measurement", written, lambda path, s=saved: save_problem(path, s.problem))
        pictures = []
        keep = chosen([saved.iterates for saved in session.results], iterates)
        for saved, few in zip(session.results, keep, strict=True):
            kept = _named_here(saved.result, session.problems[saved.problem].problem, target / names[saved.problem])
            pictures.append(name_of_result(kept, few))
            more = (saved.iterates, few)
            _keep(target / pictures[-1], "picture", written, lambda path, k=kept, m=more: save_result(path, k, *m))
        text = json.dumps(_manifest(session, names, pictures), indent=1)
        with replacing(target / MANIFEST, (".json",), force=force, kind="session") as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
    except BaseException as error:
        with suppress(OSError):
            for path in written:
                path.unlink(missing_ok=True)
            if is_new:
                target.rmdir()
        if isinstance(error, OSError):
            raise InputError(f"{target} could not be written: {reason_of(error)}.") from error
        raise
    for name in before - {*names, *pictures}:
        if any(is_own(target / name, kind) for kind in ("measurement", "picture")):
            (target / name).unlink(missing_ok=True)
    return target


def read_session(folder: str | os.PathLike[str]) -> Session:
    """Read what ``write_session`` wrote; a folder that was moved in the meantime, too.

    Raises InputError for other folders, newer formats, and files that are missing, damaged or changed.
    """
    target = path_of(folder, "The folder of the session")
    manifest = read_manifest(target)
    problems = []
    for noted in manifest.problems:
        found = read_problem(_inside(target, noted.file), noted.source)
        problems.append(SavedProblem(found, noted.title, noted.frame, tuple(noted.notes)))
    here = [noted.source is None for noted in manifest.problems]
    results = []
    for noted in manifest.results:
        if not 0 <= noted.problem < len(problems):
            raise InputError(f"{target / MANIFEST} is damaged: {noted.file} belongs to problem {noted.problem}.")
        result, kept = read_result(
            _inside(target, noted.file), problems[noted.problem].problem, data_here=here[noted.problem]
        )
        results.append(SavedResult(result, noted.problem, noted.title, noted.shown, kept))
    session = Session(tuple(problems), tuple(results), manifest.current, manifest.selected, manifest.view)
    _check_numbers(session)
    return session


def is_session(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a session of this program that nobody has changed."""
    return is_own(path_of(folder) / MANIFEST, "session")


def _check_numbers(session: Session) -> None:
    for what, number, of in (
        ("current problem", session.current, session.problems),
        ("selected result", session.selected, session.results),
        *((f"problem of result {i}", saved.problem, session.problems) for i, saved in enumerate(session.results)),
    ):
        if number is not None and not 0 <= number < len(of):
            raise InputError(f"The {what} of a session is a number below {len(of)}, got {number}.")


def _check_folder(target: Path, force: bool) -> None:
    try:
        if not target.exists():
            if not target.parent.is_dir():
                raise InputError(f"The folder {target.parent} does not exist. Create it first.")
            return
        if not target.is_dir():
            raise InputError(f"{target} is a file. A session is a folder: give another name.")
        if not force:
            or_force = phrase(", or force it (in Python: force=True)", "")
            for path in target.iterdir():
                kinds = ("session",) if path.name == MANIFEST else ("measurement", "picture")
                if not path.name.startswith(".mlpatch-") and not any(is_own(path, kind) for kind in kinds):
                    raise InputError(
                        f"{target} holds {path.name}, which this program has not written there, or which was changed "
                        f"since. Choose another folder{or_force}."
                    )
        check_writable(target / MANIFEST, (".json",), force=force, kind="session")
    except OSError as error:
        raise InputError(f"{target} cannot be used: {reason_of(error)}. Choose another folder.") from error


def _names(target: Path) -> set[str]:
    """Files of the session that is there."""
    if not is_session(target):
        return set()
    with suppress(InputError):
        manifest = read_manifest(target)
        return {noted.file for noted in (*manifest.problems, *manifest.results) if is_plain(noted.file)}
    return set()


def _keep(path: Path, kind: Any, written: list[Path], write: Any) -> None:
    """Write a file unless it is there: its name holds the fingerprint of what is in it."""
    if not (path.exists() and path.stat().st_size and is_own(path, kind)):
        if not path.exists():
            written.append(path)
        write(path)


def _named_here(result: Result, problem: Problem, path: Path) -> Any:
    """The result with a recipe that finds its data: those that were only in memory are in the session's file."""
    if not is_memory(problem.source):
        return result
    return replace(result, recipe=result.recipe.located({"kind": "file", "path": str(path), "options": {}}))


def _manifest(session: Session, names: list[str], pictures: list[str]) -> dict[str, Any]:
    return {
        SEAL: blank_seal("session"),
        "format": f"napari-mlpatch session {FORMAT}",
        "problems": [
            {
                "file": name,
                "title": saved.title,
                "frame": dict(saved.frame),
                "notes": list(saved.notes),
                "source": None if is_memory(saved.problem.source) else saved.problem.source,
            }
            for name, saved in zip(names, session.problems, strict=True)
        ],
        "results": [
            {"file": name, "problem": saved.problem, "title": saved.title, "shown": saved.shown}
            for name, saved in zip(pictures, session.results, strict=True)
        ],
        "current": session.current,
        "selected": session.selected,
        "view": dict(session.view),
        "versions": installed_versions(),
    }


def _inside(target: Path, name: str) -> Path:
    """The path of a file of the session. Raises InputError for names that lead elsewhere, and where it is gone."""
    path = target / name
    if not is_plain(name) or path.is_symlink():
        raise InputError(f"{target / MANIFEST} is damaged: {name!r:.100} is not the name of a file in this folder.")
    if not path.is_file():
        raise InputError(f"{target} is incomplete: {name} is missing. Take the whole folder.")
    return path
