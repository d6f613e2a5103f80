"""The smaller levels of a volume: told while they are made, left in between, made by the same run."""

import numpy as np
import pytest
import zarr

from napari_mlpatch.stacks.control import StackControl
from napari_mlpatch.stacks.events import BlockDone, Finished, Progress
from napari_mlpatch.stacks.opened import open_volume
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.sinks import ome_zarr
from napari_mlpatch.stacks.sinks.sink import Volume

from .conftest import recipe_of
from .test_run_stack import ran


@pytest.mark.parametrize("shards", [1, 3])
def test_a_pyramid_that_is_cancelled_is_made_by_the_same_run(shards, exchange, tmp_path, monkeypatch):
    monkeypatch.setattr(ome_zarr, "SMALL", 8)  # 32, 16 and 8 pixels
    recipe, out, control = recipe_of(exchange, block=4), tmp_path / "volume.zarr", StackControl()
    ran(recipe, exchange, tmp_path / "whole.zarr")
    parts = []
    for event in run_stack(recipe, exchange, out, control=control):
        if isinstance(event, Progress) and event.finishing is not None:
            parts.append(event.finishing)
            if len(parts) == shards:
                control.cancel()
    assert isinstance(event, Finished) and event.complete and event.cancelled and not event.finished
    assert event.message == "10 of 10 slices, all there, but the smaller levels are still to be made, cancelled"
    assert 0 < parts[0] < 1 and parts == sorted(parts)
    opened = open_volume(out)
    assert len(opened.levels) == 1 and not opened.complete
    events = ran(recipe, exchange, out)
    assert not any(isinstance(event, BlockDone) for event in events) and events[-1].finished
    again = [event.finishing for event in events if isinstance(event, Progress) and event.finishing is not None]
    assert again[-1] == 1.0 and len(again) == (4 if shards == 1 else 2)  # the first level, once it is whole, is kept
    for level in ("0", "1", "2"):
        expected = zarr.open_array(str(tmp_path / "whole.zarr" / level), mode="r")[:]
        np.testing.assert_array_equal(zarr.open_array(str(out / level), mode="r")[:], expected)
    assert len(open_volume(out).levels) == 3 and not (tmp_path / "volume.zarr.blocks").exists()


def test_pictures_of_zeros_are_written_like_others(tmp_path):
    sink = ome_zarr.OmeZarr(tmp_path / "volume.zarr")
    sink.create(Volume((4, 8, 8), 2, about={"block": 2}))
    sink.write(0, np.zeros((2, 8, 8), np.float32))
    sink.write(2, np.ones((2, 8, 8), np.float32))
    assert zarr.open_array(str(tmp_path / "volume.zarr" / "0"))[:].mean(axis=(1, 2)).tolist() == [0, 0, 1, 1]
