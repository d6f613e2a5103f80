"""From detector counts to line integrals: y = -log((counts - dark) / (flat - dark))."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..arrays import Field, Slices, Stored
from ..fields import field_of
from ..option_phrases import NOT_LOG, naming
from ..precision import check_finite, to_float32

DRIFT = 0.01  # of the level: a difference that is told


def line_integrals(
    counts: np.ndarray,
    flat: np.ndarray | float,
    dark: np.ndarray | float = 0.0,
    clip_counts: float | None = None,
    flat_from: Sequence[str] = (),
) -> np.ndarray:
    """Line integrals ``[angles, bins]`` (float32, no unit) from counts of the same shape.

    ``flat`` and ``dark`` are the counts without a sample and without a beam, one number, ``[bins]``, or one for each
    angle, ``[angles, bins]``. Where counts
    less dark are not positive the logarithm does not exist: ``clip_counts`` raises them to that minimum, without it
    InputError says how many there are and where, and which arrays of the file the flat field is from.
    """
    if clip_counts is not None and not clip_counts > 0:
        what = naming("{clip_counts} is the least number")
        raise InputError(f"{what} of counts and must be positive, got {clip_counts}.")
    beam = np.broadcast_to(np.asarray(flat, dtype=np.float64) - dark, counts.shape)
    signal = np.subtract(counts, dark, dtype=np.float64)
    if clip_counts is None:
        after = " less the dark field" if np.any(dark) else ""
        named = ", ".join(map(repr, flat_from))
        _check_positive(beam if np.ndim(flat) > 1 else beam[:1], f"flat field{named and ' ' + named}{after}")
        why = f" (these are taken for counts because of the flat field {named})" if named else ""
        _check_positive(signal, f"detector counts{after}", why)
    else:
        beam, signal = np.maximum(beam, clip_counts), np.maximum(signal, clip_counts)
    np.divide(beam, signal, out=signal)
    return np.log(signal, out=signal).astype(np.float32)


def clip_note(
    counts: np.ndarray, flat: np.ndarray | float | None, dark: np.ndarray | float | None, clip_counts: float | None
) -> str:
    """How many counts less the dark field, and how much of the flat field, were raised; "" for none."""
    if clip_counts is None or flat is None:
        return ""
    shade = 0.0 if dark is None else dark
    low = int((np.subtract(counts, shade, dtype=np.float64) < clip_counts).sum())
    beam = np.asarray(flat, dtype=np.float64) - shade
    dead = int((beam < clip_counts).sum())
    parts = [f"{low} of {counts.size} counts"] * (low > 0) + [f"{dead} of {beam.size} values of the flat field"] * (
        dead > 0
    )
    less = ", less the dark field," if np.any(shade) else ""
    return f"{' and '.join(parts)}{less} raised to {clip_counts:g}" if parts else ""


def field_of_slice(field: Field | None, index: int, bins: int, name: str) -> np.ndarray | float | None:
    """The field of one slice, averaged over its frames: ``[bins]`` or a number; or at the times of the angles.

    ``[angles, bins]`` where the times are known and there are several groups of frames: linear in time between the
    means of the groups before and after an angle, constant before the first and after the last group.
    """
    if isinstance(field, Slices):
        value = field[index]
    elif isinstance(field, np.ndarray):
        value = field
    else:
        return field
    if value.shape[-1] != bins:
        raise InputError(
            f"The {name} field has {value.shape[-1]} bins but the detector has {bins}. Give one value for each bin."
        )
    check_finite(value, f"The {name} field")
    if value.ndim == 1:
        return value
    if isinstance(field, Slices) and _is_timed(field):
        return at_times(value, field)
    return value.mean(axis=0, dtype=np.float64)


def _is_timed(field: Slices) -> bool:
    return len(field.groups) > 1 and len(field.times) == field.shape[1] and len(field.scan_times) > 0


def at_times(value: np.ndarray, field: Slices) -> np.ndarray:
    """Frames ``[frames, bins]`` of a field, interpolated to the times of the scan: ``[angles, bins]`` float64."""
    ends = np.cumsum([count for _, count in field.groups])[:-1]
    means = np.stack([part.mean(axis=0, dtype=np.float64) for part in np.split(value, ends)])
    times = np.array([part.mean() for part in np.split(np.array(field.times, dtype=float), ends)])
    order = np.argsort(times, kind="stable")
    means, times = means[order], times[order]
    where = np.clip(np.array(field.scan_times, dtype=float), times[0], times[-1])
    after = np.searchsorted(times, where, side="right").clip(1, len(times) - 1)
    share = ((where - times[after - 1]) / (times[after] - times[after - 1]))[:, None]
    return (1.0 - share) * means[after - 1] + share * means[after]


def drift_note(field: Field | None, index: int, name: str) -> str:
    """What differs by more than a per cent between the groups that a field was taken in, "" where nothing does."""
    if not isinstance(field, Slices) or field.shape[1] < 2:
        return ""
    frames = field[index].mean(axis=1, dtype=np.float64)
    groups = field.groups if len(field.groups) > 1 else tuple((f"frame {i}", 1) for i in range(len(frames)))
    ends = np.cumsum([count for _, count in groups])[:-1]
    levels = [float(part.mean()) for part in np.split(frames, ends)]
    low, high = min(levels), max(levels)
    if len(field.groups) < 2 and high - low > DRIFT * abs(np.mean(levels)):
        few, most = int(np.argmin(levels)), int(np.argmax(levels))
        return (
            f"the {name}s differ among each other ({low:.5g} in {groups[few][0]}, {high:.5g} in {groups[most][0]}, of "
            f"{len(frames)}): by {100 * (high - low) / abs(np.mean(levels)):.2g} %; nothing says when they were taken, "
            "their mean is used for all angles"
        )
    if not abs(high - low) > DRIFT * abs(np.mean(levels)):
        return ""
    listed = ", ".join(f"{level:.5g} in {group}" for level, (group, _) in zip(levels, groups, strict=True))
    used = (
        "they are interpolated linearly in time, by the order of the frames"
        if _is_timed(field)
        else "their mean is used for all angles"
    )
    return (
        f"the {name}s differ between the times that they were taken at ({listed}): by "
        f"{100 * (high - low) / abs(np.mean(levels)):.2g} %; {used}"
    )


def given_field(value: Any, name: str, slices: int, bins: int) -> Field:
    """A flat or dark field that the user gave, for a stack of so many slices and bins.

    A number, an array as ``field_of`` takes it, or the path of a TIFF or NPY file with one. Raises InputError.
    """
    if isinstance(value, str | os.PathLike):
        from ..array_file import load_array

        value = load_array(Path(value))
    array = to_float32(value)
    check_finite(array, f"The {name} field")
    field = field_of(Stored.of(array), name, slices, bins)
    if field is None:
        raise InputError(f"The {name} field is empty: its shape is {list(array.shape)}.")
    return field


def _check_positive(values: np.ndarray, what: str, why: str = "") -> None:
    good = values > 0
    if not good.all():
        bad = ~good
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"{int(bad.sum())} of {bad.size} values of the {what} are zero or negative, the first at row "
            f"{row}, bin {column} (value {values[row, column]:.4g}): their logarithm does not exist{why}. Repair the "
            f"dead pixels, {'' if why else 'or '}{naming('give {clip_counts}')} (for example 1) to raise all smaller "
            f"counts to that minimum{f', or {NOT_LOG} if these are line integrals' if why else ''}."
        )
