"""How much memory operators' tables take: counted, and what each operator says beforehand."""

import math

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.declare import build
from napari_mlpatch.core.registry import operators
from napari_mlpatch.core.tables import cached, held_bytes

SLACK = 1 << 15


def suggested(name, size):
    return build(operators, {"name": name, "params": operators.get(name).suggest((size, size))})


def use(A):
    """Make all tables that there are, in single precision."""
    generator = torch.Generator().manual_seed(0)
    dtype = torch.complex64 if A.complex_image else torch.float32
    x = torch.rand(1, 1, *A.domain_shape, generator=generator, dtype=dtype)
    y = A(x)
    A.T(y), A.normal(x), A.pinv(y), A.normal_symbol(x.device, torch.float32), A.column_norm
    if A.closed_form:
        A.solve_shifted(x, 0.1)


@pytest.mark.parametrize("name", operators.names())
def test_operators_say_what_their_tables_will_take(name):
    A = suggested(name, 128)
    said = A.memory_bytes()
    assert held_bytes(A) <= said + SLACK, "before anything is made"
    use(A)
    held = held_bytes(A)
    assert A.memory_bytes() == said
    assert 0.85 * held - SLACK <= said <= 1.25 * held + SLACK, f"says {said}, holds {held}"


@pytest.mark.parametrize(
    "A",
    [
        mp.operators.ParallelBeam(image_shape=(96, 80), angles_deg="0:180:300", detector_count=60),
        mp.operators.ParallelBeam(image_shape=(96, 96), angles_deg="0:180:40", detector_count=70, detector_pitch=2.0),
        mp.operators.MRICartesian(image_shape=(128, 128)),
        mp.operators.MRINonCartesian(image_shape=(96, 96), spokes=40),
        mp.operators.CompressedSensing(image_shape=(32, 32), matrix="gaussian"),
        mp.operators.SuperResolution(image_shape=(96, 96), factor=2),
        mp.operators.SuperResolution(image_shape=(96, 96), factor=2, kernel="bicubic"),
        mp.operators.CompressedSensing(image_shape=(60, 60)),
    ],
    ids=repr,
)
def test_and_of_other_parameters(A):
    use(A)
    held = held_bytes(A)
    assert 0.75 * held - SLACK <= A.memory_bytes() <= 1.3 * held + SLACK, f"says {A.memory_bytes()}, holds {held}"


def test_shared_storage_counts_once_and_other_devices_do_not():
    A = mp.operators.Identity(image_shape=(4, 4))
    x, a = torch.zeros(100), np.zeros(50)
    count = cached(A)
    vars(A)["_made"] = {"x": x, "view": x[10:], "same": [x, (x.view(10, 10),)], "a": a, "part": a[:3]}
    assert held_bytes(A) == 400 + 400
    assert cached(A) > count
    vars(A)["_more"] = torch.zeros(7, device="meta")
    assert held_bytes(A) == 800
    assert held_bytes(0.5 * A) == 800 and cached(0.5 * A) >= cached(A)


def test_parameters_are_not_tables():
    mask = np.random.default_rng(0).random((64, 64)) > 0.5
    A = mp.operators.MRICartesian(image_shape=(64, 64), mask="custom", mask_values=mask)
    assert held_bytes(A) < mask.nbytes + SLACK


def test_sparse_tables():
    A = mp.operators.Identity(image_shape=(4, 4))
    n = torch.arange(101)
    matrix = torch.sparse_csr_tensor(n, n[:-1].clone(), torch.ones(100))
    vars(A)["_matrix"] = matrix
    parts = (matrix.crow_indices(), matrix.col_indices(), matrix.values())
    assert held_bytes(A) == sum(math.prod(p.shape) * p.element_size() for p in parts)
