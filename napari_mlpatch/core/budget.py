"""How much memory may be asked for: counted before anything is allocated."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from contextlib import suppress

from .errors import InputError

VARIABLE = "MLPATCH_MEMORY_GB"
SHARE = 0.8
"""Of the free memory: the rest is left to the system, and to what else runs."""
UNKNOWN = 8 * 2**30
"""Bytes, where the system does not say how much is free."""


def limit() -> int:
    """Bytes that may be allocated at once: what MLPATCH_MEMORY_GB says, else a share of what is free now."""
    given = os.environ.get(VARIABLE, "")
    try:
        if given and 0 < float(given) < math.inf:
            return int(float(given) * 2**30)
    except ValueError:
        pass
    free = [bytes_ for bytes_ in (_free(), _address_space()) if bytes_ is not None]
    return int(SHARE * min(free, default=UNKNOWN))


def bytes_of(shape: Iterable[int], itemsize: int) -> int:
    """Bytes of an array, in whole numbers of any size: no product wraps around."""
    return math.prod(max(int(n), 0) for n in shape) * int(itemsize)


def reserve(count: int, what: str, advice: str = "Use a smaller one, or a part of it.") -> int:
    """``count``, after making sure that so many bytes may be allocated. Raises InputError, before anything is.

    ``what`` begins the message: "The picture x.png".
    """
    most = limit()
    if count > most:
        raise InputError(
            f"{what} needs {in_words(count)} of memory, of which {in_words(most)} may be used here. {advice}"
        )
    return count


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, NumPy, PyTorch (which raises RuntimeError, too) or a library is one of memory."""
    text = str(error).lower()
    known = ("not enough memory", "can't allocate memory", "out of memory", "alloc_failed", "unable to allocate")
    named = type(error).__name__ == "OutOfMemoryError"  # without loading PyTorch
    return isinstance(error, MemoryError) or named or any(words in text for words in known)


def in_words(count: int) -> str:
    """Bytes in a readable unit, also of numbers beyond those of floating point."""
    if count < 2**30:
        return f"{count / 2**20:.3g} MiB"
    return f"{count / 2**30:.4g} GiB" if count < 2**60 else "more than 10^9 GiB"


def _free() -> int | None:
    """Memory that the system could give without swapping, also where a container has less than the machine."""
    found = []
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            found += [int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable:")]
    except (OSError, ValueError, IndexError):
        with suppress(AttributeError, OSError, ValueError):
            found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    found += _of_container()
    return min(found, default=None)


def _of_container() -> list[int]:
    """What is left of the memory of a control group, where one is set."""
    for most, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            with open(most, encoding="ascii") as first, open(used, encoding="ascii") as second:
                return [max(int(first.read()) - int(second.read()), 2**28)]
        except (OSError, ValueError):  # none of that version, or no limit ("max")
            continue
    return []


def _address_space() -> int | None:
    """What is left under ``ulimit -v``, None where there is no limit."""
    try:
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most == resource.RLIM_INFINITY:
            return None
        with open("/proc/self/statm", encoding="ascii") as file:
            return max(most - int(file.read().split()[0]) * resource.getpagesize(), 0)
    except (ImportError, OSError, ValueError, IndexError):
        return None
