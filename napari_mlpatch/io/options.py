"""How a measurement file is read: declared once, for Python, the command line, the window and recipes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG, explain, parameters
from napari_mlpatch.core.errors import InputError


def _option(description: str, **extra: Any) -> Any:
    """A field; ``extra`` has "metavar", "flag" where the command line calls it otherwise, and its "label" in forms."""
    return Field(description=description, json_schema_extra=extra)


@dataclass(frozen=True, config=CONFIG)
class LoadOptions:
    """What has to be known to look into a file. None, False: as the file says."""

    dataset: Annotated[str | None, _option("name of the sinogram in a file of several arrays", metavar="NAME")] = None
    angle_axis: Annotated[
        Literal["rows", "columns", "pages"] | None, _option("axis along which the angles run", label="angles along")
    ] = None
    angle_unit: Annotated[
        Literal["degrees", "radians"] | None,
        _option("unit of the angles, of those given as well as of the file's", label="unit of angles"),
    ] = None
    content: Annotated[
        Literal["sinogram", "shear"] | None, _option("what a FITS file holds, where its numbers leave it open")
    ] = None
    columns: Annotated[
        str | None, _option("columns of a catalogue: ra, dec, g1, g2, weight, flag", metavar="ra=NAME,...")
    ] = None
    kspace_axes: Annotated[
        str | None, _option("axes of k-space in their order, out of slices, coils, rows, columns", metavar="NAMES")
    ] = None
    in_corner: Annotated[
        Literal["frequency", "picture", "both"] | None,
        _option("k-space without fftshift: what is in the corner, zero frequency, the picture's middle, or both"),
    ] = None
    outside_links: Annotated[bool, _option("follow links of an HDF5 file to files outside of its own folder")] = False


@dataclass(frozen=True, config=CONFIG)
class ProblemOptions:
    """What has to be known to make a reconstruction problem of what a file holds. None, False: as the file says.

    ``angles_deg``: one for each row; a list, a range "start:stop:count" (stop excluded), or the path of a text
    file; degrees, unless the numbers or the file's words show that they are radians (see ``angle_unit``), which is
    noted. ``center``: bin of the rotation axis, "auto" to find it in the data; the default is what the file says,
    else the detector's middle. ``slice``: a number counted from 0, or "all"; the default is the middle one.
    ``image_shape``: rows and columns; the default is a square as wide as the detector. ``log``: whether to take
    -log(counts / flat); the default is yes for counts. ``flat``, ``dark``: a number, ``[bins]``, ``[frames,
    bins]``, ``[frames, slices, bins]`` or a file. ``clip_counts``: raise smaller counts to this before the log.
    ``outliers``: replace single samples that are so many standard deviations (10, say) off their neighbours and that no
    object explains, see ``find_outliers``; they are noted in any case. ``rings``: take off stripes narrower than half
    of so many bins, see ``remove_stripes``. ``views``: use these rows only, "start:stop:step" (a limited arc, or sparse
    views). ``detector_pitch`` (default 1) and ``pixel_size`` (default the pitch, as seen at the rotation axis): any
    unit of length, the same for all. ``source_to_axis`` and ``source_to_detector`` make it a fan beam, which files may
    say themselves; ``detector`` is "flat" (default) or "curved". ``rebin``: resample a fan beam to a parallel beam, an
    interpolation, with which iterations are faster.
    """

    angles_deg: Annotated[
        Any,
        _option(
            "degrees: a text file, a list, or start:stop:count (stop excluded)",
            flag="--angles",
            metavar="FILE|RANGE",
            label="angles",
        ),
    ] = None
    center: Annotated[Any, _option("bin of the rotation axis; auto finds it", metavar="BIN|auto", label="centre")] = (
        None
    )
    slice: Annotated[Any, _option("slice of a stack (the middle one)", metavar="I|all", label="slice")] = None
    image_shape: Annotated[
        tuple[int, int] | None,
        _option("size of the picture (as wide as the detector)", metavar="ROWSxCOLUMNS", label="image size"),
    ] = None
    log: Annotated[bool | None, _option("whether to take the logarithm (where data are counts)", label="logarithm")] = (
        None
    )
    flat: Annotated[Any, _option("counts without a sample", metavar="NUMBER|FILE", label="flat field")] = None
    dark: Annotated[Any, _option("counts without a beam", metavar="NUMBER|FILE")] = None
    clip_counts: Annotated[
        float | None, _option("raise smaller counts to N before the logarithm", metavar="N", label="clip counts")
    ] = None
    outliers: Annotated[
        float | None,
        _option(
            "replace single samples that are N standard deviations off their neighbours (10)",
            metavar="N",
            label="outliers",
        ),
    ] = None
    rings: Annotated[
        int | None, _option("take off stripes narrower than half of so many bins", metavar="BINS", label="rings")
    ] = None
    views: Annotated[
        str | None,
        _option("use these rows only: a limited arc, or sparse views", metavar="START:STOP:STEP", label="views"),
    ] = None
    detector_pitch: Annotated[
        float | None, _option("width of a detector bin (1)", metavar="LENGTH", label="detector pitch")
    ] = None
    pixel_size: Annotated[
        float | None, _option("side of a pixel (the width of a bin)", metavar="LENGTH", label="pixel size")
    ] = None
    source_to_axis: Annotated[
        float | None, _option("fan beam: distance from the source to the axis", metavar="LENGTH")
    ] = None
    source_to_detector: Annotated[
        float | None, _option("fan beam: distance from the source to the detector", metavar="LENGTH")
    ] = None
    detector: Annotated[Literal["flat", "curved"] | None, _option("fan beam: form of the detector (flat)")] = None
    rebin: Annotated[bool, _option("resample a fan beam to a parallel beam")] = False


def load_options(given: dict[str, Any]) -> LoadOptions:
    """Checked. Raises InputError for unknown names and values of a wrong type (they may come from a recipe)."""
    return _checked(LoadOptions, given)


def problem_options(given: dict[str, Any]) -> ProblemOptions:
    """Checked. Raises InputError for unknown names and values of a wrong type (they may come from a recipe)."""
    return _checked(ProblemOptions, given)


def names(declaration: type) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in parameters(declaration))


def given(options: LoadOptions | ProblemOptions) -> dict[str, Any]:
    """The options that say something else than the default."""
    values = {name: getattr(options, name) for name in names(type(options))}
    return {k: v for k, v in values.items() if v is not None and (v is not False or k == "log")}


def flag(name: str) -> str:
    """The option as the command line calls it."""
    return str(_about(name).get("flag") or f"--{name.replace('_', '-')}")


def metavar(name: str) -> str | None:
    return _about(name).get("metavar")


def label(name: str) -> str:
    """What the option's field in a form is called; "" where no form has it."""
    return str(_about(name).get("label", ""))


def _about(name: str) -> dict[str, Any]:
    fields = {**LoadOptions.__pydantic_fields__, **ProblemOptions.__pydantic_fields__}  # type: ignore[attr-defined]
    return fields[name].json_schema_extra


def refuse_unknown(values: Iterable[str], *declarations: type) -> None:
    """Raises InputError for names that none of the declarations has."""
    known = [name for declaration in declarations for name in names(declaration)]
    unknown = sorted(str(name)[:60] for name in set(values) - set(known))
    if unknown:
        raise InputError(f"Unknown option(s) {', '.join(unknown)}. Known: {', '.join(known)}.")


def _checked(declaration: Any, values: dict[str, Any]) -> Any:
    refuse_unknown(values, declaration)
    try:
        return declaration(**values)
    except ValidationError as error:
        raise InputError(f"How the file is to be read: {explain(error, declaration)}") from None
