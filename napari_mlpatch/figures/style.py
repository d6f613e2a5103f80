"""How a figure looks: declared once, for Python, the command line and the window."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG, build
from napari_mlpatch.core.registry import Registry

WIDTHS = {
    "nature-single": 89.0,
    "nature-double": 183.0,
    "ieee-single": 88.9,
    "ieee-double": 181.9,
    "elsevier-single": 90.0,
    "elsevier-double": 190.0,
    "slide": 254.0,
}
"""Widths of columns in mm, from the guides to authors."""
Region = tuple[int, int, int, int]
"""First row, last row (excluded), first column, last column (excluded)."""


styles = Registry("figure style", "napari_mlpatch.figures", "napari_mlpatch.figure_styles")


@styles.register("paper", title="Figure for a paper")
@dataclass(frozen=True, config=CONFIG)
class Style:
    """How a figure looks. None: chosen by the figure. Raises InputError for impossible values."""

    width: Annotated[
        Literal[
            "nature-single",
            "nature-double",
            "ieee-single",
            "ieee-double",
            "elsevier-single",
            "elsevier-double",
            "slide",
        ],
        Field(description="the column that the figure fills"),
    ] = "nature-double"
    width_mm: Annotated[
        float | None,
        Field(ge=20, le=1000, description="another width", json_schema_extra={"unit": "mm", "none_means": "column"}),
    ] = None
    columns: Annotated[int | None, Field(ge=1, le=50, description="pictures side by side")] = None
    colormap: Annotated[
        Literal["gray", "viridis", "magma", "inferno", "cividis", "gray_r"],
        Field(description="colours of the pictures"),
    ] = "gray"
    low: Annotated[float | None, Field(description="value of the darkest colour")] = None
    high: Annotated[float | None, Field(description="value of the brightest colour")] = None
    color_bar: Annotated[bool, Field(description="one colour bar for all pictures")] = True
    color_label: Annotated[str, Field(max_length=80, description="what the colours mean, with the unit")] = ""
    error_row: Annotated[bool, Field(description="errors below the pictures, where the truth is known")] = False
    error_limit: Annotated[float | None, Field(gt=0, description="largest error that has a colour of its own")] = None
    letters: Annotated[bool, Field(description="a, b, c before the labels")] = False
    scale_bar: Annotated[bool, Field(description="a scale bar, where the size of a pixel is known")] = True
    bar_length: Annotated[float | None, Field(gt=0, description="length of the scale bar, in its unit")] = None
    inset: Annotated[
        str | None,
        Field(description="region to enlarge in each picture, rows and columns as 40:72,100:132"),
    ] = None
    inset_corner: Annotated[
        Literal["lower right", "lower left", "upper right", "upper left"],
        Field(description="where it is shown enlarged"),
    ] = "lower right"
    inset_share: Annotated[
        float, Field(gt=0, le=0.8, description="width of the enlarged region, as a share of the picture's")
    ] = 0.4
    inset_color: Annotated[
        Literal["yellow", "red", "cyan", "lime", "white", "orange"], Field(description="colour of its frames")
    ] = "yellow"
    font_size: Annotated[float, Field(ge=3, le=40, description="letters", json_schema_extra={"unit": "pt"})] = 7.0
    dpi: Annotated[int, Field(ge=50, le=2400, description="dots per inch of PNG files")] = 600

    @field_validator("inset")
    @classmethod
    def _region(cls, text: str | None) -> str | None:
        if text is not None and text.strip():
            region_of(text)
            return text
        return None

    @model_validator(mode="after")
    def _ordered(self) -> Style:
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"low must be below high, got {self.low:g} and {self.high:g}")
        return self

    @property
    def millimetres(self) -> float:
        """Width of the figure."""
        return self.width_mm or WIDTHS[self.width]

    @property
    def region(self) -> Region | None:
        """The region that is enlarged."""
        return None if self.inset is None else region_of(self.inset)


def style(**values: Any) -> Style:
    """A style. Raises InputError for unknown names and impossible values."""
    return build(styles, {"name": "paper", "params": values})


def region_of(text: str) -> Region:
    """``40:72,100:132`` as numbers. Raises ValueError that says how it is written."""
    try:
        rows, columns = text.replace(" ", "").split(",")
        (top, bottom), (left, right) = ((int(n) for n in part.split(":")) for part in (rows, columns))
    except ValueError:
        raise ValueError(f"a region is written rows and columns, such as 40:72,100:132, got {text!r:.60}") from None
    if not (0 <= top < bottom and 0 <= left < right):
        raise ValueError(f"a region has first numbers below its last ones, got {text!r:.60}")
    return top, bottom, left, right
