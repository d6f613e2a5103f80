"""Parts of HDF5 arrays that were never written or never mapped, for which the library gives zeros without a word."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

MOST = 2**20  # chunks looked at one by one


def missing_in(item: h5py.Dataset) -> str:
    """What of an array the library would give as zeros, in words; "" where nothing is."""
    return uncovered(item) if item.is_virtual else unwritten(item)


def unwritten(item: h5py.Dataset) -> str:
    """What of an array was never written, in words; "" where all was. Virtual arrays have their values elsewhere."""
    if item.size == 0 or item.is_virtual or item.external:
        return ""
    chunks = item.chunks
    if chunks is None:
        never = item.id.get_storage_size() == 0
        return f"was never written: none of its {item.size} values is in the file." if never else ""
    counts = [-(-n // chunk) for n, chunk in zip(item.shape, chunks, strict=True)]
    needed, there = int(np.prod(counts)), item.id.get_num_chunks()
    if there >= needed:
        return ""
    if there == 0:
        return f"was never written: none of its {needed} chunks is in the file."
    where = ""
    if needed <= MOST:
        seen = np.zeros(counts, bool)

        def see(chunk: Any) -> None:
            seen[tuple(at // n for at, n in zip(chunk.chunk_offset, chunks, strict=True))] = True

        item.id.chunk_iter(see)
        rows = np.flatnonzero(~seen.reshape(counts[0], -1).all(axis=1))
        entries = np.zeros(item.shape[0], bool)
        for row in rows:
            entries[row * chunks[0] : (row + 1) * chunks[0]] = True
        where = f": entries {in_words(entries)} of {item.shape[0]} along its first axis"
    return f"was written in part only: {needed - there} of its {needed} chunks are not in the file{where}."


def uncovered(item: h5py.Dataset) -> str:
    """Which whole entries of a virtual array, along any axis, no source is mapped to, in words."""
    seen = [np.zeros(n, bool) for n in item.shape]
    for part in item.virtual_sources():
        space = part.vspace
        if space.get_select_type() == h5py.h5s.SEL_ALL:
            return ""
        if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
            return ""
        for axis, start, stride, count, block in zip(seen, *space.get_regular_hyperslab(), strict=True):
            if h5py.h5s.UNLIMITED in (count, block) or max(count, block) >= h5py.h5s.UNLIMITED:
                return ""
            for k in range(count):
                axis[start + k * stride : start + k * stride + block] = True
    for number, axis in enumerate(seen):
        if not axis.all():
            where = f"entries {in_words(~axis)} of {len(axis)} along axis {number}"
            return f"is put together from other arrays, none of which gives {where}."
    return ""


def too_few(part: Any, source: h5py.Dataset) -> str:
    """What of a source of a virtual array is mapped but does not exist, in words."""
    whole = part.src_space.get_select_type() == h5py.h5s.SEL_ALL  # then its size is told by where it goes
    try:
        low, high = (part.vspace if whole else part.src_space).get_select_bounds()
    except (RuntimeError, ValueError, TypeError):  # without end
        return ""
    ends = [end + 1 - (start if whole else 0) for start, end in zip(low, high, strict=True)]
    if whole and int(np.prod(ends)) != part.vspace.get_select_npoints():
        return ""  # in steps
    if whole and len(ends) > len(source.shape):  # a frame each, of a stack
        ends = [end for end in ends if end != 1]
    if len(ends) != len(source.shape):
        return ""
    for number, (end, n) in enumerate(zip(ends, source.shape, strict=False)):
        if n < end < h5py.h5s.UNLIMITED:
            return f"the source {source.name!r} holds {n} of the {end} frames mapped (axis {number})."
    return ""


def in_words(missing: np.ndarray) -> str:
    """The ranges that are True: "3 to 5, 9"."""
    indices = np.flatnonzero(missing)
    parts = np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1)
    texts = [f"{part[0]} to {part[-1]}" if len(part) > 1 else f"{part[0]}" for part in parts]
    return ", ".join(texts[:6]) + (f" and {len(texts) - 6} ranges more" if len(texts) > 6 else "")
