"""K-space without fftshift: told, and moved on request. Oracle: the picture that ``fft2`` was taken of."""

import h5py
import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

SHIFT = np.fft.fftshift


def head(rows, columns, coils):
    """Coil pictures ``[coils, rows, columns]`` of an ellipse with structure, its middle at ``n // 2``."""
    r, c = np.ogrid[:rows, :columns]
    u, v = (r - rows // 2) / (0.4 * rows), (c - columns // 2) / (0.33 * columns)
    x = (u**2 + v**2 < 1) * (1 + 0.4 * np.cos(5 * u + 3 * v)) - 0.8 * ((u - 0.3) ** 2 + v**2 < 0.05)
    maps = np.exp(-((u - np.linspace(-1, 1, coils)[:, None, None]) ** 2) + 1j * v)
    return x * maps


def transformed(x, corner):
    axes = (-2, -1)
    x = x if corner in ("picture", "both") else np.fft.ifftshift(x, axes=axes)
    k = np.fft.fft2(x, norm="ortho")
    return k if corner in ("frequency", "both") else SHIFT(k, axes=axes)


@pytest.mark.parametrize("shape", [(3, 48, 40), (1, 33, 36), (2, 41, 27)])
@pytest.mark.parametrize("corner", ["frequency", "picture", "both"])
def test_moved_to_the_middle(tmp_path, shape, corner):
    x = head(shape[1], shape[2], shape[0])
    np.savez(tmp_path / "k.npz", kspace=transformed(x, corner))
    notes = " ".join(io.load(tmp_path / "k.npz").notes)
    assert ("--in-corner frequency" in notes) == (corner != "picture")
    assert ("--in-corner picture" in notes) == (corner != "frequency")
    found = io.load(tmp_path / "k.npz", in_corner=corner)
    assert "from the corner to the middle, as you say" in " ".join(found.notes)
    assert np.abs(found.read(0) - transformed(x, None)).max() < 1e-5
    if shape[0] == 1:
        picture = found.problem().A.pinv(found.problem().y)[0, 0].abs().numpy()
        assert np.abs(picture - np.abs(x[0])).max() < 1e-5


def test_nothing_is_told_of_usual_ones(tmp_path):
    rng = np.random.default_rng(0)
    for i, x in enumerate(
        (head(48, 40, 2), np.roll(head(48, 40, 2), (9, -7), (1, 2)), rng.standard_normal((1, 32, 32)))
    ):
        for every in (1, 2):
            k = transformed(x, None)
            k[..., 1::every] *= every == 1
            np.save(tmp_path / f"{i}.npy", k)
            assert "in-corner" not in " ".join(io.load(tmp_path / f"{i}.npy", kspace_axes="coils,rows,columns").notes)


@pytest.mark.parametrize("every", [2, 3])
def test_undersampled(tmp_path, every):
    k = transformed(head(48, 40, 4), "both")
    lines = np.fft.fftfreq(40, 1 / 40).astype(int)
    mask = (lines % every == 0) | (abs(lines) < 6)
    with h5py.File(tmp_path / "k.h5", "w") as file:
        file["kspace"], file["mask"] = (k * mask)[None].astype(np.complex64), mask
    assert "--in-corner picture" in " ".join(io.load(tmp_path / "k.h5").notes)
    found = io.read_measurement(tmp_path / "k.h5", in_corner="both")
    right = transformed(head(48, 40, 4), None) * SHIFT(mask)
    assert np.abs(found.y[0, 0].numpy() - right).max() < 1e-5


def test_other_words_are_refused(tmp_path):
    np.save(tmp_path / "k.npy", transformed(head(32, 32, 1), None))
    with pytest.raises(InputError, match="in_corner"):
        io.load(tmp_path / "k.npy", in_corner="middle")
