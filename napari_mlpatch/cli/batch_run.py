"""Reconstruct all slices of a stack as one of them was: restartable, on this machine or a cluster.

  mlpatch batch run slice.tif scan.h5 --out volume.zarr
  mlpatch batch run recipe.json scan.nxs --out volume.zarr --workers 2
  mlpatch batch run recipe.json projections/ --out slices --center 1021.5:1024.0 --care rings:width=31
  mlpatch batch run recipe.json scan.h5 --out volume.h5 --scheduler tcp://node1:8786

RECIPE is a recipe (.json) or a picture that carries one, of one slice on which everything was tuned; or a volume, whose
steps of care and centre hold, too, so that with --slices one of its slices is made again. The output is
OME-Zarr (.zarr), HDF5 (.h5), one TIFF (.tif), or a folder of TIFF files (no ending). The same command goes on where a
run was ended, by whatever: only missing and failed blocks are computed. Exit code 1 where blocks failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.errors import InputError

from . import cluster
from .output import print_json, say, size
from .stack_line import Line

if TYPE_CHECKING:
    from napari_mlpatch.stacks.stack_recipe import Center, StackRecipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE.json|PICTURE|VOLUME", help="of the slice that was tuned")
    parser.add_argument("data", metavar="STACK", help="file or folder with all slices")
    parser.add_argument("--out", required=True, metavar="NAME", help="volume.zarr, .h5, .tif, or a folder")
    parser.add_argument("--slices", metavar="FIRST:LAST", help="only these, LAST not included")
    parser.add_argument(
        "--center",
        metavar="BIN|FIRST:LAST|FILE|auto",
        help="rotation axis: of all, of first and last slice, one per line, or a line found from five slices",
    )
    parser.add_argument(
        "--care",
        "--step",
        action="append",
        default=[],
        metavar="STEP[:NAME=VALUE,...]",
        help="care of sinograms, in this order (mlpatch list care-steps)",
    )
    parser.add_argument("--block", type=int, metavar="N", help="slices that are computed at a time (as many as fit)")
    parser.add_argument("--weights", metavar="FILE", help="the recipe's own weights, where they are not installed")
    parser.add_argument("--device", help="another device than the recipe's, e.g. cuda")
    parser.add_argument("--memory", type=float, metavar="GIB", help="memory that all workers here may use together")
    cluster.add_arguments(parser)
    parser.add_argument("--force", action="store_true", help="begin anew, where the output of another run is there")
    parser.add_argument("--incomplete", action="store_true", help="go on though files of the folder seem to be missing")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    from napari_mlpatch.stacks.control import StackControl
    from napari_mlpatch.stacks.events import BlockFailed, Copying, Finished, Progress, Started
    from napari_mlpatch.stacks.run_stack import run_stack

    from .execute import cancelling

    recipe, control = _recipe(args), StackControl()
    memory = None if args.memory is None else int(args.memory * 2**30)
    finished = None
    with ExitStack() as stack:
        executor = cluster.opened(args, stack)
        events = run_stack(
            recipe,
            args.data,
            args.out,
            control=control,
            executor=executor,
            weights=args.weights,
            memory=memory,
            force=args.force,
            incomplete=args.incomplete,
        )
        stack.enter_context(closing(events))
        stack.enter_context(cancelling(control))
        line = stack.enter_context(Line(sys.stderr))
        for event in events:
            if isinstance(event, Started):
                for note in event.notes:
                    say(f"note: {note}")
                say(_begins(event))
            elif isinstance(event, Progress | Copying):
                line.show(event)
            elif isinstance(event, BlockFailed):
                say(f"failed: {event.text}")
            elif isinstance(event, Finished):
                finished = event
    assert finished is not None
    if args.json:
        print_json(_facts(finished))
    else:
        print(f"{finished.path}: {finished.message}, {finished.seconds:.1f} s")
    if finished.cancelled:
        raise KeyboardInterrupt
    if finished.stopped:
        raise InputError(f"{finished.stopped}. What is done is kept: the same command goes on with the rest.")
    return 0 if finished.complete else 1


def _recipe(args: argparse.Namespace) -> StackRecipe:
    from napari_mlpatch.core.files import read_text
    from napari_mlpatch.stacks.opened import is_volume, open_volume
    from napari_mlpatch.stacks.stack_recipe import StackRecipe

    if is_volume(args.recipe):
        recipe = open_volume(args.recipe).recipe
    elif Path(args.recipe).suffix.lower() == ".json":
        text = read_text(args.recipe, "The recipe")
        try:
            recipe = StackRecipe.from_json(text)
        except InputError:
            recipe = _of_picture(args.recipe)  # the notes beside an array
    else:
        recipe = _of_picture(args.recipe)
    changes: dict[str, Any] = {}
    if args.device is not None:
        changes["recipe"] = recipe.recipe.model_copy(update={"device": args.device})
    if args.slices is not None:
        changes["slices"] = _pair(args.slices)
    if args.block is not None:
        changes["block"] = args.block
    if args.care:
        changes["care"] = [_step(word) for word in args.care]
    if args.center not in (None, "auto"):
        changes["center"] = _center(args.center)
    made = StackRecipe(**{**{name: getattr(recipe, name) for name in StackRecipe.model_fields}, **changes})
    return made if args.center != "auto" else made.model_copy(update={"center": _found(made, args.data)})


def _of_picture(name: str) -> StackRecipe:
    from napari_mlpatch.batch.replay import read_recipe
    from napari_mlpatch.io import read_image
    from napari_mlpatch.stacks.stack_recipe import StackRecipe

    if Path(name).suffix.lower() != ".json":
        carried = read_image(name)[1]
        if carried is not None and "care" in carried:  # of a slice that was tried with its care
            return StackRecipe.from_json(json.dumps(carried))
    return StackRecipe(recipe=read_recipe(name)[0])


def _pair(text: str) -> tuple[int, int]:
    try:
        first, last = (int(word) for word in text.split(":"))
        return first, last
    except ValueError:
        raise InputError(f"--slices is FIRST:LAST, such as 100:200, got {text!r}.") from None


def _found(recipe: StackRecipe, data: str) -> Center:
    """The line of the rotation axis, told; where a step puts the axis upright, its bin in the middle."""
    from napari_mlpatch.stacks.look import axis_of, facts_of
    from napari_mlpatch.stacks.stack_recipe import Center

    line, last = axis_of(recipe, data), facts_of(recipe, data).count - 1
    ends = tuple(round(float(value), 3) for value in line.at([0, last]))
    left = "".join(f"; slice {row} left out ({why})" for row, why in line.left_out.items())
    note = f"; {line.note}" if line.note else ""
    say(
        f"rotation axis: bin {ends[0]:g} in slice 0, {ends[1]:g} in slice {last}, tilt {line.tilt_deg:.3g} degrees; "
        f"the centres lie {line.residual:.2g} bins off the line{left}{note}"
    )
    if any(step.name == "tilt" for step in recipe.steps()):
        return Center(values=(round(line.center, 3),))
    return Center(kind="linear", values=ends)


def _center(text: str) -> Center:
    from napari_mlpatch.core.files import is_file, read_text
    from napari_mlpatch.stacks.stack_recipe import Center

    listed = is_file(text)
    words = read_text(text, "The centres").replace(",", " ").split() if listed else text.split(":")
    try:
        values = tuple(float(word) for word in words)
        kind = "listed" if listed else "linear" if len(values) == 2 else "same"
        return Center(kind=kind, values=values)
    except ValueError:
        raise InputError(
            f"--center is a bin, two for the first and the last slice (1021.5:1024), or a file with one for each, "
            f"got {text!r}."
        ) from None


def _step(word: str) -> dict[str, Any]:
    from napari_mlpatch.core.declare import describe
    from napari_mlpatch.core.registry import care_steps

    from .settings import build_step

    return describe(build_step(care_steps, word))


def _begins(event: Any) -> str:
    volume = " x ".join(map(str, event.shape))
    before = f", {event.done} of them done before" if event.done else ""
    return (
        f"{event.path}: {volume}, {event.blocks} blocks of {event.recipe.block} slices{before}; "
        f"{event.workers} worker{'s' * (event.workers > 1)}, about {size(event.bytes)} of memory each"
    )


def _facts(event: Any) -> dict[str, Any]:
    failed = [
        {"slices": [one.block.start, one.block.stop], "missed": list(one.slices), "message": one.message}
        for one in event.failed
    ]
    about = {"out": str(event.path), "slices": event.slices, "done": event.done, "failed": failed}
    return {**about, "cancelled": event.cancelled, "stopped": event.stopped, "seconds": event.seconds}
