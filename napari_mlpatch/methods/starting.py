"""Where iterations begin: with the method's own first picture, or a given one."""

from __future__ import annotations

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import Tensor


def begun(start: Tensor | None, own: Tensor) -> Tensor:
    """``start`` with type and device of the method's own first picture; that one where none is given.

    Raises InputError for a complex start where pictures are real.
    """
    if start is None:
        return own
    if start.is_complex() and not own.is_complex():
        raise InputError("The picture to start from is complex, those of this problem are real: take its real part.")
    return start.to(own)
