"""The projector against exact strip areas, against formulas for blobs and disks, and against scikit-image."""

import gc

import numpy as np
import pytest
import torch
from scipy.special import erf
from skimage.data import shepp_logan_phantom
from skimage.transform import radon, resize

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.tables import held_bytes
from napari_mlpatch.operators import ParallelBeam
from napari_mlpatch.operators.parallel_beam import _plans

from .strip_oracle import strip_matrix

ANGLES = (-300, -45, 0, 10, 90, 135, 180, 200, 270, 359, 725)


def project(A, image):
    return A(torch.as_tensor(image)[None, None])[0, 0].numpy()


def distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def grid(shape, pixel=1.0):
    """Coordinates of the pixel centres, r downwards and x to the right, from the middle of the image."""
    r, x = ((np.arange(n) - (n - 1) / 2) * pixel for n in shape)
    return r[:, None], x[None, :]


def blob(shape, x0, r0, sigma, pixel=1.0):
    r, x = grid(shape, pixel)
    return np.exp(-((r - r0) ** 2 + (x - x0) ** 2) / (2 * sigma**2))


def blobs(shape):
    """Smooth and without symmetry."""
    rows, columns = shape
    return (
        blob(shape, 0.2 * columns, -0.15 * rows, 4.0)
        + 0.6 * blob(shape, -0.1 * columns, 0.2 * rows, 5.0)
        + 0.3 * blob(shape, -0.25 * columns, -0.05 * rows, 3.5)
    )


def coordinates(A):
    """Angles ``[angles, 1]`` in radians and centres of the bins from the axis."""
    return np.radians(A.angles_deg)[:, None], (np.arange(A.detector_count) - A.axis_bin) * A.detector_pitch


# ---- exact areas --------------------------------------------------------------------------------------------


def strips(A):
    geometry = A.image_shape, A.angles_deg, A.detector_count, A.detector_pitch, A.pixel_size, A.center
    return strip_matrix(*geometry)


def test_strip_areas_add_up():
    """The oracle's own check: each pixel's shadow has its area, and one at 45 degrees is a triangle."""
    matrix = strip_matrix((5, 4), (0, 17, 45, 90, 211), 40, pitch=0.7, pixel=1.3)
    areas = 0.7 * np.asarray(matrix.sum(0)).ravel()
    assert np.allclose(areas, 5 * 1.3**2)
    triangle = strip_matrix((1, 1), (45,), 3, pitch=np.sqrt(0.5)).toarray().ravel()
    assert np.allclose(triangle, np.array([0.125, 0.75, 0.125]) / np.sqrt(0.5))


GEOMETRIES = {
    "square": dict(image_shape=(64, 64), angles_deg="0:180:40", detector_count=92),
    "odd, full turn": dict(image_shape=(63, 48), angles_deg="0:360:40", detector_count=81),
    "axis aside": dict(image_shape=(48, 63), angles_deg=ANGLES, detector_count=90, center=38.3),
    "truncated": dict(image_shape=(64, 64), angles_deg="0:180:40", detector_count=40),
    "axis at the edge": dict(image_shape=(64, 64), angles_deg="0:360:40", detector_count=40, center=2.0),
    "much wider than the image": dict(image_shape=(48, 64), angles_deg="0:180:40", detector_count=300),
    "wide bins": dict(image_shape=(64, 64), angles_deg="0:180:40", detector_count=61, detector_pitch=1.5),
    "very wide bins": dict(image_shape=(64, 63), angles_deg="0:180:40", detector_count=24, detector_pitch=4.0),
    "millimetres": dict(
        image_shape=(64, 64), angles_deg="0:180:40", detector_count=92, detector_pitch=0.013, pixel_size=0.013
    ),
}


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_smooth_images_project_as_strips_do(geometry):
    A = ParallelBeam(**geometry)
    image = blobs(A.image_shape)
    exact = (strips(A) @ image.ravel()).reshape(A.range_shape)
    assert distance(project(A, image), exact) < 1e-3


