"""What happens before the first block: what is asked for is checked, blocks are sized, the output is made or found."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_mlpatch.core.budget import bytes_of
from napari_mlpatch.core.claim import Claim
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import check_place, clean_up, is_temporary, path_of, reason_of
from napari_mlpatch.core.phrases import phrase
from napari_mlpatch.core.recipe import installed_versions

from . import pieces
from .blocks import Block, partition
from .events import Copying
from .executors import Executor
from .job import Job, Tools
from .markers import Markers
from .sinks import sink_for
from .sinks.sink import Sink, Volume, check_room
from .sizing import KEPT, Size, likely_block, needs, room_of, size_of
from .source import ChangedError
from .stack_recipe import StackRecipe

GAPS = "Their slices are then NaN in the volume, the others stay at their own places."
ANGLES = "The angles must then be those of the files that are there."
INCOMPLETE = phrase("--incomplete (in Python: incomplete=True)", "tick “go on without the missing files”")
BEGIN_ANEW = phrase("add --force to begin anew (in Python: force=True)", "tick “begin anew”")


KEPT_COPY = "The copy of the data in {} stays for the next try: remove that folder if there is none."
NUMBERS = {"bytes": 0, "lanes": 1, "threads": 0}
"""Of a ``Size``, as an output notes them, and what holds where it does not."""


@dataclass(frozen=True)
class Prepared:
    """A run that can begin: its settled recipe, the blocks, and those of them that are missing.

    ``bytes`` is the memory that a worker takes for tables and blocks; ``kept`` slices of blocks that are missing are
    there. No other run can begin until ``close``.
    """

    job: Job
    recipe: StackRecipe
    tools: Tools
    sink: Sink
    markers: Markers
    volume: Volume
    blocks: tuple[Block, ...]
    missing: tuple[Block, ...]
    bytes: int
    claim: Claim
    kept: int = 0

    @property
    def done_slices(self) -> int:
        return self.volume.shape[0] - sum(map(len, self.missing)) + self.kept

    def finishing(self) -> Iterator[float]:
        """All blocks are there: what is left to do, step by step, with how far it is. Raises OSError."""
        yield from self.sink.finishing()
        self.markers.remove()

    def close(self) -> None:
        self.claim.give_back()


def prepared(
    recipe: StackRecipe,
    source: Any,
    out: Any,
    who: Executor,
    *,
    weights: str | None = None,
    memory: int | None = None,
    force: bool = False,
    incomplete: bool = False,
    here: bool = False,
) -> Generator[Copying, None, Prepared]:
    """Open, check and size all, and make the output. Raises InputError before anything is written.

    ``here``: its tools will make the blocks, the first of which is read meanwhile. Where pieces of the data are too
    large to be kept in memory they are copied first, and it is told how far that is; left alone meanwhile, nothing has
    begun.
    """
    where, sink = path_of(source, "The stack"), sink_for(out)
    _check_folder(sink, where)
    markers = Markers(sink.path)
    job = Job(recipe.to_json(), str(where), str(sink.path), weights=None if weights is None else str(weights))
    tools = Tools(job)
    if tools.source.gap and not incomplete:
        raise InputError(
            f"{where}: {tools.source.gap}. Put the missing files there, or go on without them: "
            f"{INCOMPLETE}. {GAPS if tools.source.places else ANGLES}"
        )
    markers.about()  # of this program, or InputError
    claim, locked_out = Claim(markers.folder, sink.path), None
    try:
        claim.take()
    except OSError as error:  # a finished volume needs no more than to be read
        locked_out = error
    try:
        ready = yield from _prepared(job, tools, sink, markers, claim, who, memory, force, locked_out, here)
    except BaseException as error:
        refused = isinstance(error, InputError) and not isinstance(error, ChangedError)
        unused = pieces.copies_in(markers.folder) if locked_out is None and markers.about() is None else []
        if unused and not refused:
            pieces.remove_copies(markers.folder)
        claim.give_back()
        if refused and unused:
            raise InputError(f"{error} {KEPT_COPY.format(markers.folder)}") from None
        raise
    return ready


def _prepared(
    job: Job,
    tools: Tools,
    sink: Sink,
    markers: Markers,
    claim: Claim,
    who: Executor,
    memory: int | None,
    force: bool,
    locked_out: OSError | None,
    here: bool,
) -> Generator[Copying, None, Prepared]:
    recipe, fingerprint = tools.stack, tools.source.fingerprint
    first, last = recipe.range(tools.source.count)
    begun, made = markers.about(), sink.about()
    going = _same_run(recipe, fingerprint, begun if begun and begun.get("created") else None, made)
    if going is None:
        _check_free(sink, begun, made, fingerprint, force)
    there = {Block(0, first, last): 0} if going is None else _there(going[0], tools, markers)
    wanted = _wanted(there, tools)
    tools.source.pieces.within(min(pieces.most(), room_of(who.workers, memory) // KEPT), wanted)
    if locked_out is None and not (going and made and made.get("complete")):
        yield from _copying(tools, sink, markers, last - first, sum(there.values()))
    if going is None:
        ahead = likely_block(tools, who.lanes) if here else 0
        size = size_of(tools, needs(tools, ahead), workers=who.workers, lanes=who.lanes, memory=memory)
        size = replace(size, threads=who.cores // size.lanes)
        settled = recipe.model_copy(update={"block": size.slices})
    else:
        settled, size = going
    identity = settled.identity(fingerprint)
    job = replace(job, recipe=settled.to_json(), fingerprint=fingerprint)
    job = replace(job, lanes=min(who.lanes, size.lanes), bytes=size.bytes, threads=size.threads)
    job = replace(job, kept=tools.source.pieces.room, wanted=wanted)
    tools.job, tools.stack = job, settled
    assert settled.block is not None
    blocks = partition(first, last, settled.block)
    volume = _volume(settled, tools, last - first, identity, size)
    kept = 0
    try:
        if going is not None and made and made.get("complete"):
            missing = ()
        elif locked_out is not None:
            raise locked_out
        elif going is None:
            check_room(sink, volume)
            _create(sink, markers, volume, fingerprint)
            missing = blocks
        else:
            done = markers.done(blocks, identity)
            missing = tuple(block for block in blocks if block not in done)
            for block in missing:
                there = len(markers.there(block, identity))
                kept += there
                (sink.tidy if there else sink.discard)(block.start - first, block.stop - first)
            check_room(sink, volume, sum(map(len, missing)) / volume.shape[0] if sink.grows else 0.0)
        clean_up(sink.path.parent)
    except OSError as error:
        raise InputError(f"{sink.path} cannot be written: {reason_of(error)}.") from None
    return Prepared(job, settled, tools, sink, markers, volume, blocks, missing, size.bytes, claim, kept)


def _there(settled: StackRecipe, tools: Tools, markers: Markers) -> dict[Block, int]:
    """How many slices of each block are there of a run that goes on."""
    identity = settled.identity(tools.source.fingerprint)
    assert settled.block is not None
    blocks = partition(*settled.range(tools.source.count), settled.block)
    return {block: len(markers.there(block, identity)) for block in blocks}


def _wanted(there: dict[Block, int], tools: Tools) -> tuple[int, int] | None:
    """From the first to the last slice that is read for what is missing; None where they have other numbers."""
    missing = [block for block, count in there.items() if count < len(block)]
    if tools.source.places:
        return None
    return tools.around(missing[0].start, missing[-1].stop) if missing else (0, 0)


def _copying(tools: Tools, sink: Sink, markers: Markers, slices: int, done: int) -> Iterator[Copying]:
    """Raises InputError where the data cannot be read, or the copy not be written."""
    source = tools.source
    if not source.pieces.every:
        return
    volume = int(sink.overhead * bytes_of((slices, *tools.picture_shape()), 4))
    try:
        for told in source.pieces.copying(markers.folder, source.fingerprint, volume):
            if isinstance(told, str):
                source.notes += (told,)
            else:
                source.check_same()
                yield Copying(told, slices, done)
    except OSError as error:
        raise InputError(f"{markers.folder} cannot be written: {reason_of(error)}.") from None


def _same_run(
    recipe: StackRecipe, fingerprint: str, begun: dict[str, Any] | None, made: dict[str, Any] | None
) -> tuple[StackRecipe, Size] | None:
    """The settled recipe and the size of the run that is there, where it is this one; else None."""
    about = begun if begun is not None and made is not None else made
    if about is None or not (begun or about.get("complete")):
        return None
    settled = recipe if recipe.block is not None else recipe.model_copy(update={"block": about.get("block")})
    if settled.block is None or settled.identity(fingerprint) != about.get("identity"):
        return None
    return settled, Size(settled.block, *(int(about.get(key, other)) for key, other in NUMBERS.items()))


def _check_free(
    sink: Sink, begun: dict[str, Any] | None, made: dict[str, Any] | None, fingerprint: str, force: bool
) -> None:
    """Raises InputError where something is in the place of the output that may not be replaced."""
    path = sink.path
    half = begun is not None and not begun.get("created")  # killed while it was made
    if not path.exists() or _is_empty(path) or (half and made is not None):
        return
    if made is None:
        raise InputError(
            f"{path} is there already, and is no output of such a run. Choose another name, or take it away first."
        )
    if not force:
        told = (begun or made).get("fingerprint")
        what = "the data are others, or have changed since" if told not in (None, fingerprint) else "the recipe differs"
        if begun is None and not made.get("complete"):
            what = f"{path.name}.blocks, which knew what of it is done, is gone"
        state = "a finished volume" if made.get("complete") else "the output"
        raise InputError(
            f"{path} is {state} of another run: {what}. Choose another name, run the same recipe to go on with it, or "
            f"{BEGIN_ANEW}."
        )


def _is_empty(path: Path) -> bool:
    """Whether a folder holds nothing but what a killed process was about to write."""
    return path.is_dir() and all(file.suffix == ".partial" or is_temporary(file.name) for file in path.iterdir())


def _create(sink: Sink, markers: Markers, volume: Volume, fingerprint: str) -> None:
    """Make the empty output, in the place of one that may be replaced. Killed in between, it is made anew."""
    about = {key: volume.about[key] for key in ("identity", "block", *NUMBERS, "recipe")}
    markers.clear(notes=False)
    markers.begin(**about, fingerprint=fingerprint, created=False)
    try:
        if sink.path.exists():
            sink.remove()
        sink.create(volume)
    except OSError:
        with suppress(OSError):
            sink.remove()
        markers.clear()
        raise
    markers.begin(**about, fingerprint=fingerprint, created=True)


def _volume(recipe: StackRecipe, tools: Tools, slices: int, identity: str, size: Size) -> Volume:
    params = recipe.recipe.operator.params
    pixel = float(params.get("pixel_size") or 1.0)
    height = float(params.get("detector_pitch") or pixel) if tools.source.kind == "sinogram" else pixel
    about = {
        "identity": identity,
        "block": recipe.block,
        "bytes": size.bytes,
        "lanes": size.lanes,
        "threads": size.threads,
        "recipe": json.loads(recipe.to_json()),
        "source": {"path": str(tools.source.path), "fingerprint": tools.source.fingerprint},
        "fingerprint": tools.source.fingerprint,
        "versions": installed_versions(),
    }
    assert recipe.block is not None
    shape = (slices, *tools.picture_shape())
    return Volume(shape, min(recipe.block, slices), (height, pixel, pixel), tools.source.unit, about)


def _check_folder(sink: Sink, source: Path) -> None:
    """Raises InputError where the output has no folder, or would destroy its input."""
    if not sink.path.parent.is_dir():
        raise InputError(f"The folder {sink.path.parent} does not exist. Create it first.")
    try:
        check_place(sink.path)
    except OSError as error:
        raise InputError(f"{sink.path} cannot be written: {reason_of(error)}. Choose another name.") from None
    output, stack = sink.path.resolve(), source.resolve()
    if output == stack or output.is_relative_to(stack) or stack.is_relative_to(output):
        raise InputError(f"{sink.path} is where the data are ({source}). Choose another place for the output.")
