"""How many slices are computed at a time: from a trial of one slice and the memory that may be used."""

from __future__ import annotations

from dataclasses import dataclass

from napari_mlpatch.core.budget import bytes_of, in_words, limit
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.meter import Meter
from napari_mlpatch.core.solve import solved
from napari_mlpatch.core.tables import held_bytes

from .job import Tools
from .source import ChangedError

MOST = 8
"""Slices of a block: more are no faster, and all of them are lost where a run is killed."""
ROOMS = 3
"""Blocks whose data are in memory: one that was read, one that is computed, as numbers of the file and as float32."""


LIBRARIES = 96 * 2**20
"""Bytes that reading and writing take whatever the size."""
TRIED = 2
"""Iterations of a trial: memory does not grow with more."""


@dataclass(frozen=True)
class Size:
    """Of a block: so many slices, and the bytes that a worker takes for tables and blocks together."""

    slices: int
    bytes: int


@dataclass(frozen=True)
class Needs:
    """Bytes of a worker: for its tables, and for each slice of a block in all stages."""

    tables: int
    slice: int

    def of(self, slices: int) -> int:
        return self.tables + slices * self.slice


def needs(tools: Tools) -> Needs:
    """What a slice needs, measured in the first iterations. Makes the operator's tables, which do not count.

    Taken is the middle slice; others where that is damaged. Raises InputError where the method cannot run.
    """
    first, last = tools.stack.range(tools.source.count)
    tried = dict.fromkeys(first + (last - first) * part // 4 for part in (2, 1, 3))
    refused: InputError | None = None
    for index in tried:
        try:
            return _needs(tools, index)
        except ChangedError:
            raise
        except InputError as error:
            refused = refused or error
    assert refused is not None
    raise refused


def _needs(tools: Tools, index: int) -> Needs:
    loaded = tools.load(index, index + 1)
    (problem,) = tools.problems(loaded, index)
    begins, kept = tools.method.shortened(TRIED), problem.A if tools.source.kind == "kspace" else tools.A

    def tried() -> None:
        solved(begins, problem, tools.network, device=tools.device, seed=tools.recipe.seed, limit=TRIED)

    tried()  # tables, and whatever is imported by the way, do not belong to a slice
    with Meter(tools.device) as meter:
        tried()
    on_cpu = tools.device.type == "cpu"
    tables = held_bytes(kept, "cpu") if on_cpu else 0
    working = meter.peak_bytes if on_cpu else 0
    data, picture = bytes_of(tools.source.shape, loaded[0].itemsize), bytes_of(problem.A.domain_shape, 4)
    return Needs(tables + LIBRARIES, working + ROOMS * data + 2 * picture)


def size_of(tools: Tools, needed: Needs, *, workers: int = 1, memory: int | None = None) -> Size:
    """As many slices as fit into ``memory`` bytes (half of what is free) with ``workers`` on one machine, at most
    ``MOST``.

    So few that every worker has several blocks. Raises InputError where not even one fits.
    """
    first, last = tools.stack.range(tools.source.count)
    room = (limit() // 2 if memory is None else memory) // workers
    if needed.of(1) > room:
        raise InputError(
            f"One slice needs {in_words(needed.of(1))} of memory, of which {in_words(room)} may be used by a worker. "
            "Use fewer workers, or a smaller image."
        )
    if tools.stack.block is not None:
        chosen = tools.stack.block
        if needed.of(chosen) > room:
            raise InputError(
                f"Blocks of {chosen} slices need {in_words(needed.of(chosen))} of memory, of which {in_words(room)} "
                "may be used by a worker. Make them smaller (--block)."
            )
        return Size(chosen, needed.of(chosen))
    fair = max(1, -(-(last - first) // (4 * workers)))
    fits = max(1, (room - needed.tables) // max(needed.slice, 1))
    chosen = int(min(MOST, fair, fits))
    return Size(chosen, needed.of(chosen))
