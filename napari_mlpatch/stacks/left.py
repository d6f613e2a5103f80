"""How far a run has come that was ended or killed, as its output and its markers tell."""

from __future__ import annotations

from typing import Any

from napari_mlpatch.core.files import path_of

from .adopt import adopted
from .blocks import Block, partition
from .events import BlockFailed, Finished
from .failures import noted
from .markers import Markers
from .place import same_run
from .sinks import sink_for
from .source import open_stack
from .stack_recipe import StackRecipe


def slices_there(settled: StackRecipe, fingerprint: str, count: int, markers: Markers) -> dict[Block, frozenset[int]]:
    """Of each block of a run over a stack of ``count`` slices, those that are there."""
    assert settled.block is not None
    identity, blocks = settled.identity(fingerprint), partition(*settled.range(count), settled.block)
    return {block: markers.there(block, identity) for block in blocks}


def left_of(recipe: StackRecipe, source: Any, out: Any) -> Finished | None:
    """What the run of this recipe into ``out`` would have ended with, where it was left as it is; None where it has not
    begun. Raises InputError where it cannot be run.

    The data are looked at only where something is there.
    """
    sink, where = sink_for(out), path_of(source, "The stack")
    markers = Markers(sink.path)
    begun, made = markers.about(), sink.about()
    if made is None:
        return None
    stack = open_stack(where, recipe.recipe)
    settled, _ = adopted(recipe, stack)
    fingerprint = stack.fingerprint
    going = same_run(settled, fingerprint, begun if begun and begun.get("created") else None, made)
    if going is None:
        return None
    blocks = slices_there(going[0], fingerprint, stack.count, markers)
    slices = sum(map(len, blocks))
    if made.get("complete"):
        return Finished(sink.path, slices, slices)
    there = frozenset().union(*blocks.values())
    failed = tuple(
        BlockFailed(block, message, numbers)
        for numbers, message in noted(markers.folder, going[0].identity(fingerprint), there).items()
        for block in blocks
        if block.start <= numbers[0] < block.stop
    )
    return Finished(sink.path, slices, len(there), failed, finished=len(there) < slices)
