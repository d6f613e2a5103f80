"""Which failures may be gone when the same thing is tried again."""

from __future__ import annotations

import errno
import re

from napari_mlpatch.core.budget import is_out_of_memory

LASTING = {
    getattr(errno, name)
    for name in ("ENOENT", "EACCES", "EPERM", "ENOTDIR", "EISDIR", "EINVAL", "EROFS", "ENAMETOOLONG", "ELOOP")
}
"""Errors of the system that stay what they are until a person does something."""
TOLD = re.compile(r"\berrno = (\d+)")
"""How HDF5 tells an error of the system; one of damaged data has no number."""


def is_passing(error: BaseException) -> bool:
    """Whether a disk, a network or missing memory was the cause, rather than what the data hold."""
    seen: BaseException | None = error
    while seen is not None:
        told = TOLD.search(str(seen)) if isinstance(seen, OSError) else None
        number = int(told[1]) if told else seen.errno if isinstance(seen, OSError) else None
        if is_out_of_memory(seen) or (number is not None and number not in LASTING):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
