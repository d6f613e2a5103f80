"""Filtered back-projection and total variation on the test problem of the learned primal-dual papers.

The rows ``fbp``, ``tv`` and ``tv-anisotropic`` share the test problem of Adler & Öktem ("Solving ill-posed inverse
problems using iterative deep neural networks", 2017, and "Learned primal-dual reconstruction", 2018): the modified
Shepp-Logan phantom, sampled at the centres of 128x128 pixels of [-64, 64]²; 30 parallel-beam angles in the middle of
thirtieths of half a turn; a detector of 183 bins over [-90.51, 90.51]; white Gaussian noise with a standard deviation
of 5 % of mean |A x|; PSNR with data range 1. One noise seed tells it to 0.1 or 0.2 dB only: the mean over ten counts.

*Weight of total variation.* The papers minimise ``‖A x - y‖² + λ TV(x)`` without a half, in ODL's norm, which is an
integral over angle and detector: each sample counts with its cell ``c = (π / 30) · (181.02 / 183) = 0.10359``. Pixels
have side 1. Divided by 2c this is our ``½ ‖A x - y‖² + w TV(x)`` with ``w = λ / (2c)``: 1.2550 for λ = 0.26, 1.4481 for
λ = 0.3. The weights are the published ones, converted and not tuned, and the iteration runs until it has converged.

*Projector.* With so few angles and a phantom of sharp pixels, total variation depends on how a pixel casts its shadow,
in data and reconstruction alike. The papers' projector interpolates linearly between pixels (Joseph's method, ODL's and
ASTRA's default), so that is what these rows are computed with, as ``Interpolating`` below. ``also`` holds the same
figure with ``ParallelBeam`` as it stands, ``psnr_own_projector``: equal for FBP, about 0.6 dB lower for isotropic TV.
Half of that comes from box pixels in place of the interpolation; the other half from the frequencies beyond the
detector's Nyquist frequency, which line integrals sampled at bins fold back into the data, and which ``ParallelBeam``
leaves out.

*What else is not the same.* ODL's gradient takes values outside of the image as zero, ours has no jump at the far
edges, where the phantom is zero; and the noise comes from another generator.
"""

from __future__ import annotations

import math
from functools import cache, cached_property
from typing import Any

import numpy as np
import scipy.sparse
from pydantic.dataclasses import dataclass as declared

import napari_mlpatch as mp
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.method import Method
from napari_mlpatch.core.registry import operators
from napari_mlpatch.io.phantom import shepp_logan
from napari_mlpatch.operators.parallel_beam import ParallelBeam
from napari_mlpatch.torch_later import Tensor, torch

from .figure import Figure, Given, Measure

SIZE, ANGLES, BINS, HALF_WIDTH = 128, 30, 183, 90.51
PITCH = 2.0 * HALF_WIDTH / BINS


@operators.register("parallel-beam-interpolating", title="CT, parallel beam, linear interpolation")
@declared(frozen=True, config=CONFIG)
class Interpolating(ParallelBeam):
    """Parallel beam by linear interpolation (Joseph, IEEE Trans. Med. Imaging 1, 1982), as a matrix in float64.

    The ray through the middle of a bin is followed row by row (column by column where it runs flatter than 45 degrees).
    In each row it takes the value between the two nearest pixels, times the length of its way to the next row.
    """

    in_forms = False

    @cached_property
    def _matrix(self) -> Any:
        return scipy.sparse.vstack([self._rays(math.radians(angle)) for angle in self.angles_deg], format="csr")

    def _rays(self, theta: float) -> Any:
        rows, columns = self.image_shape
        c, s = math.cos(theta), math.sin(theta)
        bins = (np.arange(self.detector_count)[:, None] - self.axis_bin) * (self.detector_pitch / self.pixel_size)
        steep = abs(c) >= abs(s)
        lines, across = (rows, columns) if steep else (columns, rows)
        line = np.arange(lines)[None] - (lines - 1) / 2
        # bin = column cos - row sin, solved for the coordinate along the line
        position = ((bins + line * s) / c if steep else (line * c - bins) / s) + (across - 1) / 2
        low = np.floor(position).astype(int)
        index = np.stack([low, low + 1])
        weight = np.stack([low + 1 - position, position - low]) * (self.pixel_size / max(abs(c), abs(s)))
        pixel = np.arange(lines) * columns + index if steep else index * columns + np.arange(lines)
        ray = np.broadcast_to(np.arange(self.detector_count)[:, None], index.shape)
        hit = (index >= 0) & (index < across)
        return scipy.sparse.csr_matrix((weight[hit], (ray[hit], pixel[hit])), (self.detector_count, rows * columns))

    def _apply(self, x: Tensor) -> Tensor:
        return _product(self._matrix, x, self.range_shape)

    def _adjoint(self, y: Tensor) -> Tensor:
        return _product(self._matrix.T, y, self.domain_shape)

    def _normal(self, x: Tensor) -> Tensor:
        return self._adjoint(self._apply(x))


