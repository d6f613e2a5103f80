"""HDF5: Data Exchange and NXtomo files of beamlines, k-space, plain ones, and a door to the project's own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from napari_mlpatch.core.errors import InputError

from ..measurement import UNREAD_ANGLES, Measurement
from ..options import LoadOptions
from ..problem_file import GROUP, load_problem
from .h5_found import Tree
from .h5_tree import read_tree
from .ismrmrd import is_raw, load_ismrmrd
from .ismrmrd_header import header_of
from .layout import load_named
from .names import ANGLES, CENTER, DARK, FLAT, IMAGE_KEY, KSPACE, MASK, SINOGRAM, find, key

EXCHANGE = "exchange/data"
HEADER = "ismrmrd_header"


def load_hdf5(path: Path, options: LoadOptions) -> Measurement:
    """Read an HDF5 file of any supported layout; of large arrays only the slices that are asked for.

    Data Exchange: De Carlo et al., J. Synchrotron Rad. 21, 2014, ``/exchange/data`` ``[theta, y, x]`` and more.
    NXtomo: the NeXus application definition, ``image_key`` and ``rotation_angle`` beside the frames. fastMRI: Zbontar
    et al., arXiv:1811.08839, ``kspace`` ``[slices, coils, rows, columns]``. Raises InputError.
    """
    tree = read_tree(path, options.outside_links)
    if options.dataset is None:
        if GROUP in tree.groups:
            return load_problem(path)
        raw = is_raw(tree)
        if raw is not None:
            return load_ismrmrd(path, tree, raw, options.in_corner)
    check_alive(tree, options)
    has_kspace = any(key(name).startswith(KSPACE) for name in tree.arrays)  # also in two parts
    header = header_of(tree.text(HEADER)) if HEADER in tree.texts and has_kspace else None
    is_exchange = EXCHANGE in tree.arrays
    found = load_named(
        path,
        tree.arrays,
        options,
        prefer=EXCHANGE if is_exchange else _pointed_to(tree),
        usual_axis="pages" if is_exchange else "rows",
        coils_first=False,
        recon=None if header is None else header.recon_shape,
    )
    more = [header.resampled] if header is not None else []
    if header is not None and header.recon is None:
        more.append(f"{HEADER} does not say how large the picture is: all of k-space is used, oversampled or not")
    return dataclasses.replace(found, notes=(*found.notes, *filter(None, more), *_unread(tree), *tree.notes))


def _unread(tree: Tree) -> list[str]:
    """A note on each name that leads nowhere and would change the picture, where no other array has what it says."""
    alive = {key(name) for name in tree.arrays}
    kinds = {UNREAD_ANGLES: ANGLES, "not read: ": (*CENTER, *MASK)}
    return [
        f"{words}{name!r} {why}"
        for words, names in kinds.items()
        if not alive.intersection(names)
        for name, why in tree.dead.items()
        if key(name) in names
    ]


def check_alive(tree: Tree, options: LoadOptions) -> None:
    """A source that is missing is named: without it the picture would be another one. Raises InputError."""
    if options.dataset is not None:
        tree.check_alive([options.dataset.strip("/"), options.dataset.replace(".", "/")])  # MATLAB's fields
    data = () if options.dataset is not None else (*SINOGRAM, *KSPACE)
    alive = {key(name) for name in tree.arrays}
    wanted = {*data, *FLAT, *DARK, *IMAGE_KEY} - alive
    tree.check_alive([name for name in tree.dead if key(name) in wanted])
    if not any(array.is_stack or array.is_complex for array in tree.arrays.values()):
        tree.check_alive(tree.dead)
        if tree.records:
            listed = ", ".join(repr(name) for name in list(tree.records)[:5])
            raise InputError(
                f"{tree.path} holds records of several fields ({listed}), of which those are read as complex numbers "
                "that have two fields called real and imag, or r and i. Rename the fields, or save plain numbers."
            )


def _pointed_to(tree: Tree) -> str:
    """The array that a file of several points to: NeXus' attributes "default" and "signal"."""
    stacks = {array.identity: name for name, array in tree.arrays.items() if array.is_stack}
    if len(stacks) < 2:
        return ""
    group = ""
    for _ in range(5):
        default = tree.group_attribute(group, "default")
        inner = f"{group}/{default}".strip("/")
        if not isinstance(default, str) or inner not in tree.groups:
            break
        group = inner
    signal = tree.group_attribute(group, "signal")
    name = f"{group}/{signal}".strip("/")
    if isinstance(signal, str) and name in tree.arrays:
        return name
    inside = [name for name in tree.arrays if name.startswith(f"{group}/") and tree.arrays[name].is_stack]
    return (find(inside, SINOGRAM) or "") if group else ""
