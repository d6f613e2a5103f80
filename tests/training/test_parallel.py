"""Which device a process trains on."""

import os
import subprocess
import sys

import pytest
import torch
from torch.cuda._utils import _get_device_index

from napari_mlpatch.training import parallel
from napari_mlpatch.training.parallel import Team


@pytest.fixture
def two_gpus(monkeypatch):
    """A machine with two GPUs, of which number 1 is the current one; gives the list of those that were set."""
    there = []

    class Empty:
        def item(self):
            return 0.0

    monkeypatch.setattr(parallel.torch, "empty", lambda *size, device: Empty())
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    # As the real one does, which refuses a device without a number.
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: there.append(_get_device_index(device)))
    monkeypatch.setattr(parallel.dist, "is_initialized", lambda: False)
    monkeypatch.setattr(parallel.dist, "init_process_group", there.append)
    return there


@pytest.mark.parametrize(("name", "number"), [("cuda", 1), ("cuda:0", 0), ("cuda:1", 1)])
def test_alone_on_a_gpu(two_gpus, name, number):
    team = Team.of(name)
    assert (team.rank, team.size, team.device) == (0, 1, torch.device("cuda", number))
    assert two_gpus == [number]


def test_each_process_of_a_team_has_its_gpu(two_gpus, monkeypatch):
    for name, value in (("RANK", 5), ("WORLD_SIZE", 8), ("LOCAL_RANK", 1)):
        monkeypatch.setenv(name, str(value))
    team = Team.of("cuda")
    assert (team.rank, team.size, team.device) == (5, 8, torch.device("cuda:1"))
    assert two_gpus == [1, "nccl"]


def test_on_the_cpu(two_gpus):
    assert Team.of("cpu").device == torch.device("cpu") and two_gpus == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("name", ["cuda", "cuda:0"])
def test_on_the_gpu(name):
    assert torch.zeros(1, device=Team.of(name).device).device == torch.device("cuda:0")


TWO = """
import torch
from napari_mlpatch.training.parallel import Team

team = Team.of("cpu")
gradients = [torch.full((2, 3), 1.0 + team.rank), torch.arange(4.0) * (10 if team.rank else 1)]
team.average(gradients)
ends = team.agree(team.rank == 0)
with open(f"rank{team.rank}.txt", "x") as file:
    print(team.size, gradients[0].unique().tolist(), gradients[1].tolist(), ends, file=file)
"""


def test_two_processes_average_their_gradients(tmp_path):
    """Of torchrun, which chooses a free port: both have the mean, and the first one says when it ends."""
    (tmp_path / "two.py").write_text(TWO)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "two.py"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for rank in (0, 1):
        assert (tmp_path / f"rank{rank}.txt").read_text().strip() == "2 [1.5] [0.0, 5.5, 11.0, 16.5] True"