@pytest.mark.parametrize("pixel", [2.0, 3.0])
def test_bins_narrower_than_pixels(pixel):
    """At 0 and 90 degrees they resolve the pixels' edges, beyond the band limit."""
    for shape in ((48, 64), (47, 63)):
        A = ParallelBeam(image_shape=shape, angles_deg="0:180:40", detector_count=250, pixel_size=pixel)
        image = blobs(shape)
        exact = (strips(A) @ image.ravel()).reshape(A.range_shape)
        assert distance(project(A, image), exact) < 1e-2
        between = [i for i, angle in enumerate(A.angles_deg) if min(angle % 90, -angle % 90) > 4]
        assert distance(project(A, image)[between], exact[between]) < 1e-3


def test_shepp_logan_projects_as_strips_do():
    image = np.clip(resize(shepp_logan_phantom(), (128, 128), anti_aliasing=True), 0, 1)
    A = ParallelBeam(image_shape=(128, 128), angles_deg="0:180:60", detector_count=182)
    exact = (strips(A) @ image.ravel()).reshape(A.range_shape)
    assert distance(project(A, image), exact) < 5e-3


def test_back_projects_as_strips_do():
    A = ParallelBeam(image_shape=(48, 63), angles_deg=ANGLES, detector_count=90, center=38.3)
    y = project(A, blobs(A.image_shape))
    exact = (strips(A).T @ y.ravel()).reshape(A.image_shape)
    assert distance(A.T(torch.tensor(y)[None, None])[0, 0].numpy(), exact) < 1e-3


# ---- formulas: the convention, independent of any code -------------------------------------------------------


@pytest.mark.parametrize(
    ("pitch", "pixel", "bins", "center"),
    [
        (1, 1, 90, None),
        (1, 1, 90, 38.3),
        (2.5, 1, 37, 16.7),
        (1.5, 1, 61, None),
        (0.013, 0.013, 90, 41),
        (3, 2.5, 80, 35),
    ],
)
@pytest.mark.parametrize("shape", [(61, 48), (48, 61)])
def test_line_integrals_of_a_blob(shape, pitch, pixel, bins, center):
    """Right of the middle and above it: at 0 degrees it lies at +x, at 90 degrees at -row, upwards."""
    A = ParallelBeam(
        image_shape=shape,
        angles_deg=ANGLES,
        detector_count=bins,
        detector_pitch=pitch,
        pixel_size=pixel,
        center=center,
    )
    x0, r0, sigma = 9.3 * pixel, -6.1 * pixel, 3.5 * pixel
    theta, s = coordinates(A)
    s0 = x0 * np.cos(theta) - r0 * np.sin(theta)
    width = np.sqrt(sigma**2 + pixel**2 / 12)  # a pixel is a box, of variance pixel² / 12

    def below(t):
        return np.pi * sigma**2 * (1 + erf((t - s0) / (width * np.sqrt(2))))

    exact = (below(s + pitch / 2) - below(s - pitch / 2)) / pitch
    assert distance(project(A, blob(shape, x0, r0, sigma, pixel)), exact) < 5e-4


@pytest.mark.parametrize(("pitch", "pixel"), [(1.0, 1.0), (2.0, 1.0), (0.1, 0.1), (0.5, 1.0)])
def test_line_integrals_of_a_disk(pitch, pixel):
    A = ParallelBeam(
        image_shape=(101, 90),
        angles_deg=ANGLES,
        detector_count=int(138 * pixel / pitch),
        detector_pitch=pitch,
        pixel_size=pixel,
        center=60 * pixel / pitch,
    )
    x0, r0, radius = 7.3 * pixel, -4.1 * pixel, 25 * pixel
    fine = 8
    r, x = grid([n * fine for n in A.image_shape], pixel / fine)
    inside = (r - r0) ** 2 + (x - x0) ** 2 < radius**2
    image = inside.reshape(101, fine, 90, fine).mean((1, 3))
    theta, s = coordinates(A)
    rays = s[None, :, None] + ((np.arange(16) + 0.5) / 16 - 0.5) * pitch
    offset = rays - (x0 * np.cos(theta) - r0 * np.sin(theta))[..., None]
    exact = 2 * np.sqrt(np.maximum(radius**2 - offset**2, 0)).mean(-1)
    assert distance(project(A, image), exact) < (8e-3 if pitch >= pixel else 1.2e-2)
    mass = project(A, image).sum(1) * pitch
    assert np.allclose(mass, np.pi * radius**2, rtol=2e-3)


