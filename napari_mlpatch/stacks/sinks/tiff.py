"""TIFF: a folder with a file for each slice, or one file with all of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch.core.files import clean_up, replace_bytes, replacing_file
from napari_mlpatch.io.writers.tiff import resolution

from ..planes import Planes
from .in_place import InPlace
from .sink import KEY, Sink, Volume

RUN = "stack.json"
NOTED = b'"complete": false', b'"complete": true '
"""In the description of one TIFF: equally long, and the first thing in it."""


class TiffFolder(Sink):
    """``slice_00000.tif`` and so on, and ``stack.json`` with what they were made from."""

    def create(self, volume: Volume) -> None:
        Path(os.path.realpath(self.path)).mkdir(exist_ok=True)  # a link may lead where nothing is yet
        self._note(volume.notes, complete=False)

    def write(self, start: int, x: np.ndarray) -> None:
        import tifffile

        about = self.about() or {}
        size = {"pixel_size": about.get("spacing", [None])[-1], "unit": about.get("unit") or None}
        for k, picture in enumerate(x):
            text = json.dumps({KEY: about.get("identity", ""), "slice": start + k, **size})
            with replacing_file(self._file(start + k)) as temporary:
                tifffile.imwrite(
                    temporary,
                    picture,
                    photometric="minisblack",
                    description=text,
                    metadata=None,
                    **resolution(size),
                )

    def about(self) -> dict[str, Any] | None:
        try:
            found = json.loads((self.path / RUN).read_bytes())[KEY]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if isinstance(found, dict) else None

    def levels(self, about: dict[str, Any]) -> tuple[Planes, ...]:
        import tifffile

        shape = tuple(about["shape"])

        def read(index: int) -> np.ndarray:
            file = self._file(index)
            return tifffile.imread(file) if file.exists() else np.zeros(shape[1:], np.float32)

        return (Planes(shape, read),)

    def tidy(self, start: int, stop: int) -> None:
        clean_up(self.path)

    def discard(self, start: int, stop: int) -> None:
        self.tidy(start, stop)
        for index in range(start, stop):
            self._file(index).unlink(missing_ok=True)

    def finishing(self) -> Iterator[float]:
        self._note(self.about() or {}, complete=True)
        yield 1.0

    def parts(self) -> Iterator[Path]:
        """Only files that such a run has written: whatever else is in the folder stays."""
        yield from self.path.glob("slice_[0-9]*.tif")
        yield self.path / RUN

    def remove(self) -> None:
        for file in self.parts():
            file.unlink(missing_ok=True)
        clean_up(self.path)

    def _file(self, index: int) -> Path:
        return self.path / f"slice_{index:05}.tif"

    def _note(self, about: dict[str, Any], complete: bool) -> None:
        replace_bytes(self.path / RUN, json.dumps({KEY: {**about, "complete": complete}}, indent=1).encode())


class TiffFile(InPlace):
    """One (Big)TIFF, uncompressed, pages one after the other; what it was made from is the first page's description."""

    def make(self, temporary: Path, volume: Volume) -> None:
        import tifffile

        size = {"pixel_size": volume.spacing[-1], "unit": volume.unit or None}
        about = {"complete": False, "shape": volume.shape, "spacing": volume.spacing, **size}
        tifffile.imwrite(
            temporary,
            shape=volume.shape,
            dtype="<f4",
            byteorder="<",
            bigtiff=volume.bytes > 2**31,
            photometric="minisblack",
            description=json.dumps({**about, KEY: volume.notes}),
            metadata=None,
            **resolution(size),
        )

    def layout(self) -> tuple[int, tuple[int, ...], np.dtype]:
        import tifffile

        with tifffile.TiffFile(self.path) as file:
            shape = tuple(json.loads(file.pages[0].tags.valueof("ImageDescription"))["shape"])  # type: ignore
            return file.pages[0].dataoffsets[0], shape, np.dtype("<f4")

    def about(self) -> dict[str, Any] | None:
        import tifffile

        try:
            with tifffile.TiffFile(self.path) as file:
                found = json.loads(file.pages[0].tags.valueof("ImageDescription"))  # type: ignore
                return {**found[KEY], "complete": found["complete"] is True}
        except Exception:  # of another program, or damaged
            return None

    def finishing(self) -> Iterator[float]:
        """Note it in the description, which keeps its length."""
        import tifffile

        with tifffile.TiffFile(self.path) as file:
            tag = file.pages[0].tags["ImageDescription"]  # type: ignore[union-attr]
            place = tag.valueoffset
            file.filehandle.seek(place)
            text = file.filehandle.read(tag.count)
        noted = text.replace(*NOTED, 1)
        with self.path.open("r+b") as stream:
            stream.seek(place)
            stream.write(noted)
            stream.flush()
            os.fsync(stream.fileno())
        yield 1.0
