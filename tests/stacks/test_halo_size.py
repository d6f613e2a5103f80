"""Steps that look at rows around a slice: larger blocks, and the memory of those rows in the estimate."""

import tracemalloc

import numpy as np
import pytest

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.stacks.job import Job, Tools
from napari_mlpatch.stacks.look import spread
from napari_mlpatch.stacks.sizing import MOST, MOST_WITH_HALO, needs, size_of

from .blobs import projections
from .conftest import recipe_of


@pytest.fixture
def stack(tmp_path):
    """200 slices of 40 views of 128 bins, 20 KiB each."""
    path = tmp_path / "y.npy"
    np.save(path, projections(np.arange(0.0, 180.0, 4.5), np.arange(200), 128, 63.5))
    return path


def tools_of(path, *care):
    recipe = recipe_of(
        path, angles_deg="0:180:40", slice=100, care=[{"name": n, "params": p} for n, p in care], block=None
    )
    return Tools(Job(recipe.to_json(), str(path)))


TILT = ("tilt", {"degrees": 1.0, "bins": 128})


def test_blocks_are_larger_where_rows_are_read_twice(stack):
    plain, tilted = needs(tools_of(stack)), needs(tools_of(stack, TILT))
    assert (plain.halo, plain.most) == (0, MOST) and (tilted.halo, tilted.most) == (14, 28)
    assert size_of(tools_of(stack), plain).slices == MOST
    assert size_of(tools_of(stack, TILT), tilted).slices == 28
    long = needs(tools_of(stack, ("paganin", {"energy": 20.0, "distance": 0.05, "pixel": 1.0})))
    assert long.halo > 100 and long.most == MOST_WITH_HALO


def test_the_rows_around_are_in_the_estimate(stack):
    tools = tools_of(stack, TILT)
    needed = needs(tools)
    tracemalloc.start()
    loaded, _ = tools.load(80, 108)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 2 * 28 * 20480 < peak < needed.around + 28 * needed.slice
    assert loaded.base is None and len(loaded) == 28
    with pytest.raises(InputError, match="fewer than 14 rows to each side"):
        size_of(tools, needed, memory=needed.of(1) - 1)
    assert size_of(tools, needed, memory=needed.of(20)).slices == 20
    several = size_of(tools, needed, lanes=8, memory=needed.of(1, 8))  # not eight lanes of single rows
    assert several.lanes == 1 and several.slices > 1
    assert size_of(tools, needed, lanes=2).slices == 28


def test_what_is_tried_is_there():
    assert spread(0, 10, 3) == [0, 4, 9] and spread(2, 3) == [2]
    assert spread(0, 10, 3, places=(0, 1, 3, 6, 7, 8, 9)) == [0, 6, 9]
    assert spread(4, 8, 5, places=(0, 1, 3, 6, 7, 8, 9)) == [6, 7]