def _product(matrix: Any, x: Tensor, shape: tuple[int, int]) -> Tensor:
    columns = x.detach().flatten(0, 1).flatten(1).T.cpu().double().numpy()
    return torch.from_numpy(matrix @ columns).T.reshape(*x.shape[:2], *shape).to(x)


@cache
def geometry(operator: type[ParallelBeam] = Interpolating) -> ParallelBeam:
    """The operator of the common test problem."""
    angles = tuple((i + 0.5) * 180.0 / ANGLES for i in range(ANGLES))
    return operator(image_shape=(SIZE, SIZE), angles_deg=angles, detector_count=BINS, detector_pitch=PITCH)


def problem(seed: int, operator: type[ParallelBeam] = Interpolating) -> mp.Problem:
    """The common test problem with its noise of this seed."""
    truth = torch.from_numpy(shepp_logan(SIZE, oversampling=1))
    return mp.simulate(truth, geometry(operator), noise=mp.noise.Gaussian(relative=0.05), seed=seed)


def converted_weight(published: float) -> float:
    """Our weight for a λ of the papers (see above)."""
    cell = math.pi / ANGLES * PITCH
    return published / (2.0 * cell)


def _picture(method: Method) -> Measure:
    def measure(seed: int, given: Given) -> dict[str, float]:
        simulated = problem(seed)
        result = mp.reconstruct(simulated, method, seed=seed)
        own = mp.reconstruct(problem(seed, ParallelBeam), method, seed=seed)
        truth = simulated.truth
        assert truth is not None
        return {
            "psnr": mp.metrics.psnr(result.x, truth, data_range=1.0),
            "psnr_own_projector": mp.metrics.psnr(own.x, truth, data_range=1.0),
            "ssim_range_1": mp.metrics.ssim(result.x, truth, data_range=1.0),
            "ssim_range_2": mp.metrics.ssim(result.x, truth, data_range=2.0),  # as in the papers, where it is printed
            "iterations": float(result.iterations),
            "converged": float(result.converged and own.converged),
        }

    return measure


def _tv(published_weight: float, norm: str) -> Measure:
    weight = converted_weight(published_weight)
    return _picture(mp.methods.TV(weight=weight, norm=norm, iterations=2000, tolerance=1e-4))  # type: ignore[arg-type]


ROWS: dict[str, Figure] = {
    "fbp": Figure(
        title="FBP with a Hann window, Shepp-Logan, 30 angles, 5 % noise",
        source="Adler & Öktem 2017, table 1, and 2018",
        published=19.75,
        tolerance=0.2,
        measure=_picture(mp.methods.FBP(window="hann")),
    ),
    "tv": Figure(
        title="isotropic TV, λ = 0.26, same problem",
        source="Adler & Öktem 2018",
        published=28.06,
        tolerance=0.4,
        measure=_tv(0.26, "isotropic"),
        seconds=10.0,
    ),
    "tv-anisotropic": Figure(
        title="anisotropic TV, λ = 0.3, same problem",
        source="Adler & Öktem 2017, table 1",
        published=29.83,
        tolerance=1.0,
        measure=_tv(0.3, "anisotropic"),
        seconds=10.0,
    ),
}
