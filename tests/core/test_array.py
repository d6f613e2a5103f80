"""Arrays as parameters."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_mlpatch import io
from napari_mlpatch.core import array as array_module
from napari_mlpatch.core.array import Array
from napari_mlpatch.core.errors import InputError

ANY = arrays.arrays(
    st.sampled_from([np.float32, np.float64, np.complex64, np.uint8, np.bool_]),
    arrays.array_shapes(min_dims=1, max_dims=3, max_side=5),
    elements={"allow_nan": False, "allow_infinity": False},
)


@given(ANY)
def test_json_round_trip(values):
    array = Array(values)
    again = Array.parse(json.loads(json.dumps(array.json())))
    assert again == array and hash(again) == hash(array)
    assert again.values.dtype == values.dtype and np.array_equal(again.values, values)
    assert not again.values.flags.writeable


def test_compares_by_value():
    assert Array([[1, 2]]) == Array(np.array([[1, 2]]))
    assert Array([1.0, 2.0]) != Array([[1.0, 2.0]])
    assert Array([1.0, 2.0]) != Array([1.0, 3.0])
    assert Array([1, 0]) != Array([True, False])


@pytest.mark.parametrize(
    "bad",
    ["nothing", [], [[1, np.nan]], [[1], [2, 3]], [np.inf], {"npy": "!!"}, {"npy": "AAAA"}, None, object()],
)
def test_bad_values(bad):
    with pytest.raises(ValueError, match="array"):
        Array.parse(bad)


def test_tensors():
    x = torch.arange(6.0, requires_grad=True).reshape(2, 3)
    assert Array(x) == Array(x.detach().numpy())
    z = torch.tensor([1 + 2j, 3 - 1j]).conj()
    assert Array(z) == Array(np.array([1 - 2j, 3 + 1j], np.complex64))
    with pytest.raises(ValueError, match="array of numbers"):
        Array(x.to(torch.bfloat16))


def test_equal_arrays_are_equal_text():
    values = np.arange(6.0).reshape(2, 3)
    assert Array(np.asfortranarray(values)).json() == Array(values).json()


def test_what_can_be_written_can_be_read(monkeypatch):
    monkeypatch.setattr(array_module, "MOST_BYTES", 4096)
    largest = Array(np.random.default_rng(0).random(512))
    assert Array.parse(largest.json()) == largest
    for above in (np.zeros(513), np.zeros(513).tolist(), torch.zeros(1025)):
        with pytest.raises(ValueError, match="at most"):
            Array(above)


def test_files(tmp_path):
    kernel = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "kernel.npy", kernel)
    assert io.read_array(tmp_path / "kernel.npy") == Array(kernel)
    np.save(tmp_path / "bad.npy", kernel * np.nan)
    for name in ("bad.npy", "missing.npy"):
        with pytest.raises(InputError, match=name):
            io.read_array(tmp_path / name)
    (tmp_path / "text.npy").write_text("no numbers")
    with pytest.raises(InputError, match=r"text\.npy"):
        io.read_array(tmp_path / "text.npy")
