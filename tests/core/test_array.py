"""Arrays as parameters."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_mlpatch import io
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
    "bad", ["nothing", [], [[1, np.nan]], [np.inf], {"npy": "!!"}, {"npy": "AAAA"}, None, object()]
)
def test_bad_values(bad):
    with pytest.raises(ValueError, match="array"):
        Array.parse(bad)


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
