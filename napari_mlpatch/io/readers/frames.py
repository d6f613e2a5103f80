"""Frames of a scan told apart by an image key, as NXtomo has it: 0 projection, 1 flat, 2 dark, 3 invalid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..arrays import Slices, to_float32

KINDS = {0: "projections", 1: "flats", 2: "darks"}


@dataclass(frozen=True)
class Frames:
    """A stack ``[slices, frames, bins]`` parted by kind; ``flat`` and ``dark`` are None where there are none."""

    projections: Slices
    flat: Slices | None
    dark: Slices | None
    used: np.ndarray
    note: str

    def angles_of(self, angles: np.ndarray | None) -> np.ndarray | None:
        """Of the projections, from one angle for each frame, or for each projection."""
        if angles is not None and len(angles) == len(self.used):
            return angles[self.used]
        return angles


def parted(stack: Slices, image_key: np.ndarray, name: str) -> Frames:
    """Raises InputError for keys that do not fit the frames, and where no frame is a projection."""
    values = np.asarray(image_key, float).ravel()
    slices, count, bins = stack.shape
    if values.size != count:
        raise InputError(f"{name!r} has {values.size} keys for {count} frames. Give one for each frame.")
    if not np.isfinite(values).all():
        raise InputError(f"{name!r} holds NaN or infinite values. Keys are 0 (projection), 1 (flat), 2 (dark).")
    keys = np.rint(values).astype(int)
    if not (keys == 0).any():
        raise InputError(f"{name!r} says that no frame is a projection (0); it has {sorted(set(keys.tolist()))[:9]}.")
    last: dict[int, np.ndarray] = {}

    def frames(index: int) -> np.ndarray:
        if index not in last:  # projections, flats and darks are asked for one after the other
            last.clear()
            last[index] = to_float32(stack.read(index))
        return last[index]

    def part(kind: int) -> Slices | None:
        which = keys == kind
        if not which.any():
            return None
        return Slices((slices, int(which.sum()), bins), lambda i: frames(i)[which])

    counts = {word: int((keys == kind).sum()) for kind, word in KINDS.items()}
    left = count - sum(counts.values())
    note = f"{', '.join(f'{n} {word}' for word, n in counts.items())}, by {name!r}"
    projections = part(0)
    assert projections is not None
    return Frames(
        projections, part(1), part(2), keys == 0, note + (f"; {left} frames of other kinds left out" if left else "")
    )
