"""Frames of a scan told apart by an image key, as NXtomo has it: 0 projection, 1 flat, 2 dark, 3 invalid.

Frames are in the order in which they were taken, so that the number of a frame is its time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..arrays import Slices
from ..precision import to_float32
from .names import key

KINDS = {0: "projections", 1: "flats", 2: "darks"}
INVALID = 3
WORDS = {
    0: ("projection", "proj", "sample", "object", "data", "tomo", "scan"),
    1: ("flat", "white", "open", "openbeam", "ob", "bright", "gain", "ff", "i0", "blank", "reference"),
    2: ("dark", "offset", "bias", "df", "background"),
    INVALID: ("invalid", "bad", "unused", "skip", "none", "alignment"),
}
"""What people call the kinds, without "field", "frame", "image" or the s of a plural."""


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
    values = codes_of(image_key, name)
    slices, count, bins = stack.shape
    if values.size != count:
        raise InputError(f"{name!r} has {values.size} keys for {count} frames. Give one for each frame.")
    if not np.isfinite(values).all():
        raise InputError(f"{name!r} holds NaN or infinite values. Keys are 0 (projection), 1 (flat), 2 (dark).")
    odd = values[values != np.rint(values)]
    if odd.size:
        raise InputError(f"{name!r} holds {odd[0]:g}. Keys are whole: 0 (projection), 1 (flat), 2 (dark), 3 (invalid).")
    keys = values.astype(int)
    if not (keys == 0).any():
        raise InputError(f"{name!r} says that no frame is a projection (0); it has {sorted(set(keys.tolist()))[:9]}.")
    last: dict[Any, np.ndarray] = {}  # projections, flats and darks are asked for one after the other

    def frames(index: int) -> np.ndarray:
        return kept(index, lambda: to_float32(stack.read(index)))

    def blocks(start: int, stop: int) -> np.ndarray:
        return kept((start, stop), lambda: stack.block(start, stop))

    def kept(key: Any, make: Callable[[], np.ndarray]) -> np.ndarray:
        found = last.get(key)
        if found is None:
            last.clear()
            found = last[key] = make()
        return found

    def part(kind: int) -> Slices | None:
        which = keys == kind
        if not which.any():
            return None
        shape, numbers = (slices, int(which.sum()), bins), np.flatnonzero(which)

        def block(start: int, stop: int) -> np.ndarray:
            return blocks(start, stop)[:, which]

        if kind == 0:
            return Slices(shape, lambda i: frames(i)[which], read_block=block, sources=stack.sources)
        times, scan_times = (tuple(n.tolist() if kind == 1 else ()) for n in (numbers, np.flatnonzero(keys == 0)))
        return Slices(
            shape,
            lambda i: frames(i)[which],
            groups=runs(numbers),
            times=times,
            scan_times=scan_times,
            read_block=block,
            sources=stack.sources,
        )

    counts = {word: int((keys == kind).sum()) for kind, word in KINDS.items()}
    left = count - sum(counts.values())
    note = f"{', '.join(f'{n} {word}' for word, n in counts.items())}, by {name!r}"
    groups = len(runs(np.flatnonzero(keys == 1))) if (keys == 1).any() else 0
    note += f"; flats taken at {groups} times, interpolated linearly between them" if groups > 1 else ""
    projections = part(0)
    assert projections is not None
    return Frames(
        projections, part(1), part(2), keys == 0, note + (f"; {left} frames of other kinds left out" if left else "")
    )


def codes_of(image_key: np.ndarray, name: str) -> np.ndarray:
    """Numbers of the kinds ``[frames]``, from numbers or words such as "flat". Raises InputError for other words."""
    values = np.asarray(image_key).ravel()
    if values.dtype.kind not in "OSU":
        return values.astype(float)
    texts = [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values]
    codes = {text: _code(text) for text in set(texts)}
    unknown = sorted(text for text, code in codes.items() if code is None)
    if unknown:
        raise InputError(
            f"{name!r} tells the frames apart by words, of which {', '.join(map(repr, unknown[:5]))} are not known. "
            "Write numbers: 0 (projection), 1 (flat), 2 (dark), 3 (invalid)."
        )
    return np.array([codes[text] for text in texts], float)


def _code(text: str) -> float | None:
    word = key(text.strip("\0 ").replace("/", "").replace(".", ""))
    if word.isdigit():
        return float(word)
    known = {name: float(code) for code, names in WORDS.items() for name in names}
    for ending in ("", "s", "field", "fields", "frame", "frames", "image", "images"):
        if word.endswith(ending) and word.removesuffix(ending) in known:
            return known[word.removesuffix(ending)]
    return None


def runs(indices: np.ndarray) -> tuple[tuple[str, int], ...]:
    """The runs of neighbours among ascending numbers of frames, each in words, and how many frames it has."""
    parts = np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1)
    return tuple(
        (f"frames {part[0]} to {part[-1]}" if len(part) > 1 else f"frame {part[0]}", len(part)) for part in parts
    )
