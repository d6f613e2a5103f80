"""MATLAB's file format, versions 5 to 7, read with bounds checked (a damaged file crashes SciPy's reader).

Format: "MAT-File Format", The MathWorks. A file is a header of 128 bytes and a row of elements; an element is a tag
(type, number of bytes) and its data, padded to 8 bytes; a matrix element holds elements for flags, dimensions, name
and values.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from napari_mlpatch.core.budget import limit, reserve
from napari_mlpatch.core.errors import InputError

from .sparse import Sparse

NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
TEXT = {16: "utf-8", 17: "utf-16", 18: "utf-32"}
MATRIX, COMPRESSED = 14, 15
CELL, STRUCT, CHAR, SPARSE = 1, 2, 4, 5
NUMERIC = range(6, 16)
DEPTH = 20  # of structs within structs
MOST_CELLS = 10_000
LARGEST = 2**33  # bytes

Value = np.ndarray | str | Sparse


def read_mat5(path: Path) -> dict[str, Value]:
    """All variables that are numbers, text, or structs and cells of them: ``variable.field``, ``variable{1}``.

    Arrays have MATLAB's shape and their stored type; sparse ones are not expanded yet, nor checked. Raises InputError
    for other files and damaged ones.
    """
    reserve(2 * path.stat().st_size, f"{path}", "Save it as version 7.3, which is read in parts.")
    data = path.read_bytes()
    if len(data) < 136 or data[126:128] not in (b"IM", b"MI"):
        raise InputError(f"{path} is not a MATLAB file of version 5 to 7.3. Save it with save(..., '-v7') in MATLAB.")
    order = "<" if data[126:128] == b"IM" else ">"
    values: dict[str, Value] = {}
    left = min(LARGEST, 1100 * len(data) + 2**20, limit())
    for kind, body in _elements(memoryview(data)[128:], order):
        if kind == COMPRESSED:
            inflated = _inflate(body, left)
            left -= len(inflated)
            for inner, matrix in _elements(inflated, order):
                if inner == MATRIX:
                    values.update(_matrix(matrix, order, "", 0))
        elif kind == MATRIX:
            values.update(_matrix(body, order, "", 0))
    return values


def _elements(data: bytes | memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Type and bytes of each element."""
    view, at = memoryview(data), 0
    while at + 8 <= len(view):
        first, second = struct.unpack_from(order + "II", view, at)
        if first >> 16:  # small element: number of bytes and type in the first word, data in the second
            kind, count, start, end = first & 0xFFFF, first >> 16, at + 4, at + 8
            if count > 4:
                raise InputError(
                    f"A MATLAB element at byte {at} says that {count} bytes fit into 4. The file is damaged."
                )
        else:
            kind, count, start = first, second, at + 8
            end = start + count if kind == COMPRESSED else start + count + -count % 8
        if start + count > len(view):
            raise InputError(
                f"A MATLAB element at byte {at} ends beyond the end of the file. It is damaged or cut off."
            )
        yield kind, view[start : start + count]
        at = end


def _inflate(body: memoryview, most: int) -> bytes:
    inflater = zlib.decompressobj()
    data = inflater.decompress(body, max(most, 1))
    if not inflater.eof:
        raise InputError("A compressed MATLAB variable breaks off or is implausibly large. The file is damaged.")
    return data


def _matrix(body: memoryview, order: str, prefix: str, depth: int) -> dict[str, Value]:
    """The values in a matrix element by name: none for kinds that cannot hold a measurement."""
    if depth > DEPTH:
        raise InputError(f"MATLAB structs within structs, more than {DEPTH} deep. The file is damaged.")
    parts = list(_elements(body, order))
    if len(parts) < 3:
        return {}
    flags = int(_numbers(parts[0], order)[0])
    kind, is_complex = flags & 0xFF, bool(flags & 0x0800)
    shape = tuple(int(n) for n in _numbers(parts[1], order))
    name = prefix or bytes(parts[2][1]).decode("ascii", "replace")
    rest = parts[3:]
    if kind == STRUCT and len(rest) >= 2:
        length, names = int(_numbers(rest[0], order)[0]), bytes(rest[1][1])
        if length < 1:
            raise InputError("A MATLAB struct has field names of no length. The file is damaged.")
        fields = [
            names[i : i + length].split(b"\0")[0].decode("ascii", "replace") for i in range(0, len(names), length)
        ]
        values: dict[str, Value] = {}
        for number, (_, inner) in enumerate(rest[2 : 2 + MOST_CELLS]):  # of an array, one struct after the other
            at, field = divmod(number, len(fields))
            one = name if math.prod(shape) == 1 else f"{name}{{{at + 1}}}"
            values.update(_matrix(inner, order, f"{one}.{fields[field]}", depth + 1))
        return values
    if kind == CELL:
        cells: dict[str, Value] = {}
        for number, (element, inner) in enumerate(rest[: min(math.prod(shape), MOST_CELLS)], 1):
            if element == MATRIX:
                cells.update(_matrix(inner, order, f"{name}{{{number}}}", depth + 1))
        return cells
    if kind == CHAR and rest:
        return {name: _text(rest[0], order)}
    if kind == SPARSE and len(rest) > 2 + is_complex:
        held = rest[: 3 + is_complex]
        return {
            name: Sparse(
                f"The MATLAB variable {name!r}",
                shape,
                lambda: [_numbers(part, order) for part in held],
                is_integer=NUMBERS.get(held[2][0], "")[:1] in ("i", "u") and not is_complex,
                is_complex=is_complex,
            )
        }
    if kind not in NUMERIC or not rest or (is_complex and len(rest) < 2):
        return {}
    array = _numbers(rest[0], order)
    if is_complex:
        imaginary = _numbers(rest[1], order)
        if imaginary.size != array.size:
            raise InputError(
                f"The MATLAB variable {name!r} has {array.size} real and {imaginary.size} imaginary parts. "
                "The file is damaged."
            )
        array = array + 1j * imaginary
    if array.size != math.prod(shape):
        raise InputError(
            f"The MATLAB variable {name!r} has shape {list(shape)} but {array.size} values. It is damaged."
        )
    return {name: array.reshape(shape, order="F")}


def _numbers(element: tuple[int, memoryview], order: str) -> np.ndarray:
    kind, body = element
    if kind not in NUMBERS:
        raise InputError(f"A MATLAB element of type {kind} stands where numbers should be. The file is damaged.")
    return np.frombuffer(body, order + NUMBERS[kind])


def _text(element: tuple[int, memoryview], order: str) -> str:
    kind, body = element
    if kind in TEXT:
        encoding = TEXT[kind] + ("" if kind == 16 else "-le" if order == "<" else "-be")
        return bytes(body).decode(encoding, "replace")
    return "".join(chr(code) for code in _numbers(element, order) if 0 < code < 0x110000)
