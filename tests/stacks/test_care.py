"""The steps that stacks come with do what the options of a single slice do; halos come and go."""

import numpy as np
import pytest
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import care_steps
from napari_mlpatch.io.build.outliers import find_outliers, replace_outliers
from napari_mlpatch.io.build.rings import remove_stripes
from napari_mlpatch.stacks.care.step import Geometry, Step, built, cared, halo_of

ANGLES = np.linspace(0.0, 180.0, 24, endpoint=False)


def block(slices=3, bins=33):
    s = np.linspace(-1.0, 1.0, bins)
    y = np.sqrt(np.maximum(0.5 - s**2, 0.0)) + 0.01 * np.random.default_rng(0).standard_normal((slices, 24, bins))
    y[:, :, 9] += 0.3
    y[1, 5, 16] += 5.0
    return y.astype(np.float32)


def test_outliers_and_rings_are_those_of_a_single_slice():
    y = block()
    steps = built([{"name": "outliers", "params": {}}, {"name": "rings", "params": {"width": 9}}])
    out, geometry = cared(steps, y, Geometry(ANGLES, count=3), 0, 3)
    expected = [remove_stripes(replace_outliers(one, find_outliers(one, ANGLES)), 9) for one in y]
    np.testing.assert_array_equal(out, expected)
    assert geometry.first == 0 and halo_of(steps) == 0


@dataclass(frozen=True, config=CONFIG)
class MeanOfThree(Step):
    """Each row becomes the mean of it and its two neighbours, rows beyond the stack's ends as the last one."""

    name = "mean-of-three"
    domain = "projections"
    halo = 1

    def apply(self, block, geometry):
        padded = np.pad(block, ((1, 1), (0, 0), (0, 0)), mode="edge")
        return (padded[:-2] + padded[1:-1] + padded[2:]) / 3.0, geometry


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (2, 5), (6, 8), (0, 8)])
def test_a_step_with_a_halo_gives_the_same_whatever_the_block(start, stop):
    y = block(8)
    centers = np.arange(8.0)
    steps = (MeanOfThree(), MeanOfThree())
    whole, _ = cared(steps, y, Geometry(ANGLES, centers, count=8), 0, 8)
    low, high = max(start - 2, 0), min(stop + 2, 8)
    part, geometry = cared(steps, y[low:high], Geometry(ANGLES, centers[low:high], first=low, count=8), start, stop)
    np.testing.assert_array_equal(part, whole[start:stop])
    assert geometry.first == start and geometry.centers.tolist() == list(range(start, stop))


def test_a_step_that_fails_is_named():
    with pytest.raises(InputError, match=r"Care step 'rings': .* from 3 to 33, got 99"):
        cared(built([{"name": "rings", "params": {"width": 99}}]), block(), Geometry(ANGLES), 0, 1)
    with pytest.raises(InputError, match="Unknown care step 'polish'"):
        built([{"name": "polish"}])
    assert {"outliers", "rings"} <= set(care_steps.names())
