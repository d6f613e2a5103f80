"""What Python programs hand over, looked at before it is used: wrong types give InputError, too."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch

from .errors import InputError


def as_tensor(values: Any, what: str) -> Tensor:
    """Numbers as a tensor that shares their memory where it can. Raises InputError for what holds no numbers."""
    if isinstance(values, str | bytes | bool | type(None)):
        raise InputError(f"{what} is an array of numbers, got {type(values).__name__}.")
    try:
        tensor = values if torch.is_tensor(values) else torch.as_tensor(np.asarray(values))
        plain = tensor.layout == torch.strided and not tensor.is_quantized and not tensor.is_meta
    except Exception as error:  # of objects, ragged lists, arrays that cannot be read
        raise InputError(f"{what} is an array of numbers, got {type(values).__name__} ({error!s:.100}).") from None
    if not plain:
        raise InputError(f"{what} is a dense tensor with values, got one of {tensor.layout} on {tensor.device.type}.")
    if tensor.dtype in (torch.float16, torch.bfloat16):
        raise InputError(f"{what} is in {tensor.dtype}, half precision. Convert it to float32 first.")
    return tensor


def as_array(values: Any, what: str) -> np.ndarray:
    """Whatever NumPy makes an array of, lists and tensors too. Raises InputError for what it makes none of."""
    try:
        array = np.asarray(values)
    except Exception as error:  # of ragged lists, and tensors that are sparse, elsewhere or without values
        raise InputError(f"{what} is an array of numbers, got {type(values).__name__} ({error!s:.100}).") from None
    if array.dtype.kind not in "biufc":
        raise InputError(f"{what} is an array of numbers, got {type(values).__name__}.")
    return array


def is_number(value: Any) -> bool:
    """A real number, no truth value."""
    if not isinstance(value, Real | np.number) or isinstance(value, bool | np.bool_ | np.complexfloating):
        return False
    return not isinstance(value, int) or value.bit_length() < 1000  # of the larger ones there is no float


def instance(value: Any, kind: type, what: str) -> Any:
    """The value. Raises InputError where it is of another type: ``what`` begins the message."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise InputError(f"{what} must be {article} {kind.__name__}, got {type(value).__name__}.")
    return value


def seed_of(value: Any) -> int:
    """A seed of random numbers. Raises InputError where it is not a whole number from 0 on, below 2^63."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < 2**63:
        raise InputError(f"A seed is a whole number from 0 on, below 2^63, got {value!r:.60}.")
    return int(value)


def all_finite(x: Tensor) -> bool:
    """Whether no value is NaN or infinite. Their sum tells at once, unless it overflows."""
    return bool(torch.isfinite(x.sum())) or bool(torch.isfinite(x).all())
