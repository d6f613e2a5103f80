"""Numbers that tell scenes and results apart."""

from __future__ import annotations

import itertools

_ids = itertools.count(1)


def next_id() -> int:
    """A number that nothing else has in this process."""
    return next(_ids)
