"""What is done of a run, on disk: a small file for each block beside the output, written after the block."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from napari_mlpatch.core.claim import HOLDER, LOCK
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import clean_up, is_temporary, read_text, reason_of, replace_bytes

from .blocks import Block
from .failures import FAILURES
from .pieces import is_copy

FORMAT = "napari-mlpatch stack 1"
RUN, WISH = "run.json", "wish"


class TakenError(InputError):
    """The output belongs to another run by now."""


class Markers:
    """The folder ``NAME.blocks`` beside an output ``NAME``; it is there only until everything is done."""

    def __init__(self, output: Path):
        self.folder = output.with_name(f"{output.name}.blocks")

    def about(self) -> dict[str, Any] | None:
        """What ``begin`` noted; None where no run has begun. Raises InputError for a folder of somebody else."""
        if not self.folder.exists():
            return None
        try:
            about = json.loads(read_text(self.folder / RUN, "The notes of the run"))
        except (InputError, ValueError, RecursionError):
            about = None
        if isinstance(about, dict) and about.get("format") == FORMAT:
            return about
        if self.folder.is_dir() and all(map(_is_ours, self.folder.iterdir())):
            return None  # killed as it began, or as it took its folder away
        raise InputError(f"{self.folder} is no folder of this program's markers. Choose another name for the output.")

    def begin(self, **about: Any) -> None:
        """Note what is run, ``created`` when the output is there. Raises InputError where it cannot be written."""
        try:
            self.folder.mkdir(exist_ok=True)
            clean_up(self.folder)
            replace_bytes(self.folder / RUN, json.dumps({"format": FORMAT, **about}).encode())
        except OSError as error:
            raise InputError(f"{self.folder} cannot be written: {reason_of(error)}.") from None

    def check(self, identity: str) -> None:
        """Raises TakenError where the output is no longer that of this run: its block would go into another's."""
        about = self.about()
        if about is not None and about.get("identity") != identity:
            raise TakenError(f"{self.folder.name} belongs to another run by now, so that nothing more is written.")

    def wish(self, wish: str | None) -> None:
        """Tell workers, of this machine or others, that the run is to end; None: that it goes on. Raises OSError."""
        if wish is None:
            (self.folder / WISH).unlink(missing_ok=True)
        else:
            replace_bytes(self.folder / WISH, wish.encode())

    def wished(self) -> str | None:
        """How the run is to end: "cancel" after a step, "stop" after the block that is computed now."""
        try:
            return "cancel" if (self.folder / WISH).read_bytes() == b"cancel" else "stop"
        except OSError:
            return None

    def mark(self, block: Block, identity: str, missed: Iterable[int] = ()) -> None:
        """A block is done, of the run of this identity, but for the slices ``missed``. Raises OSError."""
        about: dict[str, Any] = {"identity": identity, "slices": [block.start, block.stop]}
        lost = sorted(missed)
        replace_bytes(
            self.folder / f"{block.index:06}", json.dumps(about | ({"missed": lost} if lost else {})).encode()
        )

    def done(self, blocks: tuple[Block, ...], identity: str) -> set[Block]:
        """The blocks that are marked for the run of this identity; damaged markers count as none."""
        return {block for block in blocks if len(self.there(block, identity)) == len(block)}

    def there(self, block: Block, identity: str) -> frozenset[int]:
        """The slices of a block that are marked for the run of this identity."""
        try:
            found = json.loads((self.folder / f"{block.index:06}").read_bytes())
            missed = frozenset(found.pop("missed", ()))
        except (OSError, ValueError, AttributeError, TypeError):
            return frozenset()
        if found != {"identity": identity, "slices": [block.start, block.stop]}:
            return frozenset()
        return frozenset(range(block.start, block.stop)) - missed

    def clear(self, notes: bool = True) -> None:
        """Nothing is done, and no run has begun; who has the claim on the output keeps it. Raises OSError.

        Without ``notes`` these stay until ``begin``: killed in between, it is a run of which nothing is done. So do
        copies of the data, which are there before the output is.
        """
        for file in self.folder.iterdir() if self.folder.is_dir() else ():
            if file.name not in (LOCK, HOLDER) and (notes or not (file.name == RUN or is_copy(file.name))):
                file.unlink()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _is_ours(file: Path) -> bool:
    """Whether this program has written a file among the markers."""
    if file.name.isdecimal():
        with suppress(OSError):
            return file.read_bytes().startswith(b'{"identity"')
    return file.name in (LOCK, HOLDER, WISH, FAILURES) or is_copy(file.name) or is_temporary(file.name)
