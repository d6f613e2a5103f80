"""Tables are made once, by one thread, outside of inference mode, and leave a device with who visited it."""

import copy
import pickle
import threading

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.made_once import MadeOnce, placed

GPU = torch.device("meta")  # stands for any device but the CPU


def blur():
    return mp.operators.Blur(image_shape=(8, 9))


def devices(A):
    return {part.type for key in A._made for part in key if isinstance(part, torch.device)}


def test_made_once_by_many_threads():
    made, values, start = [], MadeOnce(), threading.Barrier(8)

    def ask():
        start.wait()
        values.get_or_make("key", lambda: made.append(1) or object())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1] and len(values) == 1


def test_what_fails_is_tried_again():
    values = MadeOnce()
    with pytest.raises(ZeroDivisionError):
        values.get_or_make("key", lambda: 1 / 0)
    assert values.get_or_make("key", lambda: 3) == 3


def test_made_outside_of_inference_mode():
    with torch.inference_mode():
        assert not MadeOnce().get_or_make("key", lambda: torch.ones(1)).is_inference()


def test_copies_start_empty():
    A = blur()
    A(torch.rand(1, 1, 8, 9))
    for again in (copy.deepcopy(A), pickle.loads(pickle.dumps(A))):
        assert again == A and not again._made
        assert again(torch.rand(1, 1, 8, 9)).shape == (1, 1, 8, 9)


def test_placed():
    there, real = torch.device("cpu"), torch.float32
    assert placed(torch.ones(2, dtype=torch.complex128), there, real).dtype == torch.complex64
    assert placed(torch.ones(2).double().numpy()[::-1], there, real).dtype == torch.float32
    assert placed(torch.ones(2, dtype=torch.bool), there, real).dtype == torch.bool
    assert placed(0.25, there, real) == 0.25


def test_tables_leave_with_the_visitor():
    A = mp.operators.Composed(outer=blur(), inner=blur())
    A(torch.rand(1, 1, 8, 9))
    x = torch.rand(1, 1, 8, 9, device=GPU)
    with A.visiting(GPU):
        A._apply(x), A.normal_symbol(GPU, torch.float32)
        assert devices(A) == {"meta"} and devices(A.outer) == devices(A.inner) == {"cpu", "meta"}
    assert devices(A) == set() and devices(A.outer) == devices(A.inner) == {"cpu"}


def test_what_was_there_before_stays():
    A, x = blur(), torch.rand(1, 1, 8, 9, device=GPU)
    A._apply(x)
    with A.visiting(GPU):
        A._normal(x)
    A.normal(torch.rand(1, 1, 8, 9))
    assert sum(GPU in key for key in A._made) == 2  # symbol and its power are made together
    with pytest.raises(ZeroDivisionError), A.visiting(GPU):
        A.normal_symbol(GPU, torch.float64)
        raise ZeroDivisionError
    assert all(key[2] == torch.float32 for key in A._made)
    with A.visiting(torch.device("cpu")):
        A(torch.rand(1, 1, 8, 9, dtype=torch.float64))
    A.release("meta")
    assert devices(A) == {"cpu"} and {key[2] for key in A._made} == {torch.float32, torch.float64}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_run_leaves_the_gpu():
    A = mp.operators.ParallelBeam(image_shape=(32, 32), angles_deg="0:180:20", detector_count=46)
    problem = mp.simulate(torch.rand(32, 32), A)
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    result = mp.reconstruct(problem, mp.methods.TV(weight=0.1, iterations=3), device="cuda")
    assert devices(A) == {"cpu"} and result.x.device.type == "cpu"
    del result
    assert torch.cuda.memory_allocated() <= before + (1 << 22)  # the workspaces of libraries
