"""Why slices could not be made, noted beside the markers: whoever opens the run again is told."""

from __future__ import annotations

import json
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

from napari_mlpatch.core.files import replace_bytes

FAILURES = "failures"
"""The file: a line for each reason, the newest last."""


def note(folder: Path, identity: str, slices: tuple[int, ...], message: str) -> None:
    """Slices of the run of this identity failed; where that cannot be written it is left out."""
    line = b"\n" + _line(identity, slices, message)  # begins one of its own, whatever a crash has torn before it
    with suppress(OSError), (folder / FAILURES).open("ab", buffering=0) as file:
        file.write(line)


def noted(folder: Path, identity: str, there: Container[int] = ()) -> dict[tuple[int, ...], str]:
    """The last reason of each slice that is not ``there``, by the slices that had it together. Damaged lines do not
    count."""
    last: dict[int, str] = {}
    try:
        lines = (folder / FAILURES).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            about = json.loads(line)
            if about["identity"] == identity:
                last |= {int(k): str(about["message"]) for k in about["slices"] if k not in there}
    reasons: dict[str, list[int]] = {}
    for k in sorted(last):
        reasons.setdefault(last[k], []).append(k)
    return {tuple(slices): message for message, slices in reasons.items()}


def forget(folder: Path, identity: str, there: Container[int]) -> None:
    """Leave only those of slices that are not ``there``."""
    kept = noted(folder, identity, there)
    with suppress(OSError):
        (folder / FAILURES).unlink(missing_ok=True)
        if kept:
            replace_bytes(folder / FAILURES, b"".join(_line(identity, *one) for one in kept.items()))


def _line(identity: str, slices: tuple[int, ...], message: str) -> bytes:
    about = {"identity": identity, "slices": [int(k) for k in slices], "message": message}
    return json.dumps(about).encode() + b"\n"
