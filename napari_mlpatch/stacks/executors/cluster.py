"""On a Dask cluster: processes of this machine, or a scheduler that runs somewhere, SLURM's workers among them."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from napari_mlpatch import __version__
from napari_mlpatch.core.errors import InputError

from ..blocks import Block
from ..control import StackControl
from ..job import Job, Report
from ..markers import Markers
from ..sinks import sink_for
from ..work import do_block, let_go

TICK = 0.5
ANSWER = 10.0
"""Seconds in which a scheduler has to answer."""
ARRIVE = 60.0
"""Seconds in which the first worker has to come."""
OTHERS = 2
"""Threads of a worker beside those of its lanes: one block waits with its data, one is written."""
AHEAD = 2
"""Blocks that wait for each thread of the cluster, so that none waits for the next."""
QUIET = {"distributed.worker.profile.enabled": False, "distributed.admin.tick.interval": "500ms"}
"""Else each process of Dask looks a hundred times a second at what its threads do: 3 to 4 % of a core for each."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
ONE_ARENA = {"distributed.nanny.pre-spawn-environ.MALLOC_ARENA_MAX": "1"}
"""What ``heap.one_arena`` does, before a worker has any thread."""
COMPARED = ("python", "dask", "distributed", "cloudpickle", "msgpack")


