"""Parts that were never written, or mapped to nothing, are named and never read as zeros."""

import h5py
import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

N, BINS = 30, 16


def write(path, rows=N, **layout):
    """A sinogram of which so many rows are written."""
    with h5py.File(path, "w") as file:
        data = file.create_dataset("sinogram", (N, BINS), "f4", **layout)
        if rows:
            data[:rows] = 1.0
        file["theta"] = np.arange(N) * 6.0
    return path


@pytest.mark.parametrize(
    ("rows", "layout", "words"),
    [
        (0, {}, "was never written: none of its 480 values"),
        (0, {"chunks": (5, BINS)}, "was never written: none of its 6 chunks"),
        (20, {"chunks": (5, BINS)}, r"2 of its 6 chunks are not in the file: entries 20 to 29 of 30"),
    ],
)
def test_what_was_never_written(tmp_path, rows, layout, words):
    with pytest.raises(InputError, match=words) as caught:
        io.load(write(tmp_path / "a.h5", rows, **layout))
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("layout", [{}, {"chunks": (7, 5)}, {"chunks": (5, 16), "compression": "gzip"}])
def test_what_was_written_is_read(tmp_path, layout):
    assert np.all(io.load(write(tmp_path / "a.h5", **layout)).data[0] == 1)


def write_virtual(path, held, mapped, rows=N):
    with h5py.File(path.with_name("part.h5"), "w") as file:
        file["data"] = np.ones((held, BINS), "f4")
    virtual = h5py.VirtualLayout((rows, BINS), "f4")
    virtual[:mapped] = h5py.VirtualSource("part.h5", "data", (mapped, BINS))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("sinogram", virtual)
        file["theta"] = np.arange(rows) * 6.0
    return path


def test_virtual_arrays_with_too_little_behind_them(tmp_path):
    assert np.all(io.load(write_virtual(tmp_path / "a.h5", N, N)).data[0] == 1)
    with pytest.raises(InputError, match=r"holds 20 of the 30 frames mapped") as caught:
        io.load(write_virtual(tmp_path / "b.h5", 20, N))
    assert "damaged" not in str(caught.value)
    with pytest.raises(InputError, match=r"none of which gives entries 20 to 29 of 30 along axis 0"):
        io.load(write_virtual(tmp_path / "c.h5", 20, 20))


def test_lines_of_k_space_that_were_not_measured(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("kspace", (N, BINS), "c8", chunks=(5, BINS))[:20] = 1
    assert any("taken as zero, not measured" in note for note in io.load(tmp_path / "a.h5").notes)