def test_symmetries():
    image = blobs((31, 26))
    A = ParallelBeam(image_shape=(31, 26), angles_deg=(20, 200, 380, -160), detector_count=45)
    y = project(A, image)
    assert np.allclose(y[1], y[0][::-1]) and np.allclose(y[2], y[0]) and np.allclose(y[3], y[1])
    quarter = ParallelBeam(image_shape=(26, 31), angles_deg=(110,), detector_count=45)
    assert np.allclose(project(quarter, np.rot90(image).copy())[0], y[0], atol=1e-5 * y.max())


def test_radians():
    degrees = ParallelBeam(image_shape=(8, 8), angles_deg=(0, 60), detector_count=12)
    radians = ParallelBeam.from_radians(image_shape=(8, 8), angles_rad=(0, np.pi / 3), detector_count=12)
    assert np.allclose(radians.angles_deg, degrees.angles_deg)


# ---- scikit-image -------------------------------------------------------------------------------------------


def test_same_as_scikit_image():
    n, angles = 65, (0, 13, 45, 90, 137.5, 180, 200, -30)
    r, x = grid((n, n))
    image = blobs((n, n)) * (r**2 + x**2 < 32**2)
    A = ParallelBeam(image_shape=(n, n), angles_deg=angles, detector_count=n)
    assert distance(project(A, image), radon(image, angles, circle=True).T) < 5e-3
    assert distance(project(A, image[::-1].copy()), radon(image, angles, circle=True).T) > 0.1  # it does tell


def test_scikit_image_turns_even_sizes_about_another_pixel():
    """About pixel n // 2: an odd image with an empty row and column added is the same thing."""
    n, angles = 64, (0, 45, 90, 200)
    r, x = grid((n, n))
    image = blobs((n, n)) * (r**2 + x**2 < 30**2)
    A = ParallelBeam(image_shape=(65, 65), angles_deg=angles, detector_count=n, center=n // 2)
    assert distance(project(A, np.pad(image, ((0, 1), (0, 1)))), radon(image, angles, circle=True).T) < 5e-3


# ---- AᵀA ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "geometry",
    [
        {"image_shape": (128, 128), "angles_deg": "0:180:50", "detector_count": 182},
        {"image_shape": (64, 61), "angles_deg": "0:180:4", "detector_count": 89},  # of an odd number of bins
        {"image_shape": (3, 40), "angles_deg": (17.0,), "detector_count": 43},
        {"image_shape": (36, 48), "angles_deg": "0:180:3", "detector_count": 64},
        {"image_shape": (33, 20), "angles_deg": "0:360:31", "detector_count": 97, "detector_pitch": 0.41},  # prime
        {"image_shape": (20, 33), "angles_deg": "0:360:31", "detector_count": 46, "center": 21.3},
        {"image_shape": (24, 24), "angles_deg": "0:180:30", "detector_count": 300, "pixel_size": 5.0},
        {"image_shape": (24, 24), "angles_deg": "0:180:30", "detector_count": 20},  # truncated
        {"image_shape": (24, 24), "angles_deg": "0:180:30", "detector_count": 20, "detector_pitch": 2.5},
    ],
    ids=lambda geometry: f"{geometry['image_shape']} on {geometry['detector_count']}",
)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-10), (torch.float32, 1.5e-6)], ids=["64", "32"])
def test_normal_of_white_noise(geometry, dtype, bound):
    A = ParallelBeam(**geometry)
    generator = torch.Generator().manual_seed(0)
    for x in (
        torch.randn(1, 1, *A.image_shape, generator=generator, dtype=dtype),
        torch.rand(1, 1, *A.image_shape, generator=generator, dtype=dtype),
        torch.tensor(blobs(A.image_shape))[None, None].to(dtype),
    ):
        exact = A.T(A(x))
        assert (A.normal(x) - exact).norm() < bound * exact.norm()


