"""Values of a parameter that is varied, as they are written."""

import numpy as np
import pytest

import napari_mlpatch as mp
from napari_mlpatch.batch.values import Axis, axis


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("weight=0.01:1:log3", "weight", (0.01, 0.1, 1.0)),
        ("weight=0:1:3", "weight", (0.0, 0.5, 1.0)),
        ("iterations=10:30:lin3", "iterations", (10, 20, 30)),
        ("iterations=1:3:log9", "iterations", (1, 2, 3)),
        ("norm=isotropic,anisotropic", "norm", ("isotropic", "anisotropic")),
        ("weight=none,2", "weight", (None, 2.0)),
        ("nonnegative=true,false", "nonnegative", (True, False)),
    ],
)
def test_lists_and_ranges(text, name, values):
    found = axis(text, ["tv"])
    assert found == Axis(name, values)
    assert [type(v) for v in found.values] == [type(v) for v in values]


def test_equal_ratios_as_numpy_has_them():
    found = axis("weight=0.003:7:log11", ["tv"]).values
    assert np.allclose(found, np.geomspace(0.003, 7, 11), rtol=1e-11)


def test_of_one_method_alone():
    found = axis("tv.weight=1,2", ["tv", "tikhonov"])
    assert found.method == "tv" and found.label == "tv.weight"
    assert found.belongs_to("tv") and not found.belongs_to("tikhonov")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("weight", "name=values"),
        ("weight=", "name=values"),
        ("wait=1", "no.*parameter 'wait'|No chosen method"),
        ("fbp.window=hann", "not among tv"),
        ("weight=1:2", "first:last:count"),
        ("weight=1:2:3:4", "first:last:count"),
        ("weight=0:1:log3", "positive"),
        ("weight=1:inf:3", "finite"),
        ("weight=1:2:100000", "1 to 1000"),
        ("weight=heavy", "takes numbers"),
        ("nonnegative=maybe", "true or false"),
        ("weight=,", "no values"),
    ],
)
def test_what_is_written_wrong(text, words):
    with pytest.raises(mp.InputError, match=words):
        axis(text, ["tv"])
