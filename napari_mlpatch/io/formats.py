"""The kinds of files that measurements are read from, each declared once.

``load``, the file dialog, the window's drop reader and the manifest's patterns follow from this table. Other packages
add theirs through the entry point group ``napari_mlpatch.formats``: an entry is a ``Format`` or a list of them.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import entry_points

from .guard import reading

if TYPE_CHECKING:
    from .measurement import Measurement
    from .options import LoadOptions

Reader = Callable[[Path, "LoadOptions"], "Measurement"]
HEAD = 1024  # bytes that sniffers see


@dataclass(frozen=True)
class Format:
    """One kind of file.

    ``suffixes`` in lower case with their dot, for dialogs and for files dropped onto the window. ``sniff(path, head)``
    says whether a file is of this kind, from its first bytes, of a folder none. ``reader(path, options)`` looks into
    it; written "module:function" it is imported when it is needed. ``needs`` are modules that the reader imports and
    that come with ``install``, as pip calls it. ``folders``: whether it reads folders rather than files.
    """

    name: str
    suffixes: tuple[str, ...]
    sniff: Callable[[Path, bytes], bool]
    reader: Reader | str
    needs: tuple[str, ...] = ()
    install: str = ""
    folders: bool = False

    def load(self, path: Path, options: LoadOptions) -> Measurement:
        """Raises InputError where a package is not installed, and what the reader raises."""
        self.check_installed(path)
        reader = self.reader
        if isinstance(reader, str):
            module, _, name = reader.partition(":")
            reader = getattr(importlib.import_module(module), name)
        with reading(path, self.name):
            return reader(path, options)

    def check_installed(self, path: Path) -> None:
        missing = [name for name in self.needs if importlib.util.find_spec(name) is None]
        if missing:
            raise InputError(
                f"{path} is a {self.name} file, and reading it needs the package {', '.join(missing)}, which is not "
                f"installed: pip install {self.install or ' '.join(missing)}"
            )


def starts(*magic: bytes) -> Callable[[Path, bytes], bool]:
    """A sniffer of files that begin with one of these."""
    return lambda path, head: head.startswith(magic)


def _is_fits(path: Path, head: bytes) -> bool:
    from .readers.fits import is_fits

    return is_fits(path, head)


def _is_matlab(path: Path, head: bytes) -> bool:
    return head.startswith(b"MATLAB") or (path.suffix.lower() == ".mat" and _is_hdf5(path, head))


def _is_hdf5(path: Path, head: bytes) -> bool:
    return h5py.is_hdf5(path)  # behind a user block as well


_READERS = "napari_mlpatch.io.readers"
FORMATS: tuple[Format, ...] = (
    Format("NPY", (".npy",), starts(b"\x93NUMPY"), f"{_READERS}.numpy_file:load_npy"),
    Format("NPZ", (".npz",), starts(b"PK\x03\x04"), f"{_READERS}.numpy_file:load_npz"),
    Format("TIFF", (".tif", ".tiff"), starts(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), f"{_READERS}.tiff:load_tiff"),
    Format("FITS", (".fits", ".fit", ".fits.gz"), _is_fits, f"{_READERS}.fits:load_fits"),
    Format("MATLAB", (".mat",), _is_matlab, f"{_READERS}.matlab:load_matlab"),
    Format("HDF5", (".h5", ".hdf5", ".hdf", ".nxs"), _is_hdf5, f"{_READERS}.hdf5:load_hdf5"),
)
"""The built-in ones, in the order in which they are tried."""

BROKEN: dict[str, str] = {}
"""Entry points of other packages that failed, with the reason."""


@functools.cache
def formats() -> tuple[Format, ...]:
    """All kinds: the built-in ones first, so that no other package can take their files."""
    found = list(FORMATS)
    for entry in entry_points(group="napari_mlpatch.formats"):
        try:
            thing = entry.load()
            more = list(thing) if isinstance(thing, Iterable) else [thing]
            wrong = [item for item in more if not isinstance(item, Format)]
            if wrong:
                raise TypeError(f"{wrong[0]!r} is not a Format")
            found += more
        except (Exception, SystemExit) as error:  # what others broke must not take the readers down
            BROKEN[entry.name] = f"{type(error).__name__}: {error}"
    return tuple(found)


def suffixes() -> tuple[str, ...]:
    """Of all files that measurements are read from, each once, in the order of the table."""
    return tuple(dict.fromkeys(suffix for kind in formats() for suffix in kind.suffixes))


def format_of(path: Path) -> Format:
    """The kind of a file or folder. Raises InputError with the known suffixes."""
    is_folder = path.is_dir()
    head = b""
    if not is_folder:
        with reading(path, "a measurement"), path.open("rb") as file:
            head = file.read(HEAD)
    for kind in formats():
        if kind.folders == is_folder and kind.sniff(path, head):
            return kind
    listed = ", ".join(suffixes())
    if is_folder:
        raise InputError(f"{path} is a folder of no known kind. Give a file: {listed}.")
    if path.name.lower().endswith(suffixes()):
        raise InputError(f"{path} does not begin like a {path.suffix} file: it is damaged or of another kind.")
    if path.suffix.lower() in (".png", ".jpg", ".jpeg"):
        raise InputError(f"{path} is a picture, not a measurement. Load it as an image to simulate a measurement from.")
    raise InputError(f"{path} is of no known kind. Measurements are read from {listed}.")
