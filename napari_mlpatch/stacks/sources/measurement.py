"""Any measurement file that the readers know, as a stack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.io.loading import load
from napari_mlpatch.io.options import LoadOptions, names

from ..source import Source, tuned_slice

if TYPE_CHECKING:
    from napari_mlpatch.core.recipe import Recipe

SCANNERS = ("parallel-beam", "fan-beam")


def open_measurement(path: Path, recipe: Recipe, options: dict[str, Any]) -> Source:
    """A stack of sinograms, of k-space, or of other data of the recipe's operator. Raises InputError."""
    from napari_mlpatch.io.own import GROUP
    from napari_mlpatch.io.readers.kspace import KSpace

    from .images import Images
    from .kspace import KSpaceStack
    from .own import OwnStack, has_group
    from .sinograms import SinogramStack

    kind = recipe.operator.name
    loading = {name: value for name, value in options.items() if name in names(LoadOptions)}
    making = {name: value for name, value in options.items() if name not in loading}
    if has_group(path, GROUP):
        return OwnStack(path, recipe)
    if kind in SCANNERS:
        found = load(path, **loading)
        if isinstance(found, KSpace):
            raise InputError(f"{path} holds k-space, the recipe's operator is {kind!r}. Take a recipe for MRI.")
        return SinogramStack(found, making, tuned_slice(recipe))
    if kind == "mri-cartesian":
        found = load(path, **loading)
        if not isinstance(found, KSpace):
            raise InputError(f"{path} holds real numbers, no k-space, which the recipe for {kind!r} needs.")
        return KSpaceStack(found, making)
    if len(operators.get(kind)(**recipe.operator.params).range_shape) != 2:
        raise InputError(f"The operator {kind!r} has no stacks: its data are no pictures. Reconstruct one by one.")
    return Images(path, loading)
