"""Values along a line, against scikit-image and a plane, which bilinear interpolation gives exactly."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mlpatch.core.profiles import distances, line_profile, positions


def test_bilinear_as_scikit_image_does_it():
    measure = pytest.importorskip("skimage.measure")
    rng = np.random.default_rng(4)
    picture = rng.random((40, 55))
    for _ in range(20):
        start, end = (tuple(rng.uniform(1, (38, 53))) for _ in range(2))
        expected = measure.profile_line(picture, start, end, order=1)
        np.testing.assert_allclose(line_profile(picture, start, end), expected, atol=1e-12)


def test_a_plane_is_met_exactly_and_outside_is_nothing():
    rows, columns = np.indices((20, 30))
    plane = 2.0 * rows - 0.5 * columns + 3.0
    at = positions((1.25, 2.5), (17.0, 28.0))
    np.testing.assert_allclose(line_profile(plane, (1.25, 2.5), (17.0, 28.0)), at @ [2.0, -0.5] + 3.0)
    found = line_profile(plane, (5.0, -3.0), (5.0, 33.0))
    assert np.isnan(found[:3]).all() and np.isnan(found[-4:]).all() and np.isfinite(found[3:-4]).all()


def test_distances_have_the_unit_of_the_scale():
    along = distances((0.0, 0.0), (30.0, 40.0), (0.5, 2.0))
    assert along[0] == 0.0 and along[-1] == pytest.approx(np.hypot(15.0, 80.0))
    assert len(along) == len(positions((0.0, 0.0), (30.0, 40.0))) == 51
    assert len(positions((3.0, 3.0), (3.0, 3.0))) == 1
