"""What happens before the first block: what is asked for is checked, blocks are sized, the output is made or found."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

from napari_mlpatch.core.claim import Claim
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import clean_up, path_of, reason_of
from napari_mlpatch.core.phrases import phrase

from . import pieces
from .blocks import Block, partition
from .events import Copying
from .executors import Executor
from .failures import forget
from .job import Job, Tools
from .left import slices_there
from .markers import Markers
from .place import check_folder, check_replaceable, create, same_run, volume_of
from .room import bytes_to_come, check_room, place_of
from .sinks import sink_for
from .sinks.sink import Sink, Volume
from .sizing import KEPT, likely_block, needs, room_of, size_of
from .source import ChangedError
from .stack_recipe import StackRecipe

GAPS = "Their slices are then NaN in the volume, the others stay at their own places."
ANGLES = "The angles must then be those of the files that are there."
INCOMPLETE = phrase("--incomplete (in Python: incomplete=True)", "tick “go on without the missing files”")
KEPT_COPY = "The copy of the data in {} stays for the next try: remove that folder if there is none."


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
        about = self.sink.about()
        if about is None or not about.get("complete"):  # else it need not even be one that may be written
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
    check_folder(sink, where)
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
    going = same_run(recipe, fingerprint, begun if begun and begun.get("created") else None, made)
    complete = going is not None and made is not None and bool(made.get("complete"))
    shape = (last - first, *tools.picture_shape())
    if going is None:
        check_replaceable(sink, begun, made, fingerprint, force)
    if locked_out is not None and not complete:
        raise InputError(f"{sink.path} cannot be written: {reason_of(locked_out)}.")
    if not complete:
        _tidy(tools, markers)
    if going is None:
        check_room(sink, shape)
    there: dict[Block, frozenset[int]] = {Block(0, first, last): frozenset()}
    if going is not None:
        there = slices_there(going[0], fingerprint, tools.source.count, markers)
    wanted = _wanted(there, tools)
    tools.source.pieces.within(min(pieces.most(), room_of(who.workers, memory) // KEPT), wanted)
    if not complete:
        whole = sum(len(found) for block, found in there.items() if len(found) == len(block))
        volume = bytes_to_come(sink, shape, None if going is None else whole)
        yield from _copying(tools, sink, markers, volume, shape[0], sum(map(len, there.values())))
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
    volume = volume_of(settled, tools, shape, identity, size)
    kept = 0
    try:
        if complete:
            missing = ()
        elif going is None:
            check_room(sink, shape)  # a copy, or another program, may have taken it meanwhile
            create(sink, markers, volume, fingerprint)
            missing = blocks
        else:
            forget(markers.folder, identity, frozenset().union(*there.values()))
            done = markers.done(blocks, identity)
            missing = tuple(block for block in blocks if block not in done)
            for block in missing:
                some = len(markers.there(block, identity))
                kept += some
                (sink.tidy if some else sink.discard)(block.start - first, block.stop - first)
            check_room(sink, shape, shape[0] - sum(map(len, missing)))
        clean_up(sink.path.parent)
    except OSError as error:
        raise InputError(f"{sink.path} cannot be written: {reason_of(error)}.") from None
    return Prepared(job, settled, tools, sink, markers, volume, blocks, missing, size.bytes, claim, kept)


def _wanted(there: dict[Block, frozenset[int]], tools: Tools) -> tuple[int, int] | None:
    """From the first to the last slice that is read for what is missing; None where they have other numbers."""
    missing = [block for block, found in there.items() if len(found) < len(block)]
    if tools.source.places:
        return None
    return tools.around(missing[0].start, missing[-1].stop) if missing else (0, 0)


def _tidy(tools: Tools, markers: Markers) -> None:
    """Raises InputError where what has been left of copies cannot be looked at."""
    try:
        tools.source.pieces.tidy(markers.folder, tools.source.fingerprint)
    except OSError as error:
        raise InputError(f"{markers.folder} cannot be used: {reason_of(error)}.") from None


def _copying(tools: Tools, sink: Sink, markers: Markers, volume: int, slices: int, done: int) -> Iterator[Copying]:
    """Raises InputError where the data cannot be read, or the copy not be written."""
    source = tools.source
    if not source.pieces.every:
        return
    try:
        if place_of(sink.path).stat().st_dev != markers.folder.stat().st_dev:  # by a link, to another disk
            volume = 0
        for told in source.pieces.copying(markers.folder, source.fingerprint, volume):
            if isinstance(told, str):
                source.notes += (told,)
            else:
                source.check_same()
                yield Copying(told, slices, done)
    except OSError as error:
        raise InputError(f"{markers.folder} cannot be written: {reason_of(error)}.") from None
