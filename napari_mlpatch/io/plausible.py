"""Whether numbers look like the sinogram that they are taken for: checks that cost a few sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Slices
from .option_phrases import FLAT_BY, FLAT_OR_FLAG, NOT_LOG, option

CHEAP = 2**23  # values, read to look at them
EVEN, UNEVEN = 0.02, 0.05  # relative variation of sums that are constant, and that are not
DARK = 0.03  # of the largest value: no object
FEW = 0.01  # of the samples: dead pixels, and noise less the dark field


@dataclass(frozen=True)
class Axes:
    """Whether the angles of an array ``[rows, bins]`` rather run along its columns, and the evidence."""

    swapped: bool
    evidence: str


def looked_at(data: Slices) -> np.ndarray | None:
    """The middle slice, where it is read in one go and small; without NaN."""
    _, rows, bins = data.shape
    if data.read_all is not None or rows * bins > CHEAP or min(rows, bins) < 8:
        return None
    values = data[len(data) // 2]
    return values if np.isfinite(values).all() else None


def axes_of(values: np.ndarray) -> Axes:
    """Along which axis the angles run, from a sinogram of line integrals, or of counts.

    The integral of an object that the detector sees as a whole, the sum over the bins, is the same at all angles; at a
    fixed bin, the sum over the angles is not: it falls to nothing at the detector's ends. Nothing is said of others.
    """
    level = bright_edges(values) or bright_edges(values.T)
    lines = -np.log(np.maximum(values, 1e-3 * level) / level) if level else values
    over_bins, over_angles = lines.sum(axis=1, dtype=np.float64), lines.sum(axis=0, dtype=np.float64)
    if min(over_bins.mean(), over_angles.mean()) <= 0:
        return Axes(False, "")
    rows, columns = (float(sums.std() / sums.mean()) for sums in (over_bins, over_angles))
    top = float(np.abs(lines).max())
    ends = [float(np.abs(side).mean()) / top for side in (lines[0], lines[-1])]
    swapped = columns < EVEN and rows > UNEVEN and rows > 5 * columns and max(ends) < DARK
    evidence = f"the sums of the rows vary by {_percent(rows)}, those of the columns by {_percent(columns)}"
    return Axes(swapped, evidence)


def _percent(share: float) -> str:
    """With two digits, never as a power of ten: "0.041 %", "110 %"."""
    return f"{float(f'{100 * share:.2g}'):.12g} %" if share >= 1e-6 else "0 %"


def bright_edges(values: np.ndarray) -> float:
    """The level of the detector's both ends, where all of the rest is darker, as in counts; 0 where it is not so.

    ``values`` is ``[angles, bins]``. Line integrals are zero beside an object, transmissions one, counts what the beam
    gives: in the latter the object is darker than the ends, and nothing is brighter.
    """
    if values.ndim != 2 or values.shape[1] < 8 or not np.mean(values < 0) <= FEW:
        return 0.0
    wide = max(1, values.shape[1] // 32)
    left, right = values[:, :wide], values[:, -wide:]
    level = float(np.median(np.concatenate([left, right], axis=1)))
    if not level > 0 or abs(np.median(left) - np.median(right)) > 0.1 * level:
        return 0.0
    ends = np.concatenate([left, right], axis=1)
    spread = float(np.median(np.abs(ends - level))) / level
    profile = np.median(values, axis=0)
    darker = float(profile.min()) < 0.93 * level and float(np.percentile(profile, 25)) < 0.99 * level
    outshone = float(np.mean(values > level * (1.05 + 5 * spread)))
    return level if spread < 0.1 and darker and outshone < 0.01 else 0.0


def is_transmission(level: float) -> bool:
    """Whether the level beside the object is one, as of counts divided by the flat field."""
    return abs(level - 1.0) < 0.05


def counts_question(level: float) -> str:
    """What to answer where numbers that are taken for line integrals look like a beam behind an object."""
    if is_transmission(level):
        return (
            f"The values are {level:.3g} at both ends of the detector and smaller in between, as of transmissions "
            "(counts divided by the flat field), while line integrals are 0 beside the object. Give "
            f"{option('flat', 1)}, so that the logarithm is taken, or {NOT_LOG} if they are line integrals."
        )
    return (
        f"The values are about {level:.5g} at both ends of the detector and smaller in between, as of detector counts, "
        f"while line integrals are 0 beside the object. Give the flat field ({FLAT_BY}a number such as {level:.5g}, or "
        f"a file), so that the logarithm is taken, or {NOT_LOG} if they are line integrals."
    )


SATURATED = 0.01  # of the values
FEW_COUNTS = 100.0
BELOW = -0.1  # a line integral that neither noise nor a beam that drifts gives
HOLLOW = 0.5


def saturated(counts: np.ndarray) -> str:
    """A note where many counts are exactly the largest one, "" else: the detector or its numbers hold no more."""
    top = float(counts.max())
    share = float(np.mean(counts == top))
    if top < FEW_COUNTS or share < SATURATED or share == 1.0:
        return ""
    return f"{_percent(share)} of the counts are {top:.6g}, the largest: saturated? Line integrals there are wrong"


def outshone(lines: np.ndarray) -> str:
    """A note where most line integrals ``[angles, bins]`` of counts are well below zero, "" else."""
    outshining = lines[lines < BELOW]
    share = float(np.mean(lines < BELOW))
    if not share > 0.5:
        return ""
    middle = float(np.median(outshining))
    return (
        f"{_percent(share)} of the counts are larger than the flat field, half of them {np.exp(-middle):.3g} times or "
        "more, so that line integrals are negative: is the flat field of another exposure, or of other numbers?"
    )


def brighter_ends(values: np.ndarray) -> str:
    """A note where numbers taken for line integrals are larger at both ends of the detector than in between, "" else.

    As counts are with any flat field, and as few objects.
    """
    if values.ndim != 2 or values.shape[1] < 8 or not values.min() > 0:
        return ""
    profile = np.median(values, axis=0)
    wide = max(1, values.shape[1] // 32)
    ends = min(float(profile[:wide].mean()), float(profile[-wide:].mean()))
    if not float(profile.min()) < HOLLOW * ends:
        return ""
    return (
        f"the values are larger at both ends of the detector ({ends:.4g}) than in between ({profile.min():.4g}), as "
        f"detector counts are: if they are counts, give the flat field ({FLAT_OR_FLAG})"
    )


def mostly_negative(values: np.ndarray) -> str:
    """A note where the sum of numbers taken for line integrals ``[angles, bins]`` is below zero, "" else."""
    share = float(np.mean(values < 0))
    if not (values.sum(dtype=np.float64) < 0 and share > 3 * float(np.mean(values > 0))):
        return ""
    return (
        f"{_percent(share)} of the values are negative, which line integrals are not: has their sign been changed, or "
        "was something taken from them?"
    )


def zero_views(values: np.ndarray) -> str:
    """A note on rows of a sinogram ``[angles, bins]`` that are zero everywhere while others are not, "" for none."""
    empty = ~values.any(axis=1)
    if not empty.any() or empty.all():
        return ""
    listed = [int(i) for i in np.flatnonzero(empty)]
    words = ", ".join(map(str, listed[:20])) + (" and more" if len(listed) > 20 else "")
    return (
        f"{len(listed)} of {len(values)} views are zero everywhere, as if they had not been measured: {words}; "
        "they are used as they are (views leaves rows out)"
    )
