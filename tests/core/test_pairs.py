"""Two pictures compared pixel by pixel, against definitions written out."""

from __future__ import annotations

import numpy as np

from napari_mlpatch.core import pairs

rng = np.random.default_rng(3)


def test_a_difference_of_angles_goes_the_shortest_way_round():
    a, b = (rng.uniform(-np.pi, np.pi, (50, 60)) for _ in range(2))
    np.testing.assert_array_equal(pairs.difference(a, b), a - b)
    np.testing.assert_allclose(pairs.difference(a, b, 2 * np.pi), np.angle(np.exp(1j * (a - b))), atol=1e-12)


def test_masks_by_their_definitions():
    shape = (7, 11)
    rows, columns = np.indices(shape)
    np.testing.assert_array_equal(pairs.half(shape, 4, axis=1), columns >= 4)
    np.testing.assert_array_equal(pairs.half(shape, 5, axis=0), rows >= 5)
    assert pairs.half(shape, -3, axis=1).all() and not pairs.half(shape, 11, axis=1).any()
    np.testing.assert_array_equal(pairs.checkerboard(shape, 3), (rows // 3 + columns // 3) % 2 == 1)
    np.testing.assert_array_equal(pairs.disc(shape, (2.5, 6.0), 3.0), np.hypot(rows - 2.5, columns - 6.0) <= 3.0)


def test_what_is_inserted_has_its_own_values_and_else_none():
    above, mask = rng.random((6, 5)).astype(np.float32), rng.random((6, 5)) < 0.5
    kept = pairs.inserted(above, mask)
    assert kept.dtype == np.float32
    np.testing.assert_array_equal(kept[mask], above[mask])
    assert np.isnan(kept[~mask]).all()
    assert pairs.inserted(np.ones((2, 2), np.int32), np.zeros((2, 2), bool)).dtype == np.float64
