"""Whether the named arrays of a file are k-space or a sinogram."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..arrays import Stored
from ..measurement import Measurement
from ..options import LoadOptions
from .kspace import kspace_from
from .named import measurement_from
from .names import KSPACE, MASK, find, key


def load_named(
    path: Path,
    arrays: Mapping[str, Stored],
    options: LoadOptions,
    *,
    prefer: str = "",
    usual_axis: str = "rows",
    coils_first: bool = True,
    recon: tuple[int, int] | None = None,
) -> Measurement:
    """K-space where the array asked for, or the one with its usual name, or the only stack is complex.

    ``coils_first`` tells what three axes are, ``recon`` the size of the picture that the scanner makes. Raises
    InputError.
    """
    name = kspace_name(arrays, options)
    if name is None:
        return measurement_from(path, arrays, options, prefer=prefer, usual_axis=usual_axis)
    mask = find(arrays, MASK, name)
    return kspace_from(
        path,
        arrays[name],
        name,
        None if mask is None else arrays[mask].read(()),
        axes=options.kspace_axes,
        coils_first=coils_first,
        recon=recon,
    )


def kspace_name(arrays: Mapping[str, Stored], options: LoadOptions) -> str | None:
    if options.angle_axis is not None:
        return None
    if options.dataset is not None:
        name = options.dataset.strip("/")
        named = name in arrays and (arrays[name].is_complex or key(name) in KSPACE)
        return name if named else None
    usual = find(arrays, KSPACE)
    if usual is not None:
        return usual
    stacks = [name for name, array in arrays.items() if array.is_complex and len(array.shape) > 1]
    alone = not any(array.is_stack for name, array in arrays.items() if key(name) not in MASK)
    return stacks[0] if alone and len({arrays[name].identity or name for name in stacks}) == 1 else None
