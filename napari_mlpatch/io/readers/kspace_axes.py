"""Which axis of k-space is which: slices, coils, rows, columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored
from ..option_phrases import SUCH_AXES

NAMES = ("slices", "coils", "rows", "columns")


@dataclass(frozen=True)
class Layout:
    """``sizes`` of NAMES; ``read(i)`` gives slice i, complex ``[coils, rows, columns]``; what was assumed.

    ``axis`` is that of the array along which the slices lie, None where it has none.
    """

    sizes: tuple[int, int, int, int]
    read: Callable[[int], np.ndarray]
    notes: tuple[str, ...]
    axis: int | None = None


def layout_of(stored: Stored, name: str, axes: str | None, coils_first: bool) -> Layout:
    """``axes`` names them in the file's order, such as "coils,rows,columns"; None: as usual, and told.

    Usual is ``[slices, coils, rows, columns]``; of three axes the first are coils or, where not ``coils_first``,
    slices. A last axis that is far shorter than the two before are coils. Real numbers whose last axis (or only
    one axis) has two entries are the real and the imaginary part. Raises InputError.
    """
    notes: list[str] = []
    shape, pairs = stored.shape, None if stored.is_complex else _axis_of_parts(stored.shape)
    if pairs is not None:
        shape = (*shape[:pairs], *shape[pairs + 1 :])
        where = "last" if pairs == len(shape) else "first" if pairs == 0 else f"{pairs + 1}th"
        notes.append(f"the {where} axis holds the real and the imaginary part")
    if not (stored.is_complex or pairs is not None) or 0 in shape or len(shape) < 2:
        kind = "complex" if stored.is_complex else "'i'" if stored.is_integer else "'f'"
        raise InputError(
            f"{name} holds {kind} numbers of shape {list(shape)}; complex [slices, coils, rows, columns], "
            "[slices, rows, columns], [coils, rows, columns] or [rows, columns] is needed, or real ones with one axis "
            "of two entries, real and imaginary part, or two arrays such as kspace_real and kspace_imag."
        )
    order, note = _asked(axes, shape) if axes else _usual(shape, coils_first)
    notes += filter(None, [note])
    sizes = tuple(shape[order.index(word)] if word in order else 1 for word in NAMES)

    def read(index: int) -> np.ndarray:
        chosen = tuple(index if word == "slices" else 0 if word == "one" else slice(None) for word in order)
        if pairs is None:
            part = stored.read(chosen)
        else:
            part = stored.read((*chosen[:pairs], 0, *chosen[pairs:])) + 1j * stored.read(
                (*chosen[:pairs], 1, *chosen[pairs:])
            )
        left = [word for word in order if word not in ("slices", "one")]
        if "coils" not in left:
            part, left = part[None], ["coils", *left]
        return part.transpose([left.index(word) for word in NAMES[1:]])

    axis = order.index("slices") if "slices" in order else None
    if axis is not None and pairs is not None:
        axis += axis >= pairs
    return Layout((sizes[0], sizes[1], sizes[2], sizes[3]), read, tuple(notes), axis)


def _axis_of_parts(shape: tuple[int, ...]) -> int | None:
    """The axis of two entries that holds real and imaginary part: the last one, or the only one."""
    if len(shape) < 3:
        return None
    twos = [axis for axis, n in enumerate(shape) if n == 2]
    return len(shape) - 1 if shape[-1] == 2 else twos[0] if len(twos) == 1 else None


def _asked(axes: str, shape: tuple[int, ...]) -> tuple[list[str], str]:
    words = [word.strip().lower() for word in axes.replace(":", ",").split(",")]
    if len(words) != len(shape) or len(set(words)) != len(words) or not {"rows", "columns"} <= set(words) <= set(NAMES):
        raise InputError(
            f"kspace_axes names the {len(shape)} axes of k-space {list(shape)} in their order, out of "
            f"{', '.join(NAMES)}, got {axes!r}."
        )
    return words, f"axes {', '.join(words)}, as you say"


def _usual(shape: tuple[int, ...], coils_first: bool) -> tuple[list[str], str]:
    extra = ["one" if n == 1 else "?" for n in shape[:-4]]  # kept where they have one entry only
    if "?" in extra:
        raise InputError(
            f"K-space of shape {list(shape)} has more than four axes. K-space is [slices, coils, rows, columns]: "
            "part it first."
        )
    last = shape[-4:]
    count = len(last)
    if count == 2:
        return [*extra, "rows", "columns"], ""
    if last[-1] * 3 <= min(last[-3:-1]):
        words = ["rows", "columns", "coils"] if count == 3 else ["slices", "rows", "columns", "coils"]
        return [*extra, *words], f"the last axis, of {last[-1]}, is taken for the coils{SWAP}"
    if count == 4:
        return [*extra, *NAMES], ""
    first = "coils" if coils_first else "slices"
    other = "slices of one coil" if coils_first else "coils of one slice"
    note = f"the first axis, of {last[0]}, is taken for {first}; if they are {other}{SWAP}" if last[0] > 1 else ""
    return [first, "rows", "columns"], note


SWAP = f", say so with {SUCH_AXES}"
