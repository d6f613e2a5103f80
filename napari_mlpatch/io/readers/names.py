"""Usual names of what measurement files hold, and how arrays are found by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from napari_mlpatch.core.errors import InputError

from ..arrays import Stored

# In the order in which they are tried, in lower case and without underscores.
SINOGRAM = ("sinogram", "sino", "sinogramdata", "projections", "proj", "data", "y", "measurement")
ANGLES = {
    "anglesdeg": "degrees",
    "thetadeg": "degrees",
    "anglesdegrees": "degrees",
    "angledeg": "degrees",
    "anglesrad": "radians",
    "thetarad": "radians",
    "anglesradians": "radians",
    "angles": None,
    "angle": None,
    "theta": None,
    "thetas": None,
    "rotationangle": None,
    "rotationangles": None,
    "projectionangles": None,
    "tiltangles": None,
    "tiltangle": None,
    "omega": None,
}
ANGLE_AXES = frozenset((*ANGLES, "projection", "projections", "frame", "frames", "view", "views", "omega", "phi"))
BIN_AXES = frozenset(("x", "bin", "bins", "column", "columns", "u", "s", "detectorx"))
CENTER = ("center", "centre", "cor", "rotationcenter", "rotationcentre", "centerofrotation", "rotationaxis")
PICTURED = (
    *("openbeams", "whitefield", "whitefields", "bright", "brightfield", "brightfields", "flatimages", "whiteimages"),
)
"""Flat fields where they are pictures of the detector, or rows of it: as numbers these words mean much else."""
FIELD = (
    *("flat", "flats", "white", "whites", "datawhite", "flatfield", "flatfields", "flatfielddata", "i0", "openbeam"),
    *PICTURED,
)
SHADE = (*("dark", "darks", "datadark", "darkfield", "darkfields", "darkfielddata", "darkcurrent", "darkimages"),)
BEFORE = ("before", "pre", "start", "begin", "first", "beforescan", "prescan")
AFTER = ("after", "post", "end", "last", "afterscan", "postscan")
ALSO = (*BEFORE, *AFTER, "1", "2", "3")
FLAT = (
    *FIELD,
    *(f"{name}{more}" for more in ALSO for name in FIELD),
    *(f"{more}{name}" for more in ALSO for name in FIELD),
)
DARK = (
    *SHADE,
    *(f"{name}{more}" for more in ALSO for name in SHADE),
    *(f"{more}{name}" for more in ALSO for name in SHADE),
)
TIME = ("time", "times", "timestamp", "timestamps")
FLAT_TIMES = tuple(
    f"{one}{two}"
    for name in ("flat", "flats", "white", "datawhite")
    for t in TIME
    for one, two in ((t, name), (name, t))
)
SCAN_TIMES = (*TIME, *(f"{t}data" for t in TIME), *(f"data{t}" for t in TIME))
IMAGE_KEY = ("imagekey", "imagekeycontrol")
KSPACE = ("kspace", "ksp", "kdata", "kspacedata")
MASK = ("mask", "samplingmask", "kspacemask", "samplingpattern")


def key(name: str) -> str:
    """The last part of a path in small letters, without what people join words by."""
    last = name.replace(".", "/").split("/")[-1].lower()
    return "".join(letter for letter in last if letter not in "_- ")


def stem(name: str) -> str:
    """The word for a flat or dark field that the name of one begins or ends with, "" where it does with none."""
    plain = key(name)
    return max((f for f in (*FIELD, *SHADE) if plain.startswith(f) or plain.endswith(f)), key=len, default="")


def side(name: str) -> str | None:
    """Whether the name of a field says that it was taken "before" or "after" the scan."""
    plain, field = key(name), stem(name)
    rest = plain.removeprefix(field) if plain.startswith(field) else plain.removesuffix(field)
    return "before" if rest in BEFORE else "after" if rest in AFTER else None


def find(names: Iterable[str], wanted: Iterable[str], near: str = "") -> str | None:
    """The first of the names whose last part is a wanted one, tried in the order of ``wanted``.

    Of a file of several scans those count first that share the longest part of the path with ``near``.
    """
    order = {name: at for at, name in reversed(list(enumerate(wanted)))}
    fitting = [name for name in names if key(name) in order]
    return min(fitting, key=lambda name: (-_shared(name, near), order[key(name)]), default=None)


def find_all(arrays: Mapping[str, Stored], wanted: Iterable[str], near: str) -> list[str]:
    """All arrays under wanted names that are as near as the nearest, each once, in the order of ``wanted``."""
    order = {name: at for at, name in reversed(list(enumerate(wanted)))}
    fitting = sorted((name for name in arrays if key(name) in order), key=lambda name: order[key(name)])
    nearest = max((_shared(name, near) for name in fitting), default=0)
    found: dict[object, str] = {}
    for name in fitting:
        if _shared(name, near) == nearest:
            found.setdefault(arrays[name].identity or name, name)
    return list(found.values())


def chosen(path: Path, arrays: Mapping[str, Stored], dataset: str | None, prefer: str = "") -> tuple[str, str]:
    """The name of the sinogram, and a note where there was a choice. ``prefer`` is one that the file points to."""
    stacks = {name: array.shape for name, array in arrays.items() if array.is_stack}
    if dataset is not None:
        name = dataset.strip("/") if dataset not in arrays else dataset
        if name not in arrays:
            raise InputError(f"{path} has no array {dataset!r}. It has: {listed(stacks)}.")
        return name, ""
    if not stacks:
        shapes = {name: array.shape for name, array in arrays.items()}
        seen = listed(shapes) if shapes else "no numbers"
        raise InputError(f"{path} holds {seen}: no sinogram [angles, bins] and no stack of them.")
    usual = prefer if prefer in stacks else find(stacks, SINOGRAM)
    if usual is not None:
        same = {arrays[name].identity or name: name for name in reversed(stacks) if key(name) == key(usual)}
        same.pop(arrays[usual].identity or usual, None)
        others = same.values()
        note = f"of several arrays, {usual!r} is taken; others: {', '.join(sorted(others)[:5])} (option dataset)"
        return usual, note if others else ""
    fields = {*FLAT, *DARK}
    rest = {arrays[name].identity or name: name for name in reversed(stacks) if key(name) not in fields}
    if len(rest) != 1:
        raise InputError(f"{path} holds several arrays: {listed(stacks)}. Name the sinogram with the option dataset.")
    return next(iter(rest.values())), ""


def listed(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {list(shape)}" for name, shape in list(shapes.items())[:20]) or "none"


def _shared(name: str, near: str) -> int:
    """How many leading parts two paths have in common."""
    pairs = zip(name.split("/")[:-1], near.split("/")[:-1], strict=False)
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count
