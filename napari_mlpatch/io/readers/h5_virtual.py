"""Virtual arrays of HDF5: the names of their blocks, and how many values their sources fill.

A source's name may be a pattern, in which ``%b`` is the number of a block, from 0 on, and ``%%`` a per cent sign
(H5Pset_virtual). The library stops at the first block that is missing, without an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import h5py

_MARK = re.compile(r"%(%|b)")


def is_pattern(part: Any) -> bool:
    """Whether a name, or one of those of a source, stands for blocks."""
    names = (part,) if isinstance(part, str) else (part.file_name, part.dset_name)
    return any(mark[1] != "%" for name in names for mark in _MARK.finditer(name))


def name_of_block(name: str, block: int | None) -> str:
    """The name itself, with the number of a block where there are blocks."""
    return _MARK.sub(lambda mark: "%" if mark[1] == "%" else str(block), name)


def blocks_of(pattern: str, names: Iterable[str]) -> list[int]:
    """Numbers of the blocks that are there, of the names in a folder or group."""
    parts = _MARK.split(pattern)
    text = "".join(re.escape(part) if k % 2 == 0 else "%" if part == "%" else r"(\d+)" for k, part in enumerate(parts))
    found = (re.fullmatch(text, name) for name in names)
    return sorted(int(match[1]) for match in found if match is not None and match.groups())


def points(space: Any, shape: tuple[int, ...]) -> int:
    """How many values of an array a selection has, as far as the array goes."""
    count = 1
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        for n in shape:
            count *= n
        return count
    if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        return space.get_select_npoints()
    for n, (start, stride, times, block) in zip(shape, _axes(space), strict=False):
        whole, rest = divmod(max(0, n - start), stride)
        if _endless(block):
            count *= max(0, n - start)
        elif _endless(times) or times > whole:
            count *= whole * block + min(rest, block)
        else:
            count *= times * block
    return count


def block_points(space: Any, shape: tuple[int, ...]) -> int:
    """The same of one block of a selection without end."""
    if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        return points(space, shape)
    count = 1
    for _, _, times, block in _axes(space):
        count *= block * (1 if _endless(times) else times)
    return count


def _axes(space: Any) -> list[tuple[int, int, int, int]]:
    return list(zip(*space.get_regular_hyperslab(), strict=True))


def _endless(count: int) -> bool:
    return count >= h5py.h5s.UNLIMITED
