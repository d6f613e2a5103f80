"""OME-Zarr, and plain Zarr arrays: sinograms, projections or pictures, chunk by chunk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.arrays import LARGEST_ITEM, Stored
from napari_mlpatch.io.guard import reading
from napari_mlpatch.io.measurement import Measurement
from napari_mlpatch.io.packing import Packing, fills, packing_of
from napari_mlpatch.io.precision import check_finite
from napari_mlpatch.io.readers.named import counts_note
from napari_mlpatch.io.stacked import slices

from ..source import Source, tuned_slice

if TYPE_CHECKING:
    from napari_mlpatch.core.recipe import Recipe


def open_zarr(path: Path, recipe: Recipe, options: dict[str, Any]) -> Source:
    """Level 0 of an OME-Zarr, the array itself, or the one that ``dataset`` names. Raises InputError.

    Of a recipe for CT it holds ``[slices, angles, bins]``, or with ``angle_axis`` "pages" projections ``[angles,
    slices, bins]``; else a picture in each page. As Zarr has it, chunks that are not there hold the fill value.
    """
    from .measurement import SCANNERS
    from .sinograms import SinogramStack

    with reading(path, "Zarr"):
        name, shape, kind, chunks, notes, packing = _level(path, options.get("dataset"))
    if len(shape) < 3 or any(n != 1 for n in shape[:-3]) or kind.kind not in "biuf":
        raise InputError(f"{path} holds {kind} of shape {list(shape)}. A stack has real numbers and three axes.")
    is_integer = kind.kind in "iu" and not (packing is not None and packing.is_scaled)
    stored = Stored(
        shape[-3:],
        lambda index: _read(path, name, index, packing),
        is_integer,
        ranges=True,
        pieces=chunks[-3:],
        itemsize=kind.itemsize if packing is None else LARGEST_ITEM,
    )
    making = {key: value for key, value in options.items() if key not in ("dataset", "angle_axis", "angle_unit")}
    if recipe.operator.name in SCANNERS:
        data = slices(stored, options.get("angle_axis") or "rows")
        if is_integer and making.get("flat") is None and not making.get("log"):
            notes += (counts_note(False, is_integer),)
        angle_unit = {"angle_unit": options["angle_unit"]} if "angle_unit" in options else {}
        return SinogramStack(Measurement(data, path, load_options=angle_unit, notes=notes), making, tuned_slice(recipe))
    return ZarrImages(path, stored, notes)


class ZarrImages(Source):
    """Each page ``[rows, columns]`` is a measurement of its own."""

    def __init__(self, path: Path, stored: Stored, notes: tuple[str, ...] = ()):
        super().__init__(path)
        self.notes = notes
        self._data = slices(stored, "rows")
        self.count, *shape = self._data.shape
        self.shape = tuple(shape)
        self.pieces.keep(self._data.sources)

    def read(self, start: int, stop: int) -> np.ndarray:
        with reading(self.path, "Zarr"):
            values = self._data.block(start, stop)
        for k, one in enumerate(values):
            check_finite(one, f"Slice {start + k} of {self.path.name} [row, column]", fills(self.notes))
        return values


def _level(
    path: Path, dataset: str | None
) -> tuple[str, tuple[int, ...], np.dtype, tuple[int, ...], tuple[str, ...], Packing | None]:
    """The array's name in the folder ("" for itself), shape, type, chunks, notes on those that are not there, and how
    it is packed."""
    import zarr

    found: Any = zarr.open(str(path), mode="r")
    name = ""
    if dataset is not None:
        name = dataset.strip("/")
    elif isinstance(found, zarr.Group):
        about: dict[str, Any] = dict(found.attrs.get("ome", found.attrs))  # type: ignore[call-overload]
        multiscales: Any = about.get("multiscales") or [{}]
        datasets = multiscales[0].get("datasets") or [{}]
        names = [key for key, _ in found.arrays()]
        name = datasets[0].get("path") or (names[0] if len(names) == 1 else "")
        if not name:
            listed = ", ".join(names) or "none"
            raise InputError(f"{path} holds several arrays or none ({listed}): name one with dataset.")
    array: Any = found[name] if name else found
    there, count = array.nchunks_initialized, array.nchunks
    notes = () if there >= count else (f"{count - there} of {count} chunks are not there: read as {array.fill_value}",)
    packing = packing_of(array.attrs.get, name)
    if packing is not None:
        packing.check()
        notes += tuple(filter(None, [packing.note(name)]))
    return name, tuple(array.shape), np.dtype(array.dtype), tuple(array.chunks), notes, packing


def _read(path: Path, name: str, index: Any, packing: Packing | None) -> np.ndarray:
    import zarr

    array: Any = zarr.open_array(str(path / name), mode="r")
    lead = (0,) * (array.ndim - 3)  # time and channel, of which there is one
    values = np.asarray(array[(*lead, *(index if isinstance(index, tuple) else (index,)))])
    return values if packing is None else packing.unpacked(values)
