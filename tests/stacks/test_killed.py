"""SIGKILL in the middle of a block, and workers of a cluster that die: nothing but that block is done again."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.stacks import work
from napari_mlpatch.stacks.control import StackControl
from napari_mlpatch.stacks.events import BlockDone, BlockFailed, Finished
from napari_mlpatch.stacks.executors.cluster import Cluster
from napari_mlpatch.stacks.run_stack import run_stack

from .conftest import recipe_of
from .test_run_stack import ran, read

HELD = """
import sys, time
from napari_mlpatch.stacks import work
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.stack_recipe import StackRecipe

sink = type(work.sink_for(sys.argv[3]))
write = sink.write

def held(self, start, x):
    if start == 3:
        write(self, start, x * 2.0)  # all of it but wrong, and never marked
        open(sys.argv[4], "w").close()
        time.sleep(600)
    write(self, start, x)

sink.write = held
list(run_stack(StackRecipe.from_json(open(sys.argv[1]).read()), sys.argv[2], sys.argv[3]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_run_goes_on_to_the_same_bits(exchange, tmp_path, monkeypatch):
    recipe, out, sign = recipe_of(exchange, block=1), tmp_path / "volume.zarr", tmp_path / "held"
    (tmp_path / "recipe.json").write_text(recipe.to_json())
    words = [tmp_path / "recipe.json", exchange, out, sign]
    process = subprocess.Popen([sys.executable, "-c", HELD, *map(str, words)])
    try:
        while not sign.exists():
            assert process.poll() is None
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    marked = {int(file.name) for file in (tmp_path / "volume.zarr.blocks").glob("[0-9]*")}
    computed = []
    compute = work.Tools.compute

    def counted(self, loaded, start, *told):
        computed.append(start)
        return compute(self, loaded, start, *told)

    monkeypatch.setattr(work.Tools, "compute", counted)
    ran(recipe, exchange, out)
    assert sorted(computed) == sorted(set(range(10)) - marked) and len(computed) < 10
    monkeypatch.undo()
    ran(recipe, exchange, tmp_path / "whole.zarr")
    np.testing.assert_array_equal(read(out), read(tmp_path / "whole.zarr"))


@pytest.fixture(scope="module")
def scheduler():
    """The address of a scheduler with two workers, processes of their own."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=4,
        processes=True,
        dashboard_address=":0",
        memory_limit=0,
        env={"OMP_NUM_THREADS": "1"},
    ) as cluster:
        yield cluster.scheduler_address


def test_a_block_that_fails_on_a_worker_is_told(scheduler, exchange, tmp_path):
    recipe = recipe_of(exchange, block=2, rule={"kind": "listed", "values": (16.0,) * 4 + (90.0,) * 2 + (16.0,) * 4})
    with Cluster(scheduler) as cluster:
        assert cluster.lanes == 2  # its workers' threads but two
        *events, end = run_stack(recipe, exchange, tmp_path / "volume.zarr", executor=cluster)
    (failed,) = [event for event in events if isinstance(event, BlockFailed)]
    assert (failed.block.start, failed.block.stop) == (4, 6) and "90" in failed.message
    assert end.done == 8 and end.message.startswith("8 of 10 slices, 2 failed: ")


@pytest.mark.parametrize("wish", ["stop", "cancel"])
def test_a_run_on_a_cluster_is_ended_and_gone_on_with(wish, scheduler, exchange, tmp_path):
    recipe, control, done = recipe_of(exchange, block=1), StackControl(), 0
    with Cluster(scheduler) as cluster:
        for event in run_stack(recipe, exchange, tmp_path / "volume.zarr", executor=cluster, control=control):
            if isinstance(event, BlockDone):
                done += 1
                getattr(control, wish)()
        assert isinstance(event, Finished) and event.done == done >= 1 and not event.failed
        assert event.cancelled == (done < 10)
        *_, event = run_stack(recipe, exchange, tmp_path / "volume.zarr", executor=cluster)
    assert isinstance(event, Finished) and event.complete


def test_other_versions_and_no_scheduler_are_told(scheduler, monkeypatch):
    from napari_mlpatch.stacks.executors import cluster

    monkeypatch.setattr(cluster, "__version__", "99.0")
    with pytest.raises(InputError, match=r"has napari-mlpatch .*, here is 99\.0"):
        Cluster(scheduler)
    monkeypatch.setattr(cluster, "ANSWER", 0.2)
    with pytest.raises(InputError, match="No Dask scheduler answers"):
        Cluster("tcp://127.0.0.1:9")


def test_a_cluster_makes_the_same_and_survives_a_worker(scheduler, exchange, tmp_path):
    recipe = recipe_of(exchange, block=1)
    ran(recipe, exchange, tmp_path / "whole.zarr")
    with Cluster(scheduler) as cluster:
        assert cluster.workers == 2
        pid = next(iter(cluster._client.run(os.getpid).values()))
        done = 0
        for event in run_stack(recipe, exchange, tmp_path / "volume.zarr", executor=cluster):
            assert not isinstance(event, BlockFailed)
            done += isinstance(event, BlockDone)
            if done == 2 and pid:
                os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
                pid = 0
        assert event.complete and done == 10
    np.testing.assert_array_equal(read(tmp_path / "volume.zarr"), read(tmp_path / "whole.zarr"))
