"""Catalogues of sheared galaxies, as surveys publish them: the mean shear in each pixel."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from napari_mlpatch.core.errors import InputError

from ..angle_words import DEGREES, alone, states_nothing, unit_in
from ..option_phrases import option

GALAXIES = 4.0  # for each pixel of a map that is made from a catalogue
SIZES = (8, 2048)
HOURS = ("h", "hr", "hrs", "hour", "hours", "hourangle")
CURVED = 0.1
"""Difference of the lengths of a degree of right ascension in a field, of the longest."""
IMPOSSIBLE = 9.0  # of pixels of a map: -99 and the like mark what is not there
LARGEST = 1.0  # of a galaxy's ellipticity or reduced shear

SHEAR = ("gamma", "g", "e", "shear", "eps", "epsilon", "ellip", "ell", "mcalg", "mcale", "gammaobs", "eiso")
USUAL: dict[str, tuple[str, ...]] = {
    "dec": ("dec", "decl", "declination", "delta", "decj2000", "dej2000", "deltaj2000", "decdeg", "dedeg", "de", "y"),
    "ra": ("ra", "rightascension", "alpha", "raj2000", "alphaj2000", "radeg", "x"),
    "g1": tuple(f"{word}1" for word in SHEAR),
    "g2": tuple(f"{word}2" for word in SHEAR),
    "weight": (
        *("weight", "weights", "w", "wt", "shapeweight", "weightshape", "lensfitweight", "weightlensfit"),
        *("shearweight", "wlensfit", "recalweight", "wei", "wgt", "lensweight", "sourceweight"),
        *("invvar", "inversevariance", "invvariance", "ivar", "ivw", "invsigma2", "shearivar", "ivarshear"),
    ),
    "flag": ("flag", "flags", "shapeflag", "flagshape", "shapeflags", "maskflag", "mask"),
}
"""Columns by what they hold: names in lower case without underscores, in the order in which they are tried."""

NEEDED = {"dec": "dec (or y)", "ra": "ra (or x)", "g1": "gamma1", "g2": "gamma2"}
ON_SKY = tuple(name for name in USUAL["ra"] if name != "x")


def binned(
    path: Path, table: dict[str, np.ndarray], units: dict[str, str], named: str | None = None
) -> tuple[list[np.ndarray], float | None, list[str]]:
    """Mean shear of the galaxies in each pixel, the pixels' size in arcmin (None: not on the sky), and notes.

    ``named`` says which column is which, "ra=ALPHA, g1=e1, weight=w" (of ra, dec, g1, g2, weight, flag; "none" leaves
    weight or flag out); others are found by their usual names. Galaxies of weight zero, with a flag other than zero,
    with NaN, or with ``|g| > 1``, which no shear has (marks such as -99), are left out; the mean is weighted. Columns
    of numbers that were not used are named. Raises InputError.
    """
    names = _names(path, table, named)
    used = {what: np.asarray(table[name], float).ravel() for what, name in names.items()}
    keep = np.ones(used["g1"].size, bool)
    notes = []
    place = np.isfinite(used["ra"]) & np.isfinite(used["dec"])
    shape = np.isfinite(used["g1"]) & np.isfinite(used["g2"])
    possible = np.hypot(used["g1"], used["g2"]) <= LARGEST
    rules = [("with NaN or infinite values", place & shape)]
    if "weight" in used:
        rules.append((f"of weight zero ({names['weight']})", ~(used["weight"] <= 0) & ~np.isnan(used["weight"])))
        rules.append((f"of infinite weight ({names['weight']})", np.isfinite(used["weight"])))
    if "flag" in used:
        rules.append((f"with a flag ({names['flag']})", used["flag"] == 0))
    rules.append(("of shear beyond 1, which is impossible (such as marks of -99),", possible))
    for what, good in rules:
        out = int(np.count_nonzero(keep & ~good))
        if out:
            notes.append(f"{out} of {keep.size} galaxies {what} left out")
        keep &= good
    if not keep.any():
        raise InputError(f"No galaxy of the table in {path} is usable: {'; '.join(notes)}. Give {option('columns')}.")
    values = {what: v[keep] for what, v in used.items()}
    weight = values.get("weight", np.ones(int(keep.sum())))
    on_sky = _key(names["ra"]) in ON_SKY or (named is not None and _key(names["ra"]) not in ("x", "y"))
    row, column, more = _places(values, {what: units.get(name, "") for what, name in names.items()}, on_sky)
    planes, pixel, count = _pixels(path, row, column, values, weight, names)
    kind = f"mean weighted by {names['weight']}" if "weight" in names else "mean"
    columns = ", ".join(f"{what} from {name}" for what, name in names.items())
    notes = [
        f"{row.size} galaxies, {row.size / count:.3g} for each pixel: {kind} of {names['g1']} and {names['g2']}, rows "
        f"by increasing {names['dec']}, columns by increasing {names['ra']}. If mass comes out negative, the catalogue "
        "counts shear the other way round: change the operator's signs",
        f"columns: {columns}",
        *notes,
        *more,
        *_unused(table, set(names.values())),
    ]
    return planes, pixel if on_sky else None, notes


def _names(path: Path, table: dict[str, np.ndarray], named: str | None) -> dict[str, str]:
    found: dict[str, str] = {}
    listed = ", ".join(table) or "no numbers"
    given = _given(named)
    for what in USUAL:
        if given.get(what, "").lower() == "none" and what not in NEEDED:
            continue
        name = given.get(what) or _usual(table, what)
        if name is not None and name not in table:
            name = next((column for column in table if column.lower() == name.lower()), None)
        if name is None and (what in NEEDED or what in given):
            wanted = given.get(what) or NEEDED[what]
            raise InputError(
                f"The table in {path} has no column {wanted}. It has: {listed}. "
                f"Say which is which with {option('columns')}, such as ra=RAJ2000,dec=DEJ2000,g1=e1,g2=e2,weight=w."
            )
        if name is not None:
            found[what] = name
    return found


def _unused(table: dict[str, np.ndarray], used: set[str]) -> list[str]:
    """A note that names the columns of numbers which were left alone, for a weight or a flag may be among them."""
    left = [name for name, values in table.items() if name not in used and np.asarray(values).dtype.kind in "biuf"]
    listed = ", ".join(left[:12]) + (", ..." if len(left) > 12 else "")
    say = f"if one is a weight or a flag, say so with {option('columns')}, such as weight="
    return [f"columns not used: {listed}; {say}{left[0]}"] if left else []


def _given(named: str | None) -> dict[str, str]:
    given = {}
    for part in filter(None, (part.strip() for part in (named or "").split(","))):
        what, mark, name = (word.strip() for word in part.partition("="))
        if not mark or not name or what.lower() not in USUAL:
            raise InputError(f"columns is a list such as ra=RAJ2000,g1=e1, of {', '.join(USUAL)}; got {part!r}.")
        given[what.lower()] = name
    return given


def _usual(table: dict[str, np.ndarray], what: str) -> str | None:
    keys = {_key(name): name for name in reversed(table)}
    return next((keys[name] for name in USUAL[what] if name in keys), None)


def _key(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")


def _places(
    values: dict[str, np.ndarray], units: dict[str, str], on_sky: bool
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Rows and columns, on the sky in arcmin on the tangent plane, right ascension without its jump at 360 degrees."""
    row, column, notes = values["dec"], values["ra"], []
    if not on_sky:
        return row, column, notes
    row, more = _in_degrees(row, units["dec"], "declination")
    column, also = _in_degrees(column, units["ra"], "right ascension")
    notes += dict.fromkeys(filter(None, (more, also)))
    if float(np.abs(row).max()) > 90.0:
        raise InputError(
            f"Declinations go from {row.min():.6g} to {row.max():.6g} degrees, but none lies beyond 90. Correct the "
            f"column's unit, or give {option('columns')}."
        )
    if float(np.cos(np.radians(row)).min()) < (1.0 - CURVED) * float(np.cos(np.radians(row)).max()):
        notes.append(
            "the field is so wide, or so near a pole, that its map is stretched: the sky is taken as flat, of the mean "
            "declination"
        )
    around = column[0]
    column = 60.0 * ((column - around + 180.0) % 360.0 - 180.0) * math.cos(math.radians(float(row.mean())))
    return 60.0 * row, column, notes


