"""What every test gets: a seed, two threads (one beside others), examples that stay, napari settings of its own."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

BESIDE_OTHERS = "PYTEST_XDIST_WORKER" in os.environ
if BESIDE_OTHERS:  # for the processes that tests start
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

# Before napari is imported: leave the user's settings alone, and report Qt calls from the wrong thread.
os.environ["NAPARI_CONFIG"] = ""
os.environ["NAPARI_ENSURE_PLUGIN_MAIN_THREAD"] = "1"

torch.set_num_threads(1 if BESIDE_OTHERS else 2)

# The same examples on every machine, however slow it is: pytest's timeout ends what hangs.
settings.register_profile("plain", deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck])
settings.load_profile("plain")

ONE_THREAD = {"core", "denoisers", "interop", "methods", "operators", "solvers", "stacks"}
"""Folders of tests with small problems: a second thread costs them more than it gives."""


@pytest.fixture(autouse=True)
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    if request.path.parent.name in ONE_THREAD:
        torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def seed() -> int:
    torch.manual_seed(0)
    return 0


@pytest.fixture(autouse=True)
def no_weights_of_the_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPATCH_WEIGHTS", str(tmp_path_factory.getbasetemp() / "no-weights"))


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Gate:
    """Holds a worker thread before a piece of work until it is opened: "while it computes", on any machine."""

    PATIENCE = 120.0

    def __init__(self):
        self._reached, self._open = threading.Event(), threading.Event()

    def before(self, work):
        """``work``, but held."""

        def held(*args, **kwargs):
            self._reached.set()
            assert self._open.wait(self.PATIENCE), "nobody opened the gate"
            return work(*args, **kwargs)

        return held

    @property
    def reached(self):
        """Whether a thread stands before it, or has passed."""
        return self._reached.is_set()

    def open(self):
        self._open.set()


@pytest.fixture
def gate():
    """A closed gate; opened at the latest when the test has ended, so that no thread is left waiting."""
    gate = Gate()
    yield gate
    gate.open()
