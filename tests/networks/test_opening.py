"""Networks are opened once, for all who use them, and forgotten when a device is left or others come."""

import threading

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.core import kept
from napari_mlpatch.core.kept import Kept
from napari_mlpatch.core.registry import architectures
from napari_mlpatch.explore import microscope
from napari_mlpatch.networks import opening
from napari_mlpatch.weights import Weights

GRAY = "mlpatch-gray-small"


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(opening, "_networks", Kept(opening.MOST, opening.MOST_BYTES))


@pytest.fixture
def opens(monkeypatch):
    """The names of the architectures that are built from tensors."""
    seen = []
    original = networks.from_tensors

    def counted(name, config, tensors):
        seen.append(name)
        return original(name, config, tensors)

    monkeypatch.setattr(networks, "from_tensors", counted)
    return seen


def test_methods_microscope_and_others_share_one(opens):
    found = mp.weights.find(GRAY)
    network = networks.opened(found)
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    assert microscope.open_network(found) is network is networks.opened(mp.weights.find(GRAY), "cpu")
    A = mp.operators.Identity(image_shape=(32, 32))
    problem = mp.Problem(A, torch.rand(1, 1, 32, 32))
    for _ in range(2):
        mp.reconstruct(problem, mp.methods.Direct(), found)
    assert opens == ["mlpatch"]


def test_other_tensors_under_the_same_fingerprint_are_another_network(opens):
    found = mp.weights.find("dncnn-gray-small")
    forged = Weights({name: 2 * value for name, value in found.tensors.items()}, found.card)
    first, second = networks.opened(found), networks.opened(forged)
    assert first is not second and opens == ["dncnn", "dncnn"]
    for name, value in second.state_dict().items():
        torch.testing.assert_close(value, 2 * first.state_dict()[name])


def test_precisions_are_apart():
    found = mp.weights.find("dncnn-gray-small")
    rough = networks.opened(found, precision="bfloat16")
    assert rough is not networks.opened(found) and rough is networks.opened(found, precision="bfloat16")
    x = torch.rand(1, 1, 16, 16)
    assert rough(x, 0.1).dtype == torch.float32
    torch.testing.assert_close(rough(x, 0.1), networks.opened(found)(x, 0.1), atol=0.02, rtol=0)


def test_threads_wait_for_the_one_that_opens(opens):
    found, got = mp.weights.find(GRAY), []
    threads = [threading.Thread(target=lambda: got.append(networks.opened(found))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 6 and len({id(network) for network in got}) == 1 and opens == ["mlpatch"]


def test_what_was_opened_in_inference_mode_can_be_looked_into():
    """The microscope takes derivatives of what a method may have opened."""
    with torch.inference_mode():
        network = networks.opened(mp.weights.find("dncnn-gray-small"))
    x = torch.rand(1, 1, 16, 16, requires_grad=True)
    network(x, 0.1).sum().backward()
    assert x.grad is not None


def test_the_last_ones_are_kept_within_bounds():
    few, small, device = Kept(2, 1000), Kept(9, 10), torch.device("cpu")
    for k in (1, 2, 1, 3):
        few.get_or_make(k, device, lambda k=k: [k], lambda value: 1)
        small.get_or_make(k, device, lambda k=k: [k], lambda value: 6)
    assert list(few._values) == [1, 3] and list(small._values) == [3], "the one used longest ago goes first"
    small.get_or_make("large", device, lambda: [0], lambda value: 100)
    assert list(small._values) == ["large"], "the last one stays whatever its size"


def test_a_job_that_leaves_a_gpu_takes_its_networks_along():
    gpu, cpu = torch.device("cuda", 1), torch.device("cpu")
    store = Kept(9, 1000)
    for device in (gpu, cpu, torch.device("cuda", 0)):
        store.get_or_make(device, device, list, len)
    with kept.visiting(cpu):
        pass
    assert len(store) == 3
    with kept.visiting(gpu):
        pass
    assert gpu not in store._values and len(store) == 2
    with kept.visiting(torch.device("cuda")):
        pass
    assert list(store._values) == [cpu]


def test_networks_of_a_device_can_be_released():
    network = networks.opened(mp.weights.find("dncnn-gray-small"))
    networks.release("cuda")
    assert networks.opened(mp.weights.find("dncnn-gray-small")) is network
    networks.release("cpu")
    assert networks.opened(mp.weights.find("dncnn-gray-small")) is not network


@pytest.mark.parametrize("name", sorted(cls.name for cls in architectures))
def test_what_files_do_not_hold_is_there_when_opened(name):
    """Also buffers that are not stored, as the filters of wavelets: no tensor is left without values."""
    config = {"channels": 1, **architectures.get(name).start}
    made = networks.build(name, config)
    before = torch.get_rng_state()
    found = networks.from_tensors(name, config, made.state_dict())
    assert torch.equal(torch.get_rng_state(), before)
    for (key, value), (_, own) in zip(found.named_buffers(), made.named_buffers(), strict=True):
        assert torch.equal(value, own), key
    assert not any(value.is_meta for value in found.parameters())
