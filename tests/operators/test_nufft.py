"""The gridding transform against finufft, against sums written out, and against its own transpose."""

import finufft
import numpy as np
import pytest
import scipy.sparse
import torch

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.operators import gridding
from napari_mlpatch.operators.complex_nufft import ComplexNufft2d
from napari_mlpatch.operators.nufft import Nufft2d

SHAPES = [(24, 24), (25, 27), (24, 31), (31, 24), (1, 9), (9, 1), (1, 1), (2, 3)]


def frequencies(count, span, seed=0):
    return np.random.default_rng(seed).uniform(-span, span, (count, 2))


def centred_transform(x, omega):
    """By finufft to 1e-12: its pixels count from shape // 2, ours from (shape - 1) / 2."""
    k = omega.T
    plain = finufft.nufft2d2(k[0].copy(), k[1].copy(), x.astype(complex), isign=-1, eps=1e-12)
    return plain * np.exp(1j * omega @ [(n - 1) / 2 - n // 2 for n in x.shape])


def direct_transform(x, omega):
    """The definition."""
    r, c = (np.arange(n) - (n - 1) / 2 for n in x.shape)
    return np.einsum("kr,rc,kc->k", np.exp(-1j * np.outer(omega[:, 0], r)), x, np.exp(-1j * np.outer(omega[:, 1], c)))


def distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("span", [np.pi, 3 * np.pi], ids=["within pi", "beyond pi"])
def test_oracles_agree(shape, span):
    x, omega = np.random.default_rng(1).normal(size=shape), frequencies(50, span)
    assert distance(centred_transform(x, omega), direct_transform(x, omega)) < 1e-10


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("span", [np.pi, 3 * np.pi], ids=["within pi", "beyond pi"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_transform(shape, span, dtype):
    omega = frequencies(400, span)
    x = np.random.default_rng(1).normal(size=(2, *shape))
    nufft = Nufft2d(shape, omega, dtype=dtype)
    found = (nufft(torch.tensor(x, dtype=dtype)) * nufft.phase).numpy()
    assert found.dtype == (np.complex64 if dtype == torch.float32 else np.complex128)
    for one, image in zip(found, x, strict=True):
        assert distance(one, centred_transform(image, omega)) < 1e-5


@pytest.mark.parametrize("k", [(np.pi, 0), (0, np.pi), (-np.pi, np.pi), (0, 0), (0, -1e-12), (2 * np.pi, -2 * np.pi)])
def test_frequencies_at_the_seams(k):
    """Where the half spectrum ends, and where it is mirrored."""
    omega = np.array([k], dtype=float)
    for shape in ((12, 12), (11, 13)):
        x = np.random.default_rng(2).normal(size=shape)
        nufft = Nufft2d(shape, omega, dtype=torch.float64)
        found = (nufft(torch.tensor(x)[None]) * nufft.phase)[0].numpy()
        assert abs(found - direct_transform(x, omega))[0] < 1e-5 * np.abs(x).sum()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 1e-5)], ids=["64", "32"])
def test_transpose(shape, dtype, bound):
    nufft = Nufft2d(shape, frequencies(300, 2 * np.pi), dtype=dtype)
    x = torch.randn(3, *shape, dtype=dtype)
    f = torch.randn(3, 300, dtype=nufft.phase.dtype)
    Fx, Ff = nufft(x), nufft.transpose(f)
    there, back = torch.vdot(f.flatten(), Fx.flatten()).real, torch.vdot(x.flatten(), Ff.flatten())
    assert abs(there - back) < bound * Fx.norm() * f.norm()


def test_wider_kernels_are_more_accurate():
    x, omega = np.random.default_rng(3).normal(size=(20, 23)), frequencies(300, np.pi)
    errors = []
    for width in (2, 4, 6):
        nufft = Nufft2d(x.shape, omega, kernel_width=width, dtype=torch.float64)
        errors.append(distance((nufft(torch.tensor(x)[None]) * nufft.phase)[0].numpy(), centred_transform(x, omega)))
    assert errors[0] > 10 * errors[1] > 100 * errors[2]


@pytest.mark.parametrize("kind", [Nufft2d, ComplexNufft2d])
def test_more_entries_than_indices_can_count(kind, monkeypatch):
    """Refused before anything is built: wrapped indices would give a wrong picture, or read foreign memory."""
    with pytest.raises(InputError, match=r"of 2450000000 entries, and indices go up to 2147483647"):
        kind((8, 8), np.broadcast_to(np.zeros(2), (50_000_000, 2)))
    with pytest.raises(InputError, match=r"1 frequencies on a grid of \d{10} points"):
        kind((32768, 32768), np.zeros((1, 2)))
    monkeypatch.setattr(gridding, "LARGEST", 200)
    with pytest.raises(InputError, match="30 x 40 with 1200 entries is too large"):
        gridding.csr(scipy.sparse.csr_matrix(np.ones((30, 40))), "cpu")


@pytest.mark.parametrize("shape", [(45, 38), (38, 45)])
def test_in_pieces(shape, monkeypatch):
    """Large images are transformed some lines at a time, each item of a batch of its own."""
    random, omega = torch.Generator().manual_seed(1), frequencies(90, np.pi)
    x = torch.randn(3, *shape, generator=random, dtype=torch.float64)
    f = torch.randn(3, 90, generator=random, dtype=torch.complex128)
    nufft = Nufft2d(shape, omega, dtype=torch.float64)
    whole = nufft(x), nufft.transpose(f)
    monkeypatch.setattr("napari_mlpatch.operators.pieces.CACHE", 1)
    for found, expected in zip((nufft(x), nufft.transpose(f)), whole, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
