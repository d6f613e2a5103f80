"""How many slices are computed at a time: from a trial of one slice and the memory that may be used."""

from __future__ import annotations

from dataclasses import dataclass, replace

from napari_mlpatch.core.budget import bytes_of, in_words, limit
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.meter import Meter
from napari_mlpatch.core.phrases import phrase
from napari_mlpatch.core.solve import solved
from napari_mlpatch.core.tables import held_bytes

from .care.step import halo_of
from .job import Tools
from .source import ChangedError
from .warm import Warm

MOST = 8
"""Slices of a block: more are no faster, and all of them are lost where a run is killed."""
MOST_WITH_HALO = 128
"""Slices of a block whose steps of care look at rows around it: these are read and cared for again for each block."""
READ = 2
"""Data of a block that is read: as numbers of the file and as float32. Each lane has those of the one it computes."""
CARED = 2
"""What a step of care takes beside the rows that it is given, in their size: what it makes, and its work."""

LIBRARIES = 96 * 2**20
"""Bytes that reading and writing take whatever the size."""
KEPT = 4
"""Pieces of the file that hold several slices take at most this part of what a worker may use."""
TRIED = 2
"""Iterations of a trial: memory does not grow with more."""


@dataclass(frozen=True)
class Size:
    """Of a block: so many slices, of a worker: the bytes that it takes for tables and blocks together, how many of them
    it computes side by side, and with how many threads each (0: its share).
    """

    slices: int
    bytes: int
    lanes: int = 1
    threads: int = 0


@dataclass(frozen=True)
class Needs:
    """Bytes of a worker: for its tables, for each slice of a block in all stages, and for ``halo`` rows around it.

    ``lane``: for each slice of a block that is computed beside the first one.
    """

    tables: int
    slice: int
    halo: int = 0
    around: int = 0
    lane: int = 0

    def of(self, slices: int, lanes: int = 1) -> int:
        return self.tables + self.around + slices * (self.slice + (lanes - 1) * self.lane)

    @property
    def most(self) -> int:
        """Slices of a block at most: with a halo more, so that about as much is computed once as twice."""
        return max(MOST, min(2 * self.halo, MOST_WITH_HALO))


def needs(tools: Tools, ahead: int = 0) -> Needs:
    """What a slice needs, measured in the first iterations. Makes the operator's tables, which do not count, and reads
    meanwhile; with ``ahead`` also the first slices, so many that they will be the first block if there is room.

    Taken is the middle slice, or the first one where it is read with those of the first block; others where that is
    damaged. Raises InputError where the method cannot run.
    """
    first, last = tools.stack.range(tools.source.count)
    there = [k for k in tools.source.places if first <= k < last] or range(first, last)
    parts = (0, 2, 1, 3) if tools.source.pieces.bytes else (2, 1, 3)
    tried = dict.fromkeys(there[len(there) * part // 4] for part in parts)
    refused: InputError | None = None
    for index in tried:
        try:
            return _needs(tools, index, ahead)
        except ChangedError:
            raise
        except InputError as error:
            refused = refused or error
    assert refused is not None
    raise refused


def _needs(tools: Tools, index: int, ahead: int) -> Needs:
    warm = Warm(tools, TRIED)
    try:
        loaded = tools.load(index, index + 1)
        if ahead and warm.is_making:
            tools.read_ahead(ahead)
    except BaseException:  # it is not tried: the tables are waited for, the rest of the iterations is not
        warm.enough()
        raise
    finally:
        warm.join()
    (problem,) = tools.problems(loaded, index)
    begins, A = tools.method.shortened(TRIED), problem.A if tools.source.kind == "kspace" else tools.A

    def tried() -> None:
        solved(begins, problem, tools.network, device=tools.device, seed=tools.recipe.seed, limit=TRIED)

    if not (warm.done and problem.A is tools.A):  # care and centres change the operator
        tried()  # tables, and whatever is imported by the way, do not belong to a slice
    with Meter(tools.device) as meter:
        tried()
    on_cpu = tools.device.type == "cpu"
    tables = held_bytes(A, "cpu") if on_cpu else 0
    working = meter.peak_bytes if on_cpu else 0
    data, picture = bytes_of(tools.source.shape, loaded[0].itemsize), bytes_of(problem.A.domain_shape, 4)
    kept = tools.source.pieces.bytes
    rooms = READ + (CARED if tools.steps else 0) + (kept > 0)  # slices of a block that lie in several pieces
    lane = working + data + picture
    first, last = tools.stack.range(tools.source.count)
    halo = min(halo_of(tools.steps), last - first)
    return Needs(tables + kept + LIBRARIES, lane + rooms * data + picture, halo, 2 * halo * (rooms + 1) * data, lane)


def _around(needed: Needs) -> str:
    return f", or steps of care that look at fewer than {needed.halo} rows to each side" if needed.halo else ""


def likely_block(tools: Tools, lanes: int) -> int:
    """Slices of a block where memory is no matter."""
    first, last = tools.stack.range(tools.source.count)
    needed = Needs(0, 0, min(halo_of(tools.steps), last - first))
    return size_of(tools, needed, lanes=lanes).slices


def room_of(workers: int, memory: int | None) -> int:
    """Bytes that each of several workers of a machine may use, of ``memory`` (half of what is free) together."""
    return (limit() // 2 if memory is None else memory) // workers


def size_of(tools: Tools, needed: Needs, *, workers: int = 1, lanes: int = 1, memory: int | None = None) -> Size:
    """As many slices as fit into ``memory`` bytes (half of what is free) with ``workers`` on one machine, at most
    ``needed.most``, computed in as many as fit of ``lanes`` in each.

    So few that every lane has several blocks. Raises InputError where not even one fits.
    """
    first, last = tools.stack.range(tools.source.count)
    room, held = room_of(workers, memory), 0
    if workers > 1 or memory is not None:  # else they have been taken off what is free already
        held = tools.source.pieces.held
        needed = replace(needed, tables=needed.tables + held)
    if needed.of(1) > room:
        whole = (
            f" {in_words(held)} of that are the numbers of {tools.source.path.name}, read as a whole." if held else ""
        )
        raise InputError(
            f"One slice needs {in_words(needed.of(1))} of memory, of which {in_words(room)} may be used by a worker."
            f"{whole} Use fewer workers, or a smaller image{_around(needed)}."
        )
    chosen = tools.stack.block
    if chosen is not None and needed.of(chosen) > room:
        raise InputError(
            f"Blocks of {chosen} slices need {in_words(needed.of(chosen))} of memory, of which {in_words(room)} "
            f"may be used by a worker. {phrase('Make them smaller (--block)', 'Make them smaller')}."
        )
    slices = last - first
    wide = min(2 * needed.halo, needed.most, -(-slices // (4 * workers)))  # else most rows are read for others
    least = chosen or max(1, wide)
    lanes = min(lanes, -(-slices // least)) if tools.device.type == "cpu" else 1
    while lanes > 1 and needed.of(least, lanes) > room:
        lanes -= 1
    if chosen is None:
        fair = max(1, wide, -(-slices // (4 * workers * lanes)))
        fits = max(1, (room - needed.of(0)) // max(needed.of(1, lanes) - needed.of(0), 1))
        chosen = int(min(needed.most, fair, fits))
        if not needed.halo:  # so that smaller levels are made of one block each, and lanes end together more often
            chosen = 1 << (chosen.bit_length() - 1)
    return Size(chosen, needed.of(chosen, lanes), lanes)
