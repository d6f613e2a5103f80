"""Whether the named arrays of a file are k-space or a sinogram."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored
from ..measurement import Measurement
from ..option_phrases import option
from ..options import LoadOptions
from .complex_parts import Pair, looks_like_kspace, pairs_in, refuse_ambiguous
from .kspace import kspace_from
from .named import measurement_from
from .names import KSPACE, MASK, SINOGRAM, find, key


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
    arrays, name = with_pairs(path, arrays, options)
    if name is None:
        try:
            return measurement_from(path, arrays, options, prefer=prefer, usual_axis=usual_axis)
        except InputError as error:
            raise InputError(f"{error}{_complex_ones(path, arrays, options)}") from None
    mask = find(arrays, MASK, name)
    return kspace_from(
        path,
        arrays[name],
        name,
        None if mask is None else arrays[mask].read(()),
        axes=options.kspace_axes,
        coils_first=coils_first,
        recon=recon,
        corner=options.in_corner,
    )


def with_pairs(
    path: Path, arrays: Mapping[str, Stored], options: LoadOptions
) -> tuple[Mapping[str, Stored], str | None]:
    """The arrays, with complex ones from two real ones in their place if those are k-space, and its name.

    Raises InputError where there are two parts of complex numbers and nothing else, but whether they are k-space
    cannot be told.
    """
    name = kspace_name(arrays, options)
    if name is not None or options.angle_axis is not None:
        return arrays, name
    if options.dataset is not None and options.dataset.strip("/") in arrays:
        return arrays, None
    pairs = pairs_in(path, arrays)
    parts = {part for pair in pairs for part in (pair.first, pair.second)}
    rest = {name: array for name, array in arrays.items() if name not in parts}
    joined = {pair.name: pair.joined(path, arrays) for pair in pairs if pair.says_kspace or _is_asked(pair, options)}
    name = kspace_name({**rest, **joined}, options) if joined else None
    if name is None and len(joined) == 1 and options.dataset is None:
        (name,) = joined
    if name is not None:
        return {**rest, **joined}, name
    others = [pair for pair in pairs if pair.name not in joined]
    if not others or options.dataset is not None or any(a.is_stack and key(n) not in MASK for n, a in rest.items()):
        return arrays, None
    if any(key(part) in SINOGRAM for part in parts):
        return arrays, None
    for pair in others:
        found = pair.joined(path, arrays) if len(others) == 1 else None
        if found is None or not looks_like_kspace(found):
            refuse_ambiguous(path, pair)
        else:
            return {**rest, pair.name: found}, pair.name
    return arrays, None


def _complex_ones(path: Path, arrays: Mapping[str, Stored], options: LoadOptions) -> str:
    """A hint on what else a file without a sinogram holds: complex arrays, or parts of them."""
    if options.dataset is not None or options.angle_axis is not None:
        return ""
    names = [name for name, array in arrays.items() if array.is_complex and len(array.shape) > 1]
    names += [pair.name for pair in pairs_in(path, arrays)]
    listed = ", ".join(repr(name) for name in names[:5])
    return f" If its complex {listed} is k-space, name it with {option('dataset')}." if names else ""


def _is_asked(pair: Pair, options: LoadOptions) -> bool:
    return options.dataset is not None and options.dataset.strip("/") == pair.name


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
