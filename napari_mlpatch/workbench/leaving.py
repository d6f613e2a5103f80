"""A workbench as a session that can be saved, and a session as a workbench that goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from napari_mlpatch import io, weights
from napari_mlpatch.core.events import Result
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.torch_later import torch

from .entry import Entry
from .jobs import Job
from .named import Named
from .scene import Frame, Scene
from .selection import Other
from .workbench import Workbench


def as_session(workbench: Workbench, view: Mapping[str, Any]) -> io.Session:
    """All results with their problems, in the order of the table; what still runs is left out.

    ``view`` says in plain JSON how they are looked at; the second of the pair is added.
    """
    entries = [e for e in workbench.entries if e.result is not None]
    scenes = list(dict.fromkeys([*(e.scene for e in entries), *filter(None, [workbench.scene])]))
    other = workbench.other
    return io.Session(
        tuple(io.SavedProblem(s.problem, s.title, dataclasses.asdict(s.frame), s.notes) for s in scenes),
        tuple(io.SavedResult(_result(e), scenes.index(e.scene), e.title, e.shown, e.job.iterates) for e in entries),
        current=None if workbench.scene is None else scenes.index(workbench.scene),
        selected=entries.index(workbench.selected) if workbench.selected in entries else None,
        view={**view, "other": entries.index(other) if other in entries else other if other == "truth" else None},
    )


def scenes_of(session: io.Session) -> list[Scene]:
    """Its problems as the window shows them. Takes long: call it off the GUI thread."""
    return [Scene(s.problem, s.title or "a problem", frame_of(s.frame), s.notes).show() for s in session.problems]


def put(workbench: Workbench, session: io.Session, scenes: list[Scene]) -> None:
    """Add the results of a session, and make its current problem and its selected result those of the workbench.

    Results that are there already are not added again.
    """
    cards = {card.sha256: card for card in weights.available()}
    entries: list[Entry] = []
    for saved in session.results:
        entry = next((e for e in workbench.entries if _is(e, saved.result)), None)
        if entry is None:
            entry = _entry(workbench, saved, scenes[saved.problem], cards)
            workbench.entries.append(entry)
        entry.shown = saved.shown
        entries.append(entry)
    chosen = None if session.selected is None else entries[session.selected]
    number = session.current if session.current is not None else 0 if scenes else None
    if number is not None:
        same = [e.scene for e in entries if e.scene.problem.same_as(scenes[number].problem)]
        workbench.set_scene(same[0] if same else scenes[number])
    workbench.entries_changed.emit()
    if chosen is not None:
        workbench.select(chosen)
    other = session.view.get("other")
    if other == "truth" or (isinstance(other, int) and 0 <= other < len(entries)):
        second: Other = entries[other] if isinstance(other, int) else "truth"
        workbench.set_other(second)


def frame_of(values: Mapping[str, Any]) -> Frame:
    """Where pictures lie in the world; what is missing or of another form is as in a frame of its own."""
    plain = Frame()
    found: dict[str, Any] = {}
    for part in dataclasses.fields(Frame):
        given, like = values.get(part.name), getattr(plain, part.name)
        kinds = (int, float) if isinstance(like[0], float) else (str,)
        if isinstance(given, list | tuple) and len(given) == 2 and all(type(v) in kinds for v in given):
            found[part.name] = tuple(float(v) if kinds[0] is int else v for v in given)
    if not all(v > 0 for v in found.get("scale", (1.0,))):
        del found["scale"]
    return Frame(**found)


def _result(entry: Entry) -> Result:
    assert entry.result is not None
    return entry.result


def _entry(workbench: Workbench, saved: io.SavedResult, scene: Scene, cards: Mapping[str, weights.Card]) -> Entry:
    result = saved.result
    card = cards.get(result.recipe.weights or "")
    network = None if card is None else weights.Unopened(card)
    used = {e.number for e in workbench.entries if e.scene.problem.same_as(scene.problem)}
    name = Named.of(result.recipe.build_method(), network)
    job = Job(name.title, scene.problem, result.recipe, network)
    job.state, job.result, job.history, job.limits = "done", result, list(result.history), scene.limits
    if saved.iterates is not None:
        job.iterates = saved.iterates.moved(workbench.pool)
    job.k, job.total, job.seconds = result.iterations, _total(result.recipe, result.iterations), result.seconds
    return Entry(
        name,
        scene,
        result.recipe.method.model_dump(),
        job,
        result,
        saved.shown,
        number=next(n for n in range(len(used) + 1) if n not in used),
    )


def _total(recipe: Recipe, done: int) -> int:
    total = recipe.method.params.get("iterations", done)
    return total if isinstance(total, int) else done


def _is(entry: Entry, result: Result) -> bool:
    """Whether an entry shows this very result."""
    there = entry.result
    same = there is not None and there.recipe == result.recipe and there.iterations == result.iterations
    return same and there is not None and there.x.shape == result.x.shape and bool(torch.equal(there.x, result.x))