class Cluster:
    """``address`` of a scheduler, or ``workers`` processes of this machine, each with ``cores`` (None: its share).

    Raises InputError where nobody answers, there are no workers, or their versions are others.
    """

    def __init__(self, address: str | None = None, workers: int | None = None, cores: int | None = None):
        try:
            import distributed
        except ImportError:
            raise InputError(
                "Several workers need Dask's package distributed, which is not installed: "
                "pip install napari-mlpatch[cluster]"
            ) from None
        self.within, self.lanes, self.cores = 0.0, 1, 0
        self._own: Any = None
        if address is None:
            self.workers = workers or 2
            self.lanes = self.cores = cores or max(1, (os.cpu_count() or 1) // self.workers)
            from dask import config

            with config.set(QUIET | ONE_ARENA):
                self._own = distributed.LocalCluster(
                    n_workers=self.workers,
                    threads_per_worker=self.lanes + OTHERS,
                    processes=True,
                    memory_limit=0,  # the blocks are sized for it
                    dashboard_address=":0",
                    silence_logs=logging.ERROR,
                    env={name: str(self.cores) for name in THREADS},
                )
            self._client = distributed.Client(self._own, set_as_default=False)
        else:
            self._client = _connected(distributed, address)
            try:
                self.workers = _workers(self._client, address)
                _check_versions(self._client, address)
                self.lanes = max(1, min(self._threads()) - OTHERS)
            except BaseException:
                self._client.close()
                raise

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def client(self) -> Any:
        """The ``dask.distributed.Client``, for other tasks."""
        return self._client

    def close(self) -> None:
        if self._own is None:
            with suppress(Exception):  # a worker that is gone
                self._client.run(let_go, on_error="ignore")
        with suppress(Exception):
            self._client.close()
        if self._own is not None:
            with suppress(Exception):
                self._own.close()

    def reports(self, job: Job, blocks: Sequence[Block], control: StackControl) -> Iterator[Report | None]:
        ended = threading.Event()  # distributed.wait needs this client as everybody's default, napari's layers' too
        waiting, running = deque(blocks), dict[Any, Block]()
        markers, told = Markers(sink_for(job.out).path), None
        threads = max(sum(self._threads()), self.workers)
        markers.wish(None)
        try:
            while running or (waiting and control.wish is None):
                while waiting and len(running) < threads + AHEAD and not control.paused and control.wish is None:
                    block = waiting.popleft()
                    future = self._client.submit(do_block, job, block, pure=False)
                    running[future] = block
                    future.add_done_callback(lambda one: ended.set())
                if control.wish != told:  # workers look for it; a task that Dask cancels goes on behind its back
                    told = control.wish
                    markers.wish(told)
                if not running:
                    time.sleep(TICK)  # paused
                    yield None
                    continue
                ended.wait(TICK)
                ended.clear()
                done = [future for future in running if future.done()]
                for future in done:
                    yield _report(future, running.pop(future))
                if not done:
                    yield None
                    if not self._arrived():
                        self._wait_for_workers()
        finally:
            if running:  # nobody listens any more
                with suppress(OSError):
                    markers.wish("cancel")
                with suppress(Exception):
                    self._client.cancel(list(running))

    def _threads(self) -> list[int]:
        """Of each worker that is there."""
        found: Any = self._client.nthreads()
        return list(found.values()) or [1]

    def _arrived(self) -> int:
        """How many workers there are now; none where the scheduler does not answer."""
        try:
            return len(self._client.scheduler_info(n_workers=-1).get("workers", {}))
        except (OSError, TimeoutError):
            return 0

    def _wait_for_workers(self) -> None:
        since = time.monotonic()
        while not self._arrived():
            if time.monotonic() - since > ARRIVE:
                raise InputError("All workers of the cluster are gone. Start some, then run the same again.")
            time.sleep(TICK)


def _report(future: Any, block: Block) -> Report:
    if future.status in ("cancelled", "lost"):
        return Report(block, message="the scheduler has gone, or has cancelled the work", ends=True)
    if future.status == "error":
        error = future.exception()
        died = type(error).__name__ == "KilledWorker"
        why = "its worker ended several times while it was computed (out of memory?)" if died else str(error)
        return Report(block, message=f"{type(error).__name__}: {why}"[:500], passing=died)
    return future.result()


def _connected(distributed: Any, address: str) -> Any:
    try:
        return distributed.Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(
            f"No Dask scheduler answers at {address} ({str(error).strip() or type(error).__name__}). Start one (dask "
            "scheduler), or give the address that it printed, such as tcp://192.168.0.7:8786."
        ) from None
    except Exception as error:  # another version cannot even be talked to
        raise InputError(
            f"The scheduler at {address} does not understand this program ({type(error).__name__}: {error}). Is "
            "another version of Dask running there? Install the same one."
        ) from None


def _workers(client: Any, address: str) -> int:
    with suppress(TimeoutError):
        client.wait_for_workers(1, timeout=ARRIVE)
    count = len(client.scheduler_info(n_workers=-1).get("workers", {}))
    if not count:
        raise InputError(f"The scheduler at {address} has no workers. Start some: dask worker {address}")
    return count


def _check_versions(client: Any, address: str) -> None:
    """Raises InputError where scheduler or workers have other versions of what they share with this program."""
    found = client.get_versions(check=False)
    mine = found["client"]["packages"]
    others = {"the scheduler": found["scheduler"], **{f"worker {k}": v for k, v in found["workers"].items()}}
    for name, about in others.items():
        theirs = about["packages"]
        wrong = [key for key in COMPARED if _short(key, mine.get(key)) != _short(key, theirs.get(key))]
        if wrong:
            listed = ", ".join(f"{key} {theirs.get(key)} (here {mine.get(key)})" for key in wrong)
            raise InputError(f"At {address}, {name} has other versions: {listed}. Install the same ones.")
    for worker, version in client.run(_version).items():
        if version != __version__:
            what = f"napari-mlpatch {version}" if version else "no napari-mlpatch"
            raise InputError(f"At {address}, worker {worker} has {what}, here is {__version__}. Install the same one.")


def _short(key: str, version: Any) -> str:
    """Of Python, the last number does not matter."""
    text = str(version)
    return ".".join(text.split(".")[:2]) if key == "python" else text


def _version() -> str:
    import importlib.metadata

    try:
        return importlib.metadata.version("napari-mlpatch")
    except importlib.metadata.PackageNotFoundError:
        return ""