def _in_degrees(values: np.ndarray, unit: str, what: str) -> tuple[np.ndarray, str]:
    """Positions on the sky in degrees and a note, "" where they are in degrees as the table says."""
    word = unit.strip().lower()
    if word in HOURS and what == "right ascension":
        return 15.0 * values, f"{what} converted from hours"
    if states_nothing(word):
        return values, "positions taken in degrees, as no unit is stated"
    known = alone(word) or unit_in(word)
    if known is None or known in ("turns", "gon"):
        raise InputError(
            f"The unit {unit.strip()[:40]!r} of {what} is not known: degrees, radians, arcmin, arcsec, mas, or hours "
            "of right ascension are."
        )
    if known == "degrees":
        return values, ""
    return values * (DEGREES[known] if known in DEGREES else math.degrees(1.0)), f"positions converted from {known}"


def _pixels(
    path: Path,
    row: np.ndarray,
    column: np.ndarray,
    values: dict[str, np.ndarray],
    weight: np.ndarray,
    names: dict[str, str],
) -> tuple[list[np.ndarray], float, int]:
    extent = float(np.ptp(row)), float(np.ptp(column))
    if min(extent) <= 0:
        raise InputError(f"All galaxies in {path} lie on one line: {names['dec']}, {names['ra']} have no extent.")
    pixel = math.sqrt(extent[0] * extent[1] * GALAXIES / row.size)
    pixel = min(max(pixel, max(extent) / SIZES[1]), min(extent) / SIZES[0])
    sizes = _fitting(extent, pixel)
    sides = [e / n for e, n in zip(extent, sizes, strict=True)]
    at = [
        np.minimum((v - v.min()) / side, n - 1).astype(int)
        for v, side, n in zip((row, column), sides, sizes, strict=True)
    ]
    total = np.zeros(sizes)
    np.add.at(total, tuple(at), weight)
    planes = []
    for component in ("g1", "g2"):
        plane = np.zeros(sizes)
        np.add.at(plane, tuple(at), weight * values[component])
        planes.append(np.divide(plane, total, out=plane, where=total > 0))
    return planes, math.sqrt(sides[0] * sides[1]), total.size


def _fitting(extent: tuple[float, float], pixel: float) -> tuple[int, int]:
    """Rows and columns that fill the field with pixels of about that side, as square as they can be.

    The transform takes the field for a period, so that rows and columns that are filled in part would shift all waves.
    """

    def unlike(sizes: tuple[int, int]) -> tuple[float, float]:
        sides = [e / n for e, n in zip(extent, sizes, strict=True)]
        return round(abs(math.log(sides[0] / sides[1])), 2), abs(math.log(sides[0] * sides[1] / pixel**2))

    rows = [round(extent[0] / pixel * (1 + step / 100)) for step in range(-10, 11)]
    columns = [round(n * extent[1] / extent[0]) for n in rows]
    possible = [(n, m) for n, m in zip(rows, columns, strict=True) if SIZES[0] <= min(n, m) and max(n, m) <= SIZES[1]]
    nearest = tuple(min(max(round(e / pixel), SIZES[0]), SIZES[1]) for e in extent)
    return min([(nearest[0], nearest[1]), *possible], key=unlike)
