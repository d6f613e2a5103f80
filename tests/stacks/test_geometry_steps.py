"""Full turns, centres that drift, and axes that lean, against the formula of the object."""

import numpy as np
import pytest
from algotom.prep.conversion import convert_sinogram_360_to_180
from scipy.ndimage import shift

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.stacks import care
from napari_mlpatch.stacks.care.align_center import AlignCenter
from napari_mlpatch.stacks.care.axis_line import find_axis, line_through
from napari_mlpatch.stacks.care.moved import moved
from napari_mlpatch.stacks.care.step import Geometry, cared
from napari_mlpatch.stacks.care.stitch import Stitch, stitched
from napari_mlpatch.stacks.care.tilt import Tilt

from .blobs import projections

TURN = np.arange(0.0, 360.0, 2.0)


@pytest.mark.parametrize("by", [0.0, 3.0, -2.25, 0.5, 7.9])
def test_moved_is_scipys_shift(by):
    y = np.random.default_rng(0).standard_normal((3, 40))
    np.testing.assert_allclose(moved(y, by), shift(y, (0, by), order=3, mode="nearest"), atol=1e-6)


@pytest.mark.parametrize("center", [52.0, 11.5, 50.3, 12.8, 31.5, 31.4])
@pytest.mark.parametrize("angles", [TURN, TURN[::-1], np.arange(179) * 360 / 179, np.linspace(-30, 330, 181)])
def test_half_a_turn_of_a_wide_detector(center, angles):
    y = projections(angles, [9], 64, center)[0]
    out, half, at = stitched(y, angles, center)
    expected = projections(half, [9], out.shape[1], at)[0]
    assert np.ptp(half) < 180 and len(half) in (90, 91)
    assert out.shape[1] == np.floor(64 + abs(2 * center - 63) + 1e-9)
    np.testing.assert_allclose(out, expected, atol=0.01 * expected.max())  # views opposite that lie between two


@pytest.mark.parametrize("center", [52.0, 11.5])
def test_stitching_is_algotoms(center):
    y = projections(np.linspace(0, 360, 181), [9], 64, center)[0]
    expected, at = convert_sinogram_360_to_180(y, center, norm=False)
    out, angles, ours = stitched(y, np.linspace(0, 360, 181), center)
    np.testing.assert_allclose(out, expected[: len(angles)], atol=1e-5)
    assert ours == pytest.approx(at)


def test_what_cannot_be_stitched():
    y = projections(TURN, [9], 64, 52.0)[0]
    with pytest.raises(
        InputError, match=r"A full turn is needed .* 90 views are at 0 to 178 degrees, with a gap of 182"
    ):
        care.apply([Stitch(center=52)], y[:90], TURN[:90])
    with pytest.raises(InputError, match=r"share 0.0 bins .* axis lies at 70"):
        care.apply([Stitch(center=70)], y, TURN)
    with pytest.raises(InputError, match="give its bin with center"):
        care.apply(["stitch"], y, TURN)
    with pytest.raises(InputError, match=r"from 50.00 to 52.00 .* Put align-center"):
        care.apply(["stitch"], np.stack([y, y]), Geometry(TURN, np.array([50.0, 52.0])))


def test_centres_are_aligned():
    rows, centers = np.arange(4), np.array([30.2, 31.0, 33.75, 29.5])
    block = np.stack([projections(TURN, [r], 96, c + 16)[0] for r, c in zip(rows, centers, strict=True)])
    out, geometry = care.apply(["align-center"], block, Geometry(TURN, centers + 16))
    assert geometry.centers is not None and geometry.centers.tolist() == [47.5] * 4
    np.testing.assert_allclose(out, projections(TURN, rows, 96, 47.5), atol=2e-3)
    out, _ = care.apply([AlignCenter(to=45.0)], block, Geometry(TURN, centers + 16))
    np.testing.assert_allclose(out, projections(TURN, rows, 96, 45.0), atol=2e-3)
    with pytest.raises(InputError, match="no centres"):
        care.apply(["align-center"], block, TURN)
    with pytest.raises(InputError, match=r"would move by 38.7 of 96 bins.* near their centres, 46.1"):
        care.apply([AlignCenter(to=10)], block, Geometry(TURN, centers + 14.99))


def test_the_axis_is_found_and_put_upright():
    angles, rows, tilt = np.arange(0.0, 180.0, 2.0), np.arange(64), 2.0
    leaning = projections(angles, rows, 96, 49.0, tilt, middle=31.5)
    some = [4, 18, 31, 45, 59]
    line = find_axis(leaning[some], some, angles, 64)
    assert line.center == pytest.approx(49.0, abs=0.2)
    assert line.tilt_deg == pytest.approx(tilt, abs=0.35)
    assert not line.left_out and line.at([31.5])[0] == line.center
    out, _ = care.apply([Tilt(degrees=tilt, bins=96)], leaning, Geometry(angles, np.full(64, 49.0)))
    upright = projections(angles, rows, 96, 47.5 + (49.0 - 47.5) * np.cos(np.deg2rad(tilt)))
    inner = np.s_[2:-2]  # beyond the first and last row nothing was measured
    np.testing.assert_allclose(out[inner], upright[inner], atol=0.02 * upright.max())
    again = find_axis(out[some], some, angles, 64)
    assert abs(again.slope) < 0.1 * abs(line.slope)


def test_a_tilt_is_the_same_whatever_the_block():
    angles = np.arange(0.0, 180.0, 30.0)
    y = projections(angles, np.arange(64), 32, 15.5, 1.0, middle=31.5)
    step = Tilt(degrees=1.0, bins=32)
    whole, _ = cared([step], y, Geometry(angles, count=64), 0, 64)
    low, high = 30 - step.halo, 33 + step.halo
    part, geometry = cared([step], y[low:high], Geometry(angles, first=low, count=64), 30, 33)
    np.testing.assert_allclose(part, whole[30:33], atol=1e-6 * y.max())
    assert geometry.first == 30 and low > 0 and high < 64
    with pytest.raises(InputError, match="Give bins=32"):
        care.apply([Tilt(degrees=1.0, bins=16)], y, angles)
    assert Tilt(degrees=0.0).halo == 0


def test_wrong_centres_do_not_bend_the_axis():
    centers = {0: 50.0, 100: 51.0, 200: 52.0, 300: 80.0, 400: 54.0, 500: 55.0}
    line = line_through(centers, 501)
    assert line.slope == pytest.approx(0.01) and line.center == pytest.approx(52.5) and line.residual < 1e-6
    assert list(line.left_out) == [300] and "off the line" in line.left_out[300]
    with pytest.raises(InputError, match=r"3 slices or more, found 50.00 at row 0, 51.00 at row 100"):
        line_through({0: 50.0, 100: 51.0}, 501)
    with pytest.raises(InputError, match=r"Row 1: .*constant"):
        find_axis([np.ones((90, 32))] * 3, [1, 2, 3], np.arange(90) * 2.0, 9)
