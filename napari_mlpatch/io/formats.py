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

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import entry_points

from .guard import reading

if TYPE_CHECKING:
    from .measurement import Measurement
    from .options import LoadOptions

Reader = Callable[[Path, "LoadOptions"], "Measurement"]
_READERS = "napari_mlpatch.io.readers"
HEAD = 1024  # bytes that sniffers see


@dataclass(frozen=True)
class Format:
    """One kind of file.

    ``suffixes`` in lower case with their dot, for dialogs and for files dropped onto the window. ``sniff(path, head)``
    says whether a file is of this kind, from its first bytes, of a folder none. ``reader(path, options)`` looks into
    it; written "module:function" it is imported when it is needed. ``needs`` are modules that the reader imports and
    that come with ``install``, as pip calls it. ``folders``: whether it reads folders rather than files.
    ``picture``, "module:function" of a path: reads its picture ``[rows, columns]``, with notes, to simulate from.
    """

    name: str
    suffixes: tuple[str, ...]
    sniff: Callable[[Path, bytes], bool]
    reader: Reader | str
    needs: tuple[str, ...] = ()
    install: str = ""
    folders: bool = False
    picture: str = ""

    def load(self, path: Path, options: LoadOptions) -> Measurement:
        """Raises InputError where a package is not installed, and what the reader raises."""
        self.check_installed(path)
        reader = self.reader
        if isinstance(reader, str):
            module, _, name = reader.partition(":")
            reader = getattr(importlib.import_module(module), name)
        with reading(path, self.name):
            return reader(path, options)

    def open_picture(self, path: Path) -> tuple[np.ndarray, list[str]]:
        """The picture of a file to simulate from, and notes. Raises InputError."""
        self.check_installed(path)
        module, _, name = self.picture.partition(":")
        with reading(path, self.name):
            return getattr(importlib.import_module(module), name)(path)

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


def _later(name: str) -> Callable[[Path, bytes], bool]:
    """A sniffer "module:function" of the readers, imported when it is needed."""
    module, _, function = name.partition(":")
    return lambda path, head: getattr(importlib.import_module(f"{_READERS}.{module}"), function)(path, head)


def _is_matlab(path: Path, head: bytes) -> bool:
    if head.startswith(b"MATLAB"):
        return True
    return path.suffix.lower() == ".mat" and (_is_hdf5(path, head) or _is_matlab_4(head))


def _is_matlab_4(head: bytes) -> bool:
    """Type, rows, columns, whether complex, length of the name: the reader says how to save it anew."""
    for order in ("little", "big"):
        kind, rows, columns, is_complex, name = (int.from_bytes(head[i : i + 4], order) for i in range(0, 20, 4))
        if kind < 5000 and rows * columns and is_complex < 2 and 1 < name < 100:
            return True
    return False


def _is_hdf5(path: Path, head: bytes) -> bool:
    import h5py

    return h5py.is_hdf5(path)  # behind a user block as well


def _pictures(name: str, suffixes: tuple[str, ...], word: str, package: str) -> Format:
    """A kind of medical picture, to simulate from."""
    sniff, picture = _later(f"medical:is_{word}"), f"{_READERS}.medical:{word}_picture"
    return Format(name, suffixes, sniff, f"{_READERS}.medical:no_measurement", needs=(package,), picture=picture)


def is_tiff(path: Path, head: bytes) -> bool:
    """Not what is DICOM as well: its preamble may look like a TIFF file, and need not be one."""
    return head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")) and head[128:132] != b"DICM"


PICTURES = f"{_READERS}.array_picture"

FORMATS: tuple[Format, ...] = (
    Format("NPY", (".npy",), starts(b"\x93NUMPY"), f"{_READERS}.numpy_file:load_npy"),
    Format(
        "NPZ",
        (".npz",),
        starts(b"PK\x03\x04"),
        f"{_READERS}.numpy_file:load_npz",
        picture=f"{PICTURES}:npz_picture",
    ),
    Format("TIFF", (".tif", ".tiff"), is_tiff, f"{_READERS}.tiff:load_tiff"),
    Format("FITS", (".fits", ".fit", ".fits.gz"), _later("fits:is_fits"), f"{_READERS}.fits:load_fits"),
    Format("MATLAB", (".mat",), _is_matlab, f"{_READERS}.matlab:load_matlab", picture=f"{PICTURES}:matlab_picture"),
    Format(
        "MRC",
        (".mrc", ".mrcs", ".st", ".ali", ".rec"),
        _later("mrc:is_mrc"),
        f"{_READERS}.mrc:load_mrc",
        needs=("mrcfile",),
        picture=f"{_READERS}.mrc:mrc_picture",
    ),
    _pictures("DICOM", (".dcm",), "dicom", "pydicom"),
    _pictures("NIfTI", (".nii", ".nii.gz"), "nifti", "nibabel"),
    Format(
        "NetCDF",
        (".nc", ".cdf"),
        _later("netcdf:is_netcdf"),
        f"{_READERS}.netcdf:load_netcdf",
        picture=f"{PICTURES}:netcdf_picture",
    ),
    Format("BART", (".cfl", ".hdr"), _later("bart:is_bart"), f"{_READERS}.bart:load_bart"),
    # Without a suffix: dropped onto the window, a PNG is any picture.
    Format("PNG", (), starts(b"\x89PNG\r\n\x1a\n"), f"{_READERS}.planes:load_png"),
    Format("folder", (), _later("folder:is_folder_of_pictures"), f"{_READERS}.folder:load_folder", folders=True),
    Format(
        "HDF5",
        (".h5", ".hdf5", ".hdf", ".nxs"),
        _is_hdf5,
        f"{_READERS}.hdf5:load_hdf5",
        picture=f"{PICTURES}:hdf5_picture",
    ),
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
