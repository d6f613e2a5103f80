"""Every step: its page, its numbers whatever the block, its description, its words on the command line."""

import numpy as np
import pytest

from napari_mlpatch.cli.settings import build_step
from napari_mlpatch.core.declare import build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.page import page
from napari_mlpatch.core.registry import care_steps
from napari_mlpatch.stacks.care.step import Geometry, cared

from .blobs import projections

STEPS = {
    "align-center": "align-center:to=30",
    "dead-stripes": "dead-stripes:size=21",
    "large-stripes": "large-stripes:size=21, drop=0.2",
    "outliers": "outliers",
    "paganin": "paganin:energy=20,distance=0.01,pixel=5",
    "rings": "rings:width=9",
    "stitch": "stitch",
    "tilt": "tilt:degrees=0.5,bins=64",
}
ANGLES = np.arange(0.0, 360.0, 9.0)


def own():
    return [cls.name for cls in care_steps if cls.__module__.startswith("napari_mlpatch.")]


def test_all_are_here():
    assert sorted(STEPS) == own()


@pytest.mark.parametrize("name", own())
def test_a_slice_is_the_same_whatever_its_block(name):
    step = build_step(care_steps, STEPS[name])
    count = 60
    y = projections(ANGLES, np.arange(count), 64, 36.0) / 20
    y += 0.01 * np.random.default_rng(0).standard_normal(y.shape).astype(np.float32)
    before, centers = y.copy(), np.full(count, 36.0)
    whole, after = cared([step], y, Geometry(ANGLES, centers, count=count), 0, count)
    assert whole.dtype == np.float32 and np.isfinite(whole).all() and whole.shape[1] == len(after.angles_deg)
    assert np.array_equal(y, before) and np.array_equal(centers, np.full(count, 36.0))
    for start, stop in ((0, 1), (29, 31), (59, 60)):
        low, high = max(start - step.halo, 0), min(stop + step.halo, count)
        geometry = Geometry(ANGLES, centers[low:high], first=low, count=count)
        part, geometry = cared([step], y[low:high], geometry, start, stop)
        compare = np.testing.assert_array_equal if step.domain == "sinograms" else np.testing.assert_allclose
        compare(part, whole[start:stop], **({} if step.domain == "sinograms" else {"atol": 1e-6}))
        assert (geometry.first, len(part)) == (start, stop - start)
        assert geometry.centers is not None and after.centers is not None
        np.testing.assert_array_equal(geometry.centers, after.centers[start:stop])


@pytest.mark.parametrize("name", own())
def test_it_says_what_it_is(name):
    about = page(care_steps.get(name))
    assert about.equation and about.when and about.references and all(p.description for p in about.parameters)
    assert all("doi:10." in one for one in about.references)
    step = build_step(care_steps, STEPS[name])
    assert build(care_steps, describe(step)) == step


def test_words_that_are_no_step():
    with pytest.raises(InputError, match="Unknown care step 'polish'"):
        build_step(care_steps, "polish:hard=1")
    with pytest.raises(InputError, match=r"set as key=value, got 'wide'. There are: width"):
        build_step(care_steps, "rings:wide")
    with pytest.raises(InputError, match=r"care step 'rings': .*width.* greater than or equal to 3, got '2'"):
        build_step(care_steps, "rings:width=2")
    with pytest.raises(InputError, match="'distance' is missing"):
        build_step(care_steps, "paganin:energy=20,pixel=1")
