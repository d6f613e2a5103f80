"""Stripes are taken off, other things stay; rows are chosen."""

import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.build.rings import remove_stripes


def sinogram():
    """A disc off the axis: its trace moves over the bins."""
    angle, bin_ = np.linspace(0, np.pi, 90, endpoint=False)[:, None], np.arange(128.0)[None]
    s = bin_ - 63.5 - 30 * np.cos(angle)
    return np.sqrt(np.clip(20.0**2 - s**2, 0, None)).astype(np.float32)


def test_a_stripe_goes_and_the_object_stays():
    clean = sinogram()
    striped = clean.copy()
    striped[:, 50] += 3.0
    striped[:, 90:92] -= 2.0
    mended = remove_stripes(striped, 9)
    assert np.abs(mended - clean).mean() < 0.2 * np.abs(striped - clean).mean() + 0.02 * clean.mean()
    assert np.abs(mended[:, 50] - clean[:, 50]).mean() < 0.5
    assert np.linalg.norm(remove_stripes(clean, 9) - clean) < 0.05 * np.linalg.norm(clean)


@pytest.mark.parametrize("width", [2, 129, -1, True, 3.5])
def test_impossible_widths(width):
    with pytest.raises(InputError, match="3 to 128"):
        remove_stripes(sinogram(), width)


def test_as_options_of_a_file(tmp_path):
    np.save(tmp_path / "y.npy", sinogram())
    found = io.load(tmp_path / "y.npy")
    whole = found.problem(angles_deg="0:180:90")
    some = found.problem(angles_deg="0:180:90", views="10:40:3", rings=5)
    assert some.y.shape == (1, 1, 10, 128)
    assert some.A.angles_deg == whole.A.angles_deg[10:40:3]
    expected = remove_stripes(whole.y[0, 0].numpy(), 5)[10:40:3]
    assert np.array_equal(some.y[0, 0].numpy(), expected)
    again = io.open_source(some.source)
    assert np.array_equal(again.y, some.y) and again.A == some.A


@pytest.mark.parametrize("views", ["5", "a:b", "90:", "1:2:3:4", "::0"])
def test_rows_that_do_not_exist(tmp_path, views):
    np.save(tmp_path / "y.npy", sinogram())
    with pytest.raises(InputError, match="start:stop:step"):
        io.load(tmp_path / "y.npy").problem(angles_deg="0:180:90", views=views)
