"""Outputs opened while they grow and when they are complete; one slice with and without care; the axis from five."""

import numpy as np
import pytest

from napari_mlpatch.cli import batch_run
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.stacks import look
from napari_mlpatch.stacks.care.axis_line import AxisLine
from napari_mlpatch.stacks.events import BlockDone
from napari_mlpatch.stacks.look import axis_of, cared_slice, cost_of, facts_of, spread
from napari_mlpatch.stacks.opened import is_volume, open_volume
from napari_mlpatch.stacks.run_stack import run_stack

from .conftest import BINS, SLICES, alone, recipe_of
from .test_run_stack import ran, read


@pytest.mark.parametrize("name", ["volume.zarr", "volume.h5", "volume.tif", "volume"])
def test_it_reads_only_what_is_looked_at_also_while_it_grows(name, exchange, tmp_path):
    recipe, out = recipe_of(exchange, slices=(2, 8)), tmp_path / name
    assert not is_volume(out)
    events = run_stack(recipe, exchange, out)
    for event in events:
        if isinstance(event, BlockDone):
            growing = open_volume(out)
            break
    assert not growing.complete and growing.shape == (6, BINS, BINS) and growing.first == 2
    assert growing.spacing == (1.0, 1.0, 1.0) and growing.recipe.recipe == recipe.recipe
    done = event.block.start - 2
    np.testing.assert_allclose(growing.levels[0][done], alone(exchange, recipe, done + 2), atol=1e-6)
    assert all(not isinstance(one, list) for one in events)  # to its end
    whole = open_volume(out)
    lazy = whole.levels[0].lazily()
    assert whole.complete and lazy.chunksize == (1, BINS, BINS)
    np.testing.assert_array_equal(lazy[1:3, 5:, ::2].compute(), read(out)[1:3, 5:, ::2])


def test_what_is_no_volume_is_told(tmp_path, exchange):
    assert not is_volume(exchange) and not is_volume(tmp_path)
    with pytest.raises(InputError, match="no volume"):
        open_volume(tmp_path)
    ran(recipe_of(exchange), exchange, tmp_path / "volume.zarr")
    (tmp_path / "volume.zarr" / "0" / "zarr.json").unlink()
    with pytest.raises(InputError, match="damaged"):
        open_volume(tmp_path / "volume.zarr")


def test_facts_and_costs_of_a_stack(exchange):
    recipe = recipe_of(exchange, block=None)
    facts = facts_of(recipe, exchange)
    assert (facts.count, facts.shape, facts.kind) == (SLICES, (30, BINS), "sinogram")
    assert facts.center == (BINS - 1) / 2
    assert cost_of(recipe, exchange).slices == 2  # a quarter of the stack, as a power of two
    assert spread(2, 12) == [2, 4, 6, 9, 11] and spread(3, 5) == [3, 4]


def test_a_slice_with_and_without_care(exchange):
    recipe = recipe_of(exchange, care=[{"name": "rings", "params": {"width": 9}}])
    made = cared_slice(recipe, exchange, 4)
    np.testing.assert_allclose(made.picture_before, alone(exchange, recipe, 4), atol=1e-6)
    assert np.abs(made.after - made.before).max() > 0 and made.picture_after.shape == (BINS, BINS)


def test_the_axis_from_five_slices(exchange):
    line = axis_of(recipe_of(exchange), exchange)
    np.testing.assert_allclose(line.at([0, SLICES - 1]), (BINS - 1) / 2, atol=0.15)


def test_what_is_to_be_known_of_the_axis_is_told(exchange, monkeypatch, capsys):
    line = AxisLine(20.0, 0.01, (SLICES - 1) / 2, {0: 20.0}, {}, 0.0, 0.0, "the tilt did not settle")
    monkeypatch.setattr(look, "axis_of", lambda recipe, source: line)
    batch_run._found(recipe_of(exchange), exchange)
    told = capsys.readouterr()
    assert "bins off the line; the tilt did not settle" in told.out + told.err