def test_normal_is_what_the_matrix_says():
    """Of the dense matrix, so that eigenvalues near zero are right too: they are what little regularisation leaves."""
    A = ParallelBeam(image_shape=(24, 24), angles_deg="0:180:30", detector_count=34)
    units = torch.eye(24 * 24, dtype=torch.float64).reshape(-1, 1, 24, 24)
    matrix, gram = A(units).flatten(1).T, A.normal(units).flatten(1)
    assert torch.linalg.matrix_norm(gram - matrix.T @ matrix, 2) < 1e-10 * torch.linalg.matrix_norm(matrix, 2) ** 2


@pytest.mark.parametrize(
    ("change", "covers"),
    [
        ({}, True),
        ({"detector_count": 40}, False),
        ({"center": 15.0}, False),
        ({"pixel_size": 1.2}, False),
        ({"detector_count": 1}, False),
    ],
)
def test_whether_the_detector_sees_the_whole_image(change, covers):
    A = ParallelBeam(**({"image_shape": (30, 40), "angles_deg": "0:180:9", "detector_count": 51} | change))
    assert A.covers_image == covers


def test_the_products_own_geometry_takes_the_fast_path():
    A = ParallelBeam(image_shape=(512, 512), angles_deg="0:180:8", detector_count=724)
    assert A.covers_image


# ---- tables -------------------------------------------------------------------------------------------------


def test_equal_geometries_share_their_tables():
    def make(**change):
        return ParallelBeam(**({"image_shape": (21, 20), "angles_deg": "0:180:11", "detector_count": 33} | change))

    x = torch.rand(1, 1, 21, 20)
    first, second, shifted, scaled = make(), make(), make(center=15.0), make(pixel_size=0.1, detector_pitch=0.1)
    plans = {id(A._plan(x)[0]) for A in (first, second, shifted, scaled)}
    assert len(plans) == 1
    assert id(make(angles_deg="0:180:12")._plan(x)[0]) not in plans
    assert id(first._plan(x.double())[0]) not in plans
    assert torch.allclose(scaled(x), 0.1 * first(x), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(first(x), shifted(x), atol=0.1)


def test_almost_equal_geometries_do_not_share():
    """Of the same sizes in every respect, but with slightly narrower bins."""
    wide, narrow = (
        ParallelBeam(image_shape=(40, 40), angles_deg="0:180:11", detector_count=57, detector_pitch=pitch)
        for pitch in (1.0, 0.99)
    )
    assert wide._period == narrow._period
    image = blobs((40, 40))
    for A in (wide, narrow):
        exact = (strips(A) @ image.ravel()).reshape(A.range_shape)
        assert distance(project(A, image), exact) < 2e-3


def test_tables_go_with_the_last_operator():
    gc.collect()
    before = len(_plans)
    A = ParallelBeam(image_shape=(19, 23), angles_deg="0:180:13", detector_count=33)
    x = torch.rand(1, 1, 19, 23).requires_grad_()
    A.T(A(x)).sum().backward()
    assert len(_plans) == before + 1
    assert A.memory_bytes() == pytest.approx(held_bytes(A), rel=0.5)
    gc.disable()  # at once, not when Python next collects its garbage
    try:
        del A
        assert len(_plans) == before
    finally:
        gc.enable()


# ---- parameters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"image_shape": (0, 5)}, "rows and columns"),
        ({"image_shape": (5,)}, "image_shape"),
        ({"angles_deg": ()}, "at least one angle"),
        ({"angles_deg": (0, float("nan"))}, "finite"),
        ({"detector_count": 0}, "detector_count"),
        ({"detector_pitch": 0}, "detector_pitch"),
        ({"pixel_size": -1}, "pixel_size"),
        ({"center": 12}, "outside the detector"),
        ({"center": float("inf")}, "finite"),
        ({"centre": 3}, "centre"),
    ],
)
def test_impossible_parameters(change, complaint):
    with pytest.raises(InputError, match=complaint):
        ParallelBeam(**({"image_shape": (8, 8), "angles_deg": "0:180:9", "detector_count": 12} | change))
