"""What is in the place of the output: nothing, this run, or something that may not be replaced; and the output made."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import LONGEST_NAME, check_place, is_temporary, reason_of
from napari_mlpatch.core.phrases import phrase
from napari_mlpatch.core.recipe import installed_versions

from .job import Tools
from .markers import Markers
from .sinks.sink import Sink, Volume
from .sizing import Size
from .stack_recipe import StackRecipe

BEGIN_ANEW = phrase("add --force to begin anew (in Python: force=True)", "tick “begin anew”")
NUMBERS = {"bytes": 0, "lanes": 1, "threads": 0}
"""Of a ``Size``, as an output notes them, and what holds where it does not."""


def check_folder(sink: Sink, source: Path) -> None:
    """Raises InputError where the output has no folder, or would destroy its input."""
    longest = LONGEST_NAME - len(".blocks")
    if len(os.fsencode(sink.path.name)) > longest:
        raise InputError(
            f"The name of the output has more than {longest} bytes: {sink.path.name}. Choose a shorter one."
        )
    if not sink.path.parent.is_dir():
        raise InputError(f"The folder {sink.path.parent} does not exist. Create it first.")
    try:
        check_place(sink.path)
    except OSError as error:
        raise InputError(f"{sink.path} cannot be written: {reason_of(error)}. Choose another name.") from None
    output, stack = sink.path.resolve(), source.resolve()
    if not output.parent.is_dir():
        raise InputError(f"{sink.path} is a link to {output}, whose folder does not exist. Create it first.")
    if output == stack or output.is_relative_to(stack) or stack.is_relative_to(output):
        raise InputError(f"{sink.path} is where the data are ({source}). Choose another place for the output.")


def same_run(
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


def check_replaceable(
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


def volume_of(recipe: StackRecipe, tools: Tools, shape: tuple[int, int, int], identity: str, size: Size) -> Volume:
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
    return Volume(shape, min(recipe.block, shape[0]), (height, pixel, pixel), tools.source.unit, about)


def create(sink: Sink, markers: Markers, volume: Volume, fingerprint: str) -> None:
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
