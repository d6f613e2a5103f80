"""Is f(T x) = T f(x)? Known for networks made for it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from napari_mlpatch import networks, weights
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.explore import equivariance
from napari_mlpatch.explore.equivariance import TRANSFORMATIONS, deviation, deviations, fourier_shift

SHIFTS = [name for name in TRANSFORMATIONS if name.startswith("shift")]
WHOLE = [name for name in SHIFTS if "." not in name]


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).random((64, 80)).astype(np.float32)


def convolution(kernel):
    kernel = torch.tensor(kernel, dtype=torch.float32)[None, None]
    return lambda x, sigma: F.conv2d(x, kernel, padding=kernel.shape[-1] // 2)


def test_a_symmetric_convolution_is_equivariant_to_all(image):
    blur = convolution([[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    found = {d.name: d for d in deviations(blur, image, 0.1)}
    assert list(found) == list(TRANSFORMATIONS)
    for name, d in found.items():
        assert d.rms < (0.01 if "." in name else 1e-6), name  # 0.01: the border is far away, but Fourier sees it
        assert d.inside and d.rms <= d.largest


def test_a_lopsided_convolution_is_equivariant_to_shifts_only(image):
    f = convolution([[0, 1, 0], [0, 0, 0], [0, 0, 0]])  # f(x) is x moved down by a row
    found = {d.name: d for d in deviations(f, image, 0.1)}
    assert all(found[name].rms < 1e-6 for name in WHOLE)
    assert found["mirrored columns"].rms < 1e-6
    mirrored = found["mirrored rows"].difference
    assert np.allclose(mirrored[2:-2, 2:-2], (image[3:-1] - image[1:-3])[:, 2:-2], atol=1e-6)
    inner = (image[3:-1] - image[1:-3])[:, 2:-2], image[1:-3, 2:-2]
    expected = [np.sqrt((a.astype(float) ** 2).mean()) for a in inner]
    assert found["mirrored rows"].rms == pytest.approx(expected[0] / expected[1], rel=1e-5)


def test_only_pixels_that_do_not_depend_on_the_border_count(image):
    d = deviation(convolution(np.ones((5, 5))), image, 0.1, "shift by 3 rows, 5 columns")
    compared = np.isfinite(d.difference)
    rows, columns = np.nonzero(compared)
    # 1 pixel of border and 2 of the kernel on each side, after the cut of 3 rows and 5 columns above and left
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 64 - 4, 8, 80 - 4)
    assert d.share == pytest.approx(compared.mean())


def test_a_network_that_sees_everything_is_compared_in_the_middle(image):
    d = deviation(lambda x, sigma: x - x.mean(), image, 0.1, "shift by 1 row")
    assert not d.inside and d.share == pytest.approx(0.25)
    assert np.nanmax(np.abs(d.difference)) == pytest.approx(abs(image.mean() - image[1:].mean()), rel=1e-3)


@pytest.mark.parametrize("side", [32, 40, 63])
def test_what_a_shift_pushed_out_is_not_compared(side):
    image = np.random.default_rng(0).random((side, side)).astype(np.float32)
    found = list(deviations(lambda x, sigma: x + 0 * x.mean(), image, 0.1, WHOLE))  # depends on all, for NaN
    assert all(d.rms == d.largest == 0 and not d.inside for d in found)
    far = found[-1].difference
    assert np.isnan(far[:16]).all() and np.isnan(far[:, :16]).all()
    assert np.isfinite(far).sum() == (side - side // 4 - 16) ** 2


def test_fourier_shift_moves_waves(image):
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(80.0), indexing="ij")

    def wave(r, c):
        return torch.cos(torch.pi * 6 * (rows + 0.5 + r) / 64) * torch.cos(torch.pi * 9 * (columns + 0.5 + c) / 80)

    assert torch.allclose(fourier_shift(wave(0, 0)[None, None], 0.3, -0.6)[0, 0], wave(0.3, -0.6), atol=1e-5)


@pytest.mark.parametrize("name", ["mlpatch-gray-small", "mlpatch-ct-small"])
def test_shipped_weights_are_shift_equivariant(name):
    x = np.random.default_rng(1).random((48, 56)).astype(np.float32)
    network = networks.opened(weights.find(name))
    assert all(d.rms <= 1e-4 and d.largest <= 1e-4 for d in deviations(network, x, 0.1, WHOLE))


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("mlpatch", {"rings": 3, "rays": 4, "head": "mlp", "widths": [8], "deformations": 1}),
        ("dncnn", {"depth": 4, "width": 4}),
        ("ircnn", {"width": 4}),
        ("unet", {"width": 4, "depth": 2}),
        ("drunet", {"width": 4, "blocks": 1}),
    ],
)
def test_every_architecture_can_be_checked(name, config):
    torch.manual_seed(0)
    image = np.random.default_rng(0).random((160, 144)).astype(np.float32)
    network = networks.build(name, config).requires_grad_(False).eval()
    steps = {d.name: d.rms for d in deviations(network, image, 0.1, WHOLE)}
    assert steps["shift by 16 rows, 16 columns"] < 1e-4  # a U-Net's coarsest step divides 16
    pools = name in ("unet", "drunet")
    assert (steps["shift by 1 row"] > 1e-4) == pools


@pytest.mark.parametrize(
    ("image", "names", "words"),
    [
        (np.zeros((20, 40)), None, "at least 32 x 32 pixels"),
        (np.full((40, 40), np.inf), None, "NaN or infinite"),
        (np.zeros((40, 40)), ["a jump"], "Unknown transformation 'a jump'"),
    ],
)
def test_bad_input(image, names, words):
    with pytest.raises(InputError, match=words):
        next(equivariance.deviations(convolution([[1]]), image, 0.1, names))
