"""Which device a process trains on."""

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
