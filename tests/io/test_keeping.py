"""Parts of an array that are read in slabs and kept, and its copy."""

from itertools import product

import numpy as np
import pytest

from napari_mlpatch.io import arrays, keeping


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_parts_are_those_of_the_array(axis):
    values = np.arange(7 * 8 * 9).reshape(7, 8, 9)
    stored = arrays.Stored.of(values)
    stored.keeping.slabs(axis, 3)
    for index in [(), 2, slice(1, 4), (slice(None), 3), (slice(None), slice(2, 7)), (1, 2, slice(0, 5))]:
        np.testing.assert_array_equal(stored.read(index), values[index])
    last = [slice(None)] * 3
    for part in (slice(0, 2), slice(2, 4), slice(4, 7), 6, -1):
        last[axis] = part
        np.testing.assert_array_equal(stored.read(tuple(last)), values[tuple(last)])


@pytest.mark.parametrize("start", [0, 1, 2, 5])
def test_parts_are_those_of_the_array_wherever_slabs_begin(start):
    values = np.arange(7 * 8 * 9).reshape(7, 8, 9)
    stored = arrays.Stored.of(values)
    stored.keeping.slabs(1, 3, start)
    for first, last in product(range(8), range(1, 9)):
        if first < last:
            np.testing.assert_array_equal(stored.read((slice(None), slice(first, last))), values[:, first:last])


@pytest.mark.parametrize(("piece", "depth"), [(5, 2), (7, 3), (4, 4), (3, 2)])
def test_a_slab_is_of_one_piece(piece, depth):
    values, asked = np.arange(2 * 17).reshape(2, 17), []
    keep = keeping.Keeping()
    keep.slabs(1, depth, piece=piece)
    for first, last in [(k, k + 1) for k in range(17)] + [(0, 6), (3, 17), (2, 9)]:
        part = keep.read(
            values.shape, lambda index: (asked.append(index[1]), values[index])[1], (slice(None), slice(first, last))
        )
        np.testing.assert_array_equal(part, values[:, first:last])
    assert all(one.start // piece == (one.stop - 1) // piece and one.stop - one.start <= depth for one in asked)


@pytest.mark.parametrize("chunks", [(1, 8, 9), (2, 3, 4), (7, 8, 9), (4, 8, 2), (7, 1, 9)])
@pytest.mark.parametrize("step", [1, 500, 10**6])
def test_a_copy_is_the_array(chunks, step, tmp_path, monkeypatch):
    values = np.arange(7 * 8 * 9, dtype=">i4").reshape(7, 8, 9)
    monkeypatch.setattr(keeping, "STEP", step)
    seen = []

    def part(index):
        assert all(one.start % n == 0 for one, n in zip(index, chunks, strict=True)), "whole pieces"
        seen.append(index)
        return values[index]

    *_, end = keeping.copied(tmp_path / "copy.npy", values.shape, chunks, part)
    np.testing.assert_array_equal(np.load(tmp_path / "copy.npy"), values)
    assert end == 1.0 and sum(values[index].size for index in seen) == values.size
