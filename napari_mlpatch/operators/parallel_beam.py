"""Two-dimensional parallel-beam computed tomography."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Any, ClassVar
from weakref import WeakValueDictionary

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG, Length
from napari_mlpatch.core.registry import operators
from napari_mlpatch.torch_later import Tensor, torch

from .filtered_rows import Moved, filtered, rows_beyond
from .filters import Window, check_filter
from .gridding import OVERSAMPLING, next_fast, width
from .nufft import Nufft2d
from .ray_shares import ray_weights
from .scanner import Scanner
from .slabs import transposed
from .toeplitz import circulant_symbol, toeplitz_apply, toeplitz_kernel, toeplitz_symbol
from .truncation import Padding

QUICK_OVERSAMPLING = 1.5
"""Of the grid of filtered back-projection in single precision, which need not be an exact transpose: it errs by 7e-6
of pictures of white noise, and takes half the time."""

_plans: WeakValueDictionary[tuple, Nufft2d] = WeakValueDictionary()
_plans_lock = threading.Lock()


@operators.register("parallel-beam", title="CT, parallel beam")
@dataclass(frozen=True, config=CONFIG)
class ParallelBeam(Scanner):
    """Line integrals of an image along parallel rays, averaged over each detector bin.

    The image is constant on square pixels of side ``pixel_size``; ``y[i, j]`` is the mean over bin j of its line
    integrals at ``angles_deg[i]``, in units of the image times the unit of length. The bin coordinate is
    ``s = (column - c) cos(theta) - (row - c) sin(theta)`` from the image's centre ``(n - 1) / 2``; bins are in
    increasing s and the rotation axis projects onto the bin coordinate ``center``. Same as ASTRA, and as scikit-image
    for images of odd size (of even size, its rotation axis is pixel ``n // 2``: half a pixel from the middle).

    Method: by the Fourier slice theorem a row of the sinogram is the inverse 1-D transform of the image's 2-D
    transform along a line, times the transforms of pixel and bin; a NUFFT (see ``nufft.py``) gives those samples.
    The band limit is the detector's, or the image's where bins are wider than pixels. What an image has beyond it is
    left out: 0.1 to 1 % of the strip integrals of images with edges, a quarter of those of single pixels and of white
    noise. Where the detector sees the whole image, with bins no wider than the pixels, AᵀA is a convolution: ``normal``
    takes one FFT pair whatever the number of angles, and equals Aᵀ(A x) to better than 1e-6 (1e-10 in double
    precision). Else it is Aᵀ(A x).

    Equation:
        y(θ, s) = ∫ x(r) δ(s - r · (cos θ, -sin θ)) dr,  averaged over a bin
        ŷ(θ, ω) = x̂(ω cos θ, -ω sin θ)                  Fourier slice theorem

    When to use it:
        Synchrotron CT, electron tomography, and fan-beam data that were sorted into parallel rays. Angles, detector
        width and pitch, and the centre of rotation are free, also fractions. For a point source near the object take
        ``fan-beam``.

    References:
        - A. C. Kak & M. Slaney, Principles of Computerized Tomographic Imaging, IEEE Press 1988,
          doi:10.1137/1.9780898719277.
        - S. Matej, J. A. Fessler & I. G. Kazantsev, Iterative tomographic image reconstruction using Fourier-based
          forward and back-projectors, IEEE Trans. Med. Imaging 23 (2004) 401-412, doi:10.1109/TMI.2004.824233.
    """

    detector_pitch: Annotated[Length, Field(gt=0, description="width of a bin, in units of length")] = 1.0
    pixel_size: Annotated[Length, Field(gt=0, description="side of a pixel, in units of length")] = 1.0
    center: Annotated[
        float | None,
        Field(
            description="bin coordinate onto which the rotation axis projects",
            json_schema_extra={"unit": "bins", "none_means": "middle"},
        ),
    ] = None
    sees_again: ClassVar[float] = 180.0

    @model_validator(mode="after")
    def _axis_on_detector(self) -> ParallelBeam:
        self._check_axis(self.center)
        return self

    @classmethod
    def from_radians(cls, *, angles_rad: Iterable[float], **parameters: Any) -> ParallelBeam:
        """The same with angles in radians."""
        return cls(angles_deg=tuple(math.degrees(a) for a in angles_rad), **parameters)

    @classmethod
    def suggest(cls, image_shape: tuple[int, ...]) -> dict[str, Any]:
        """180 angles over half a turn, and a detector as wide as the image's diagonal."""
        bins = math.ceil(math.hypot(*image_shape))
        angles = tuple(np.linspace(0.0, 180.0, 180, endpoint=False).tolist())
        return {"image_shape": image_shape, "angles_deg": angles, "detector_count": bins + bins % 2}

    @property
    def axis_pitch(self) -> float:
        """Width of a bin, the same everywhere."""
        return self.detector_pitch

    @property
    def covers_image(self) -> bool:
        """Whether the detector sees all of the image at every angle, but for a tip of a corner pixel.

        Then ``normal`` is a convolution, unless bins are wider than pixels; else Aᵀ(A x).
        """
        radius = (math.hypot(*self.image_shape) / 2.0 - 0.2) * self.pixel_size
        below, above = self.axis_bin + 0.5, self.detector_count - 0.5 - self.axis_bin
        return min(below, above) * self.detector_pitch >= radius

    @property
    def _toeplitz_form(self) -> bool:
        """Whether AᵀA is a convolution: nothing leaves the detector, and no frequencies fold onto others."""
        return self.covers_image and self._refinement == 1

    # ---- tables ---------------------------------------------------------------------------------------------

    @cached_property
    def _refinement(self) -> int:
        """Samples for each bin, so that bins wider than pixels do not lose frequencies."""
        return max(1, math.ceil(self.detector_pitch / self.pixel_size - 1e-6))

    @cached_property
    def _period(self) -> int:
        """Bins after which a row of the sinogram repeats itself.

        The detector's own number where it sees the whole image: nothing is cut off then, so that AᵀA is Toeplitz to the
        accuracy of the NUFFT, and what the band limit makes ring beyond one end comes in at the other. Else the
        detector is padded, so that what leaves it on one side does not come back on the other.
        """
        if self._toeplitz_form:
            return self.detector_count
        radius = math.hypot(*self.image_shape) / 2.0 * self.pixel_size / self.detector_pitch
        reach = max(self.axis_bin, self.detector_count - 1 - self.axis_bin)
        period = max(math.ceil(radius + reach) + 8, self.detector_count)
        period += -period % 32  # so that a shift of the axis by a few bins keeps the plan
        while period != next_fast(period) or period % 2:
            period += 2
        return period

    @cached_property
    def _samples(self) -> tuple[np.ndarray, np.ndarray]:
        """Angles ``[angles, 1]`` in radians and frequencies ``[1, frequencies]`` in radians per unit of length."""
        count = self._period * self._refinement // 2 + 1
        w = np.arange(count) * (2.0 * math.pi / (self._period * self.detector_pitch))
        return np.radians(np.asarray(self.angles_deg))[:, None], w[None, :]

    @cached_property
    def _omega(self) -> np.ndarray:
        """Frequencies of the image, ``[angles * frequencies, 2]``, in radians per pixel along rows and columns."""
        theta, w = self._samples
        k = w * self.pixel_size
        return np.stack([-k * np.sin(theta), k * np.cos(theta)], axis=-1).reshape(-1, 2)

    @cached_property
    def _gain(self) -> np.ndarray:
        """Real weight of each sample: transforms of the pixel and of the bin, and the units."""
        _, w = self._samples
        pixel = np.prod(np.sinc(self._omega / (2.0 * math.pi)), axis=-1).reshape(-1, w.shape[1])
        gain = pixel * np.sinc(w * self.detector_pitch / (2.0 * math.pi)) * self.pixel_size**2
        gain *= self._refinement / self.detector_pitch
        if self._period * self._refinement % 2 == 0:
            gain[:, -1] = 0.0  # half of the Nyquist frequency would be lost: leave it out, so that AᵀA is Toeplitz
        return gain

    def _plan(self, like: Tensor, oversampling: float = OVERSAMPLING) -> tuple[Nufft2d, Tensor]:
        """The NUFFT and the complex weights ``[angles, frequencies]`` for a tensor's device and precision."""

        def make() -> tuple[Nufft2d, Tensor]:
            nufft = self._nufft(oversampling, like.device, like.dtype)
            _, w = self._samples
            weights = self._gain * np.exp(-1j * w * self.axis_bin * self.detector_pitch)
            table = torch.as_tensor(weights, device=like.device).to(nufft.phase.dtype)
            return nufft, table * nufft.phase.view(table.shape)

        return self._table(f"plan {oversampling}", like.device, like.dtype, make)

    def _quick_plan(self, like: Tensor) -> tuple[Nufft2d, Tensor]:
        """The one of filtered back-projection."""
        return self._plan(like, QUICK_OVERSAMPLING if like.dtype == torch.float32 else OVERSAMPLING)

    def _nufft(self, oversampling: float, *there: Any) -> Nufft2d:
        """For a device and a precision; equal geometries share it while one of them lives."""
        shared = (self.image_shape, self.angles_deg, self._period, self._refinement, oversampling, *there)
        shared += (self.detector_pitch / self.pixel_size,)
        with _plans_lock:
            nufft = _plans.get(shared)
            if nufft is None:
                where = {"device": there[0], "dtype": there[1]}
                nufft = Nufft2d(self.image_shape, self._omega, oversampling=oversampling, **where)
                _plans[shared] = nufft
        return nufft

    # ---- the operator ---------------------------------------------------------------------------------------

    def _apply(self, x: Tensor) -> Tensor:
        return self._forth(x, *self._plan(x))

    def _forth(self, x: Tensor, nufft: Nufft2d, weights: Tensor) -> Tensor:
        rows = nufft(x.flatten(0, 1)).reshape(-1, *weights.shape) * weights
        step = self._refinement
        y = torch.fft.irfft(rows, n=self._period * step)[..., : self.detector_count * step : step]
        return y.reshape(*x.shape[:2], *self.range_shape)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._back(y, *self._plan(y))

    def _spread(self, y: Tensor) -> Tensor:
        """Aᵀ y by the quick plan."""
        return self._back(y, *self._quick_plan(y))

    def _gathered(self, x: Tensor) -> Tensor:
        """The transpose of ``_spread``."""
        return self._forth(x, *self._quick_plan(x))

    def _back(self, y: Tensor, nufft: Nufft2d, weights: Tensor) -> Tensor:
        rows, step = y.flatten(0, 1), self._refinement
        if step > 1:
            fine = rows.new_zeros(*rows.shape[:-1], self.detector_count * step)
            fine[..., ::step] = rows
            rows = fine
        # Each frequency but zero and Nyquist stands for itself and its conjugate.
        spectrum = torch.fft.rfft(rows, n=self._period * step)
        spectrum *= 2.0 / (self._period * step)
        spectrum[..., 0] *= 0.5
        spectrum *= weights.conj()
        x = transposed(nufft, spectrum.flatten(1))
        return x.reshape(*y.shape[:2], *self.image_shape)

    def _normal(self, x: Tensor) -> Tensor:
        if not self._toeplitz_form:
            return self._adjoint(self._apply(x))
        symbol = self._table("symbol", x.device, x.dtype, lambda: toeplitz_symbol(self._kernel(x.dtype)))
        return toeplitz_apply(x, symbol)

    def _kernel(self, dtype: torch.dtype) -> np.ndarray:
        """AᵀA's convolution kernel, ``[2 rows, 2 columns]`` with offset zero at [0, 0].

        A little more accurate than the NUFFT of a precision.
        """
        taps = width(dtype) + 1

        def make() -> np.ndarray:
            weight = self._gain**2 * (2.0 / (self._period * self._refinement**2))
            weight[:, 0] *= 0.5
            return toeplitz_kernel(self.image_shape, self._omega, weight.ravel(), kernel_width=taps)

        return self._kept(f"kernel {taps}", make)

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """Eigenvalues of the best circulant approximation of AᵀA (T. Chan, SIAM J. Sci. Stat. Comput. 9, 1988)."""
        return self._table("circulant", device, dtype, lambda: circulant_symbol(self._kernel(dtype)))

    def memory_bytes(self) -> int:
        count = len(self.angles_deg) * (self._period * self._refinement // 2 + 1)
        return count * (width(torch.float32) ** 2 * 24 + 16) + 64 * math.prod(self.image_shape)

    # ---- filtered back-projection ---------------------------------------------------------------------------

    def fbp(
        self,
        y: Tensor,
        window: Window = "ramp",
        cutoff: float = 1.0,
        center: float | None = None,
        padding: Padding = "auto",
    ) -> Tensor:
        """Filtered back-projection, ``[B, C, angles, bins] -> [B, C, *image_shape]``.

        The ramp filter is the band-limited one of Kak & Slaney (1988, eq. 61), times a window that reaches zero (or
        its edge value) at ``cutoff`` times the Nyquist frequency. Views are weighted by the arc (modulo 180 degrees)
        that they stand for, so repeated and unequal angles are right, and a missing wedge counts as zero (``arcs.py``);
        rays that no other view sees from behind by the arc among those of their side (``ray_shares.py``). ``center``
        tries another rotation axis without building anything. ``padding`` says how rows go on beyond the detector's
        ends: "zero", "edge", smoothly falling to zero, or "auto", that where they do not end in air
        (``truncation.py``).
        """
        self._check(y, "adjoint")
        check_filter(window, cutoff)
        axis = self._axis_tried(center)
        if center is None:
            weights = self._table("rays", y.device, y.dtype, self._ray_weights)
        else:
            weights = torch.as_tensor(self._ray_weights(axis), device=y.device).to(y.dtype)
        # Where the tables of both axes are the same, all of the way is the back-projection's: values between bins would
        # have to go on far beyond the ends. Else it is a part of a bin only, the rows move by whole ones.
        by, near = self.axis_bin - axis, self if center is None else dataclasses.replace(self, center=axis)
        beyond = rows_beyond(near, axis)
        scanner = self if not any(beyond) else self._wider(*beyond)
        if (near if scanner is self else near._wider(*beyond))._period != scanner._period:
            near, beyond, by = self, rows_beyond(self, axis), by - round(by)
            scanner = self if not any(beyond) else self._wider(*beyond)
        scanner.check_size()
        rows = filtered(near, y, weights, axis, window, cutoff, padding)
        from napari_mlpatch.core.autograd import Linear, held  # needs PyTorch at once

        back = scanner if by == 0.0 else Moved(scanner, by)
        x: Tensor = Linear.apply(rows, held(back, self), "spread")  # type: ignore[assignment]
        return x * (self.detector_pitch / self.pixel_size**2)

    def _wider(self, low: int, high: int) -> ParallelBeam:
        """The same scanner with more bins; it shares the tables of its NUFFT."""
        count = self.detector_count + low + high
        return dataclasses.replace(self, detector_count=count, center=self.axis_bin + low)

    def _ray_weights(self, axis: float | None = None) -> np.ndarray:
        return ray_weights(self.angles_deg, self.detector_count, self.axis_bin if axis is None else axis)
