"""All arrays of an HDF5 file: through hard, soft and external links, and virtual ones, with nothing read unasked.

Other files are opened only from the folder of the first one, or with the user's word. What leads nowhere is kept with
the reason, because the library reads zeros where a source is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5o  # type: ignore[attr-defined]

from napari_mlpatch.core.errors import InputError

from .. import h5
from ..guard import reading
from ..number_types import is_complex, is_numeric
from ..option_phrases import option
from .h5_found import DeadEndError, Place, Tree
from .h5_stored import stored_in
from .h5_unwritten import missing_in, too_few
from .h5_virtual import block_points, blocks_of, is_pattern, name_of_block, points
from .names import IMAGE_KEY
from .names import key as plain

MOST = 20_000  # names
ZEROS = "The library would read zeros there: write them, or cut the array to what was measured."
PATHS = 4  # to a group, whose arrays are listed under each
DEEPEST = 40  # groups in groups, links behind links


def read_tree(path: Path, outside_links: bool = False, hidden: str = "") -> Tree:
    """Walk through a file, but for names of its root that begin with ``hidden``. Raises InputError for damaged ones."""
    with reading(path, "HDF5"), ExitStack() as opened:
        walk = _Walk(path, outside_links, opened, hidden)
        root = Place(path, "", walk.file(path))
        walk.tree.groups[""] = (path, "")
        walk.visit(root, "", ())
        return walk.tree


class _Walk:
    def __init__(self, path: Path, outside_links: bool, opened: ExitStack, hidden: str):
        self.tree, self.outside, self.opened = Tree(path), outside_links, opened
        self.files: dict[Path, h5py.File] = {}
        self.hidden = hidden
        self.visits: dict[Any, int] = {}
        self.unfilled: dict[Any, int] = {}
        self.count = 0

    def file(self, path: Path) -> h5py.File:
        if path not in self.files:
            if len(self.files) >= 500:
                raise DeadEndError("links to more than 500 other files")
            self.files[path] = self.opened.enter_context(h5py.File(path, "r"))
            self.tree.files.add(path)
        return self.files[path]

    def visit(self, place: Place, prefix: str, above: tuple[Any, ...]) -> None:
        """Note all that is in a group; ``above`` are the groups that it is in, for links that lead round."""
        above = (*above, _identity(place))
        for key in place.item:
            if self.hidden and not prefix and key.startswith(self.hidden):
                continue
            self.count += 1
            if self.count > MOST or len(above) > DEEPEST:
                raise InputError(
                    f"{self.tree.path} has more than {MOST} names or groups more than {DEEPEST} deep: too many."
                )
            name = f"{prefix}{key}"
            try:
                inner = self.step(place, key, 0)
                if isinstance(inner.item, h5py.Group):
                    self.tree.groups[name] = (inner.file, inner.name)
                    known = _identity(inner)
                    self.visits[known] = self.visits.get(known, 0) + 1
                    if known not in above and self.visits[known] <= PATHS:
                        self.visit(inner, f"{name}/", above)
                elif isinstance(inner.item, h5py.Dataset):
                    self.note(name, inner)
            except DeadEndError as error:
                self.tree.dead[name] = str(error)

    def step(self, place: Place, key: str, hops: int) -> Place:
        """What is under a name of a group, links followed by hand, so that none is followed unseen."""
        if hops > DEEPEST:
            raise DeadEndError("is a link that leads round.")
        if not isinstance(place.item, h5py.Group):
            raise DeadEndError(f"is a link through {place.name!r}, which is no group.")
        link = place.item.get(key, getlink=True)
        if isinstance(link, h5py.HardLink):
            return Place(place.file, f"{place.name}/{key}", place.item[key])
        if isinstance(link, h5py.SoftLink):
            start = Place(place.file, "", self.file(place.file)) if link.path.startswith("/") else place
            return self.locate(start, link.path, hops + 1)
        if isinstance(link, h5py.ExternalLink):
            file = self.other(place.file, link.filename)
            return self.locate(Place(file, "", self.root(file)), link.path, hops + 1)
        raise DeadEndError("is a link of an unknown kind." if link is not None else "does not exist.")

    def locate(self, place: Place, path: str, hops: int) -> Place:
        for key in path.split("/"):
            if key in ("", "."):
                continue
            if isinstance(place.item, h5py.Group) and place.item.get(key, getlink=True) is None:
                where = "" if place.file == self.tree.path else f" of {place.file.name!r}"
                raise DeadEndError(f"is a link to {path!r}{where}, which does not exist.")
            place = self.step(place, key, hops)
        return place

    def root(self, file: Path) -> h5py.File:
        try:
            return self.file(file)
        except OSError as error:
            raise DeadEndError(f"is in {str(file)!r}, which cannot be opened as HDF5 ({str(error)[:100]}).") from None

    def other(self, start: Path, name: str) -> Path:
        """The other file of that name: beside the one that names it, never elsewhere without the user's word."""
        given = Path(name)
        beside = start.parent / given.name
        found = beside if given.is_absolute() and not given.exists() and beside.exists() else start.parent / given
        folder = self.tree.path.parent.resolve()
        if not self.outside and not found.resolve().is_relative_to(folder):
            raise DeadEndError(
                f"is in {name!r}, outside of the folder of this file: give {option('outside_links', True)} "
                "if you trust it."
            )
        if not found.is_file():
            raise DeadEndError(f"is in {name!r}, which is missing: put it beside {start.name}, as {str(found)!r}.")
        return found

    def note(self, name: str, place: Place) -> None:
        item = place.item
        if item.shape is None:
            return
        if item.dtype.kind in "OSU" and item.size == 1:
            self.tree.texts[name] = (place.file, place.name)
        elif is_numeric(item.dtype) or (
            item.dtype.kind in "OSU" and plain(name) in IMAGE_KEY
        ):  # frames' kinds in words
            size, missing = self.size_of(place, 0), missing_in(item)
            if missing and (not is_complex(item.dtype) or "never" in missing):
                raise DeadEndError(f"{missing} {ZEROS}")
            if missing:  # k-space that was not measured there
                self.tree.notes.append(f"{name!r} {missing} It is taken as zero, not measured")
            self.tree.arrays[name] = stored_in(place.file, place.name, item, size, _identity(place))
            empty = self.unfilled.get(_identity(place), 0)
            if empty:
                self.tree.notes.append(
                    f"{name!r} is put together from other arrays, which leave {empty} of its {item.size} values open: "
                    f"there it is {item.fillvalue}"
                )
        elif item.dtype.names is not None:
            self.tree.records[name] = (place.file, place.name)
        elif h5py.check_ref_dtype(item.dtype) is h5py.Reference and _is_of_matlab(item):
            self.cells(name, place)

    def cells(self, name: str, place: Place) -> None:
        """The arrays that MATLAB's cells point to, as "name{1}" and so on, in MATLAB's order."""
        self.count += place.item.size
        if self.count > MOST or name.count("{") >= 3:
            raise DeadEndError(f"is a cell array of more than {MOST} entries, or too deep.")
        for number, reference in enumerate(np.asarray(place.item[()]).ravel(), 1):
            target = place.item.file[reference] if reference else None
            if isinstance(target, h5py.Dataset) and target.name:
                self.note(f"{name}{{{number}}}", Place(place.file, target.name.lstrip("/"), target))

    def size_of(self, place: Place, hops: int) -> int:
        """Bytes of all files that hold values of an array, every one of which is checked to be there."""
        item, size = place.item, place.file.stat().st_size
        if item.external:
            names = ", ".join(repr(str(part[0])) for part in item.external[:3])
            raise DeadEndError(f"has its values as raw bytes in {names}. Such files are not read: convert it.")
        if not item.is_virtual:
            return size
        filled = 0
        for part in item.virtual_sources():
            for block in self.blocks(place, part):
                more, values = self.source(place, part, block, hops)
                size, filled = size + more, filled + values
        self.unfilled[_identity(place)] = item.size - min(item.size, filled)
        return size

    def blocks(self, place: Place, part: Any) -> Iterable[int | None]:
        """Numbers of the blocks that a pattern of names stands for, [None] where the names are of one array."""
        if not is_pattern(part):
            return [None]
        if is_pattern(part.file_name):
            try:
                folder = self.other(place.file, name_of_block(part.file_name, 0)).parent
            except DeadEndError:
                return range(1)  # whose source says why
            names, pattern = (entry.name for entry in folder.iterdir()), Path(part.file_name).name
        else:
            file = place.file if part.file_name == "." else self.other(place.file, name_of_block(part.file_name, None))
            group, _, pattern = part.dset_name.strip("/").rpartition("/")
            names = self.locate(Place(file, "", self.root(file)), group, 0).item
        found = blocks_of(pattern, names)
        self.count += len(found)
        if self.count > MOST:
            raise DeadEndError(f"is put together from more than {MOST} arrays.")
        return range(max(found, default=0) + 1)  # the library stops at the first that is missing

    def source(self, place: Place, part: Any, block: int | None, hops: int) -> tuple[int, int]:
        """Bytes of the files of one source of a virtual array, and how many values it gives."""
        names = (name_of_block(part.file_name, block), name_of_block(part.dset_name, block))
        before = set(self.files)
        try:
            file = place.file if names[0] == "." else self.other(place.file, names[0])
            source = self.locate(Place(file, "", self.root(file)), names[1], hops + 1)
        except DeadEndError as error:
            raise DeadEndError(f"is put together from other arrays, of which {names[1]!r} {error}") from None
        if hops > DEEPEST or not isinstance(source.item, h5py.Dataset):
            raise DeadEndError(f"is put together from {names[1]!r}, which is no array.")
        size, shape = self.size_of(source, hops + 1), source.item.shape
        few = too_few(part, source.item) if block is None else ""
        if few:
            raise DeadEndError(f"is put together from other arrays: {few} {ZEROS}")
        missing = missing_in(source.item)
        if missing and not is_complex(source.item.dtype):
            raise DeadEndError(f"is put together from other arrays, of which {names[1]!r} {missing} {ZEROS}")
        wanted = points(part.vspace, place.item.shape) if block is None else block_points(part.vspace, place.item.shape)
        values = min(wanted, points(part.src_space, shape))
        if block is not None:
            for path in set(self.files) - before:  # of thousands of blocks, not all can stay open
                self.files.pop(path).close()
        return size, values


def _is_of_matlab(item: h5py.Dataset) -> bool:
    """Whether references are MATLAB's cells, or the fields of an array of structs."""
    parent: Any = item.parent
    return h5.attribute(item, "MATLAB_class") == "cell" or h5.attribute(parent, "MATLAB_class") == "struct"


def _identity(place: Place) -> Any:
    info = h5o.get_info(place.item.id)
    return place.file, info.addr
