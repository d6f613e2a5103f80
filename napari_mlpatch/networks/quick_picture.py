"""What a reconstructor starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from napari_mlpatch.core.errors import InputError

if TYPE_CHECKING:
    from napari_mlpatch.core.operator import Operator


def quick_picture(y: Tensor, A: Operator) -> Tensor:
    """``A.pinv(y)``: filtered back-projection, zero-filling, Kaiser-Squires... Raises InputError where A has none."""
    try:
        x = A.pinv(y)
    except NotImplementedError:
        raise InputError(missing(A)) from None
    if tuple(x.shape) != (*y.shape[:2], *A.domain_shape):
        raise InputError(f"{missing(A)} Its pinv gives the shape {list(x.shape)}.")
    return x


def missing(A: Operator) -> str:
    """Why there is no quick picture, or a word for it."""
    bare = getattr(A, "operator", A)  # A divided by its norm
    return (
        f"The operator {getattr(bare, 'name', type(bare).__name__)!r} has no quick picture (pinv), which this network "
        "starts from. Use a network that starts from the data alone, such as an unrolled one, or define pinv."
    )
