"""Two runs that want the same output, and outputs that are links, somebody's own, or without their markers."""

import json
import os
import shutil

import numpy as np
import pytest

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.stacks.blocks import Block
from napari_mlpatch.stacks.control import StackControl
from napari_mlpatch.stacks.events import BlockDone
from napari_mlpatch.stacks.executors.embedded import Embedded
from napari_mlpatch.stacks.markers import FORMAT
from napari_mlpatch.stacks.prepare import prepared
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.work import do_block

from .conftest import recipe_of
from .test_run_stack import ran, read

NAMES = ["volume.zarr", "volume.h5", "volume.tif", "volume"]


def begun(recipe, path, out, **options):
    """A run that was ended after its first block."""
    control = StackControl()
    for event in run_stack(recipe, path, out, control=control, **options):
        if isinstance(event, BlockDone):
            control.stop()
    assert not event.complete
    return event


@pytest.mark.parametrize("name", NAMES)
def test_one_run_at_a_time_writes_an_output(name, exchange, tmp_path):
    recipe, other = recipe_of(exchange, block=1), recipe_of(exchange, mp.methods.FBP(window="hann"), block=1)
    running = run_stack(recipe, exchange, tmp_path / name)
    next(running)
    for again, force in ((recipe, False), (other, True)):
        with pytest.raises(InputError, match=rf"is being written by another run \(process {os.getpid()} on "):
            list(run_stack(again, exchange, tmp_path / name, force=force))
    *_, end = running
    assert end.complete and not list(tmp_path.glob("*.blocks"))
    ran(other, exchange, tmp_path / name, force=True)


def test_a_block_of_a_run_that_was_replaced_is_not_written(exchange, tmp_path):
    recipe, other = recipe_of(exchange, block=2), recipe_of(exchange, mp.methods.FBP(window="hann"), block=2)
    out = tmp_path / "volume.zarr"
    begun(recipe, exchange, out)
    with pytest.raises(StopIteration) as end:
        next(prepared(recipe, exchange, out, Embedded()))
    ready = end.value.value
    ready.close()
    begun(other, exchange, out, force=True)
    report = do_block(ready.job, Block(0, 0, 2))
    assert "belongs to another run by now" in report.message and report.ends
    ran(other, exchange, out)
    ran(other, exchange, tmp_path / "whole.zarr")
    np.testing.assert_array_equal(read(out), read(tmp_path / "whole.zarr"))


@pytest.mark.parametrize("name", NAMES)
def test_half_an_output_is_never_taken_for_a_whole_one(name, exchange, tmp_path):
    recipe, out = recipe_of(exchange, block=2), tmp_path / name
    begun(recipe, exchange, out)
    shutil.rmtree(tmp_path / f"{name}.blocks")
    with pytest.raises(InputError, match=r"\.blocks, which knew what of it is done, is gone"):
        list(run_stack(recipe, exchange, out))
    ran(recipe, exchange, out, force=True)


def test_what_is_not_of_a_run_that_was_killed_at_its_beginning_stays(exchange, tmp_path):
    markers, mine = tmp_path / "volume.zarr.blocks", tmp_path / "volume.zarr"
    markers.mkdir()
    (markers / "run.json").write_text(json.dumps({"format": FORMAT, "created": False}))
    mine.mkdir()
    (mine / "letter.txt").write_text("keep")
    with pytest.raises(InputError, match="is no output of such a run"):
        list(run_stack(recipe_of(exchange), exchange, mine))
    (mine / "letter.txt").rename(mine / "zarr.json.0123.partial")  # that of a killed run is made anew
    ran(recipe_of(exchange), exchange, mine)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("name", ["volume.zarr", "volume.tif"])
def test_a_link_stays_a_link(name, exchange, tmp_path):
    (tmp_path / "disk").mkdir()
    if name.endswith("zarr"):
        (tmp_path / "disk" / name).mkdir()
    os.symlink(tmp_path / "disk" / name, tmp_path / name)
    ran(recipe_of(exchange), exchange, tmp_path / name)
    ran(recipe_of(exchange, mp.methods.FBP(window="hann")), exchange, tmp_path / name, force=True)
    assert (tmp_path / name).is_symlink()
    assert read(tmp_path / "disk" / name).shape == (10, 32, 32) and len(list((tmp_path / "disk").iterdir())) == 1
