"""Numbers beyond single precision: said so, with the range seen, never taken as infinite or as zero."""

import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.precision import to_complex64, to_float32


@pytest.mark.parametrize(
    ("size", "words"),
    [(1e300, r"too large .* 1e\+300"), (-1e39, r"too large .* 1e\+39"), (1e-300, r"too small .* 1e-300")],
)
def test_beyond_single_precision(tmp_path, size, words):
    numbers = np.full((8, 8), size)
    np.save(tmp_path / "x.npy", numbers)
    np.save(tmp_path / "y.npy", numbers + 1j * numbers)
    calls = (
        lambda: to_float32(numbers),
        lambda: to_complex64(1j * numbers),
        lambda: io.read_image(tmp_path / "x.npy"),
        lambda: io.read_measurement(tmp_path / "x.npy", angles_deg="0:180:8"),
        lambda: io.read_measurement(tmp_path / "y.npy"),
        lambda: io.write_image(tmp_path / "z.tif", numbers),
    )
    for call in calls:
        with pytest.raises(InputError, match=words):
            call()


def test_within_single_precision():
    for kept in ([[1e-300, 1.0]], [[np.nan, 1.0]], [[np.inf, 1.0]], [[3e38, 0.0]], [[0.0, 0.0]], np.zeros((0, 2))):
        with np.errstate(under="ignore"):
            expected = np.asarray(kept).astype(np.float32)
        assert np.array_equal(to_float32(kept), expected, equal_nan=True)
