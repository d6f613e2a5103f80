"""Arrays as parameters: kernels, masks, coil sensitivities. They travel inside the recipe, so nothing gets lost."""

from __future__ import annotations

import base64
import hashlib
import io
import zlib
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

MOST_BYTES = 1 << 28
"""Of the values: no recipe holds more, none is read that does."""
HEAD_BYTES = 1 << 12


class Array:
    """An immutable array that compares by value, and is text in JSON: ``{"npy": base64 of the compressed .npy}``.

    Made from an array, a tensor, nested lists, or that JSON; ``napari_mlpatch.io.read_array`` makes one from a file.
    ``values`` is read-only. Raises ValueError for what is none of these, empty, not finite, or above MOST_BYTES.
    """

    def __init__(self, values: Any):
        _check_size(values)
        try:
            if hasattr(values, "detach"):  # a tensor, without importing torch
                values = values.detach().cpu().resolve_conj().resolve_neg().numpy()
            array = np.array(values, order="C")
        except Exception as error:
            raise ValueError(f"an array of numbers is needed ({type(error).__name__}: {error})") from None
        _check_size(array)
        if array.dtype.kind not in "buifc" or array.size == 0:
            raise ValueError(f"an array of numbers is needed, got {array.dtype} of shape {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"the array holds {int((~np.isfinite(array)).sum())} NaN or infinite value(s)")
        array.setflags(write=False)
        self.values: np.ndarray = array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Array) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[Any, ...]:
        return self.values.shape, self.values.dtype.str, self.sha256

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of the values."""
        return hashlib.sha256(self.values.reshape(-1).view(np.uint8).data).hexdigest()

    def __repr__(self) -> str:
        return f"Array({'x'.join(map(str, self.shape))} {self.values.dtype})"

    def json(self) -> dict[str, str]:
        """The array as plain JSON."""
        return {"npy": self._packed}

    @cached_property
    def _packed(self) -> str:
        stream = io.BytesIO()
        np.save(stream, self.values, allow_pickle=False)
        return base64.b64encode(zlib.compress(stream.getvalue(), 1)).decode()

    @classmethod
    def parse(cls, value: Any) -> Array:
        """The array that a value stands for. Raises ValueError with the reason where it stands for none."""
        if isinstance(value, Array):
            return value
        if isinstance(value, dict) and set(value) == {"npy"}:
            return cls(_unpacked(value["npy"]))
        return cls(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(lambda a: a.json())
        )


def _check_size(values: Any) -> None:
    try:
        size = int(getattr(values, "nbytes", 0))
    except Exception as error:  # of sparse tensors
        raise ValueError(f"an array of numbers is needed ({type(error).__name__}: {error!s:.100})") from None
    if size > MOST_BYTES:
        raise ValueError(f"the array has {size / 2**20:.0f} MiB, at most {MOST_BYTES >> 20} MiB are possible")


def _unpacked(text: Any) -> np.ndarray:
    try:
        inflate = zlib.decompressobj()
        packed = inflate.decompress(base64.b64decode(text, validate=True), MOST_BYTES + HEAD_BYTES)
        return np.load(io.BytesIO(packed), allow_pickle=False)
    except Exception as error:
        raise ValueError(f"the packed array is damaged ({type(error).__name__}: {error})") from None
