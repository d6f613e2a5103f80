"""The size of an image as a parameter."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

LARGEST = 32768


def check(shape: tuple[int, int]) -> tuple[int, int]:
    """Raises ValueError unless both sizes are possible."""
    if min(shape) < 1 or max(shape) > LARGEST:
        raise ValueError(f"rows and columns must be between 1 and {LARGEST}, got {shape[0]} x {shape[1]}")
    return shape


ImageShape = Annotated[tuple[int, int], AfterValidator(check), Field(description="rows and columns of the image")]
