"""The centre of rotation of a parallel-beam scan, found from the sinogram itself.

A ray seen at theta is seen again, from behind, at theta + 180 degrees: with the axis at bin c,

    y(theta + 180, s) = y(theta, 2c - s).

Two measures of how well the data obey this, both sums over the detector frequency w of ``Re(C(w) exp(-2iwc))``, so
that one FFT evaluates every c at once and Newton's method refines the best one to a fraction of a bin:

*opposite-rows* (the scan covers 210 degrees or more): the squared difference of opposite rows. *double-wedge* (about
half a turn): mirrored about the right c, half a turn continues smoothly into a whole one, whose 2-D spectrum
vanishes for angular frequencies ``|k| > R |w|``, R the radius of the object; a wrong c puts energy there.

Both compare whole rows. Where those end in air at one end of the detector only (half acquisition, an object cut off at
one side) a full turn is compared where opposite views overlap (*overlap*, see ``center_overlap.py``), and half a turn,
of which only the first and the last view are opposite, must agree with these: else the centre is refused.

Reference: Vo et al., "Reliable method for calculating the center of rotation in parallel-beam tomography", Optics
Express 22 (2014), who evaluate the double wedge candidate by candidate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts load when they are used

from napari_mlpatch.core.errors import InputError

from .center_overlap import from_overlap, is_cut, mismatch, rival

LEAST_COVERAGE = 170.0  # degrees; below, opposite views are missing
LARGEST_GAP = 20.0  # degrees between neighbouring angles, where they are not sparse throughout
LEAST_OVERLAP = 30.0  # degrees beyond 180 from which opposite rows alone tell the centre
LEAST_ANGLES = 8
FILLED_IN = 1.5  # what rows that are filled in or interpolated add to the uncertainty, as a factor
BENT = 3.5e-5
"""Of the detector, for each squared degree that half a turn lacks: sinusoids are bent where rows are filled in, which
moves the centre by as much (root mean square over scenes of discs), and all frequencies agree on it."""
FEW = 24.0  # angles in half a turn, of which the deviations of so few tell less than they should
BETWEEN = 0.02  # of a step, from which on a row counts as interpolated
KNOWN = 0.5  # bins of uncertainty, up to which a centre counts as told by the data
UNSURE = "The data do not tell it to half a bin: compare pictures at several centres (the try-strip), or give it."


@dataclass(frozen=True)
class Center:
    """``value`` is the bin index (float) onto which the rotation axis projects, bins counted from 0.

    ``method`` is "opposite-rows", "overlap" or "double-wedge". ``uncertainty`` is one standard deviation in bins,
    estimated from how far the detector frequencies, or groups of views, disagree, and more for few or interpolated
    views, for half a turn that is not complete, and for objects cut off in half a turn. Where another centre is nearly
    as good, it is the distance to that one: several bins mean that the sinogram does not determine the centre.
    """

    value: float
    method: str
    uncertainty: float

    @property
    def note(self) -> str:
        """What was found, in words, and that the data hardly tell it where that is so."""
        found = f"centre of rotation {self.value:.2f} ± {self.uncertainty:.2g} bins, found by {self.method}"
        return f"{found}. {UNSURE}" if self.uncertainty > KNOWN else found


def find_center(sinogram: Any, angles_deg: Any, *, search: tuple[float, float] | None = None) -> Center:
    """Centre of rotation of a parallel-beam sinogram ``[angles, bins]`` (line integrals, after -log).

    ``angles_deg`` are the angles of the rows in degrees, in any order, spaced evenly or not. ``search`` bounds the
    centre in bins, however close the bounds; the default leaves out a tenth of the detector at either end, with the
    method "overlap" only the five bins at either end where opposite views overlap too little.

    Raises InputError for data that are not such a sinogram, for bounds that are not increasing, not on the detector or
    where opposite views cannot be compared, for angles that cover less than about 170 degrees, and for half a turn of
    an object that is cut off at one side where opposite views contradict the centre.
    """
    y, angles = _checked(sinogram, angles_deg)
    bins = y.shape[1]
    low, high = search or (0.1 * (bins - 1), 0.9 * (bins - 1))
    if not 0 <= low < high <= bins - 1:
        raise InputError(
            f"The centre cannot be searched from {low} to {high}: the detector has the bins 0 to {bins - 1}. "
            "Give an increasing pair within them."
        )
    cut = is_cut(y)
    y = y - min(y[:, : 1 + bins // 64].mean(), y[:, -1 - bins // 64 :].mean())  # a flat background hides the mirror
    rows, half, is_interpolated = _even_rows(y, angles)
    overlap = len(rows) - half
    factor = float(np.hypot(1.0, FEW / half)) * (FILLED_IN if is_interpolated else 1.0)
    if cut and overlap * 180 / half >= LEAST_OVERLAP:
        value, uncertainty = from_overlap(rows[:overlap], rows[half:], search)
        return Center(value, "overlap", factor * uncertainty)
    if overlap * 180 / half >= LEAST_OVERLAP:
        value, uncertainty = _minimum(_opposite_rows(rows, half), bins, low, high)
        return Center(value, "opposite-rows", factor * uncertainty)
    given = min(len(rows), half)
    value, uncertainty = np.nan, np.nan
    for _ in range(1 if given == half else 4):  # rows missing before 180 degrees are filled in with the last centre
        value, uncertainty = _minimum(_double_wedge(_half_turn(rows, half, value)), bins, low, high)
    uncertainty *= factor * (FILLED_IN if given < half else 1.0)
    uncertainty = float(np.hypot(uncertainty, BENT * bins * (180.0 * (1.0 - given / half)) ** 2))
    if cut:
        uncertainty = max(uncertainty, _contradiction(rows, half, value))
    return Center(value, "double-wedge", uncertainty)


def _contradiction(rows: np.ndarray, half: int, center: float) -> float:
    """How far the first and the last view of half a turn, nearly opposite, would move the centre."""
    candidates, energy = mismatch(rows[:1], rows[min(half, len(rows) - 1)][None])
    best = float(candidates[np.argmin(energy)])
    # A step short of half a turn, details at the detector's far end lie as many bins beside their places.
    tolerance = 1.0 + rows.shape[1] / 2 * np.pi / half
    if abs(best - center) > 2.0 * tolerance:
        raise InputError(
            "The object is cut off at one side of the detector, and the data of half a turn contradict themselves: as "
            f"a whole they put the centre at {center:.1f}, the first and last view at {best:.1f}. Give the centre, or "
            "compare pictures at several centres (the try-strip); a full turn would tell it."
        )
    return max(abs(best - center), tolerance) / 2.0


def _checked(sinogram: Any, angles_deg: Any) -> tuple[np.ndarray, np.ndarray]:
    y, angles = np.asarray(sinogram), np.asarray(angles_deg, dtype=float).ravel()
    if y.ndim != 2 or y.shape[1] < 8 or np.iscomplexobj(y):
        raise InputError(f"A centre is found from one real sinogram [angles, bins] of 8 bins or more, got {y.shape}.")
    if len(angles) != len(y):
        raise InputError(
            f"The sinogram has {len(y)} rows but there are {len(angles)} angles. Give one angle for each row."
        )
    y = y.astype(float)
    if not (np.isfinite(y).all() and np.isfinite(angles).all()):
        raise InputError(
            "The sinogram or its angles hold NaN or infinite values. Replace them before finding the centre."
        )
    if len(angles) < LEAST_ANGLES:
        raise InputError(
            f"{len(angles)} angles are too few to find the centre: at least {LEAST_ANGLES} are needed. "
            "Compare pictures at several centres (the try-strip) instead."
        )
    if np.ptp(y) <= 1e-12 * np.abs(y).max():
        raise InputError(f"The sinogram is constant ({y.flat[0]:.6g} everywhere): it holds no trace of the centre.")
    return y, angles


def _even_rows(y: np.ndarray, angles: np.ndarray) -> tuple[np.ndarray, int, bool]:
    """Rows resampled to even steps of 180 degrees / half, ``half``, and whether that moved any of them."""
    if np.ptp(angles) > 360:
        angles = np.mod(angles, 360)
    order = np.argsort(angles, kind="stable")
    angles, y = angles[order], y[order]
    gaps = np.diff(angles)
    step = np.ptp(angles) / max((gaps > 1e-6).sum(), 1)
    coverage = np.ptp(angles) + step
    if coverage < LEAST_COVERAGE or gaps.max() > max(LARGEST_GAP, 3 * step):
        raise InputError(
            f"The angles cover {coverage:.4g} degrees with gaps of up to {gaps.max():.3g}: the data tell the centre of "
            f"rotation only if the angles cover about {LEAST_COVERAGE:g} degrees without large gaps. "
            "Give the centre, or compare pictures at several centres (the try-strip)."
        )
    half = max(round(180 / step), 2)
    if coverage > 360 - step / 2:  # close the circle, so that the rows near its end have a neighbour
        angles, y = np.append(angles, angles[0] + 360), np.concatenate([y, y[:1]])
    wanted = angles[0] + np.arange(2 * half) * (180 / half)
    wanted = wanted[wanted <= angles[-1] + 1e-3 * step]
    if coverage > 360 - step / 2:
        wanted = wanted[: 2 * half]
    right = np.clip(np.searchsorted(angles, wanted), 1, len(angles) - 1)
    span = np.maximum(angles[right] - angles[right - 1], 1e-12)
    part = np.clip((wanted - angles[right - 1]) / span, 0, 1)[:, None]
    is_moved = bool((np.minimum(part, 1 - part) > BETWEEN).any())
    return (1 - part) * y[right - 1] + part * y[right], half, is_moved


def _half_turn(rows: np.ndarray, half: int, center: float) -> np.ndarray:
    """Exactly ``half`` rows. Missing ones are blended from the last row to the first one, mirrored about ``center``."""
    missing = half - len(rows)
    if missing <= 0:
        return rows[:half]
    end = rows[-1]
    if np.isfinite(center):
        bins = np.arange(rows.shape[1])
        end = np.interp(2 * center - bins, bins, rows[0])
    part = (np.arange(missing) + 1)[:, None] / (missing + 1)
    return np.concatenate([rows, (1 - part) * rows[-1] + part * end])


def _spectrum(rows: np.ndarray) -> np.ndarray:
    """Rows at the detector frequencies w = 0, pi / bins, 2 pi / bins, ..."""
    return np.asarray(scipy.fft.rfft(rows.astype(np.float32), 2 * rows.shape[1], axis=1))[:, :-1]


def _opposite_rows(rows: np.ndarray, half: int) -> np.ndarray:
    spectrum = _spectrum(rows)
    return -np.conj(spectrum[:-half] * spectrum[half:]).sum(0)


def _double_wedge(rows: np.ndarray) -> np.ndarray:
    """C(w) = sum over the k outside of the wedge of conj(D) M: D the data, M their mirror image, half a turn on."""
    half, bins = rows.shape
    spectrum = _spectrum(rows)
    nothing = np.zeros_like(spectrum)
    data = np.asarray(scipy.fft.fft(np.concatenate([spectrum, nothing]), axis=0))
    mirrored = np.asarray(scipy.fft.fft(np.concatenate([nothing, np.conj(spectrum)]), axis=0))
    k = np.abs(scipy.fft.fftfreq(2 * half, 1 / (2 * half)))[:, None]
    w = np.arange(bins) * (np.pi / bins)
    outside = k > w * bins / 2 + 2  # the spectrum ends softly: two more
    return (np.conj(data) * mirrored * outside).sum(0)


def _minimum(c_of_w: np.ndarray, bins: int, low: float, high: float) -> tuple[float, float]:
    """Minimiser over ``low <= c <= high`` of E(c) = sum of Re(C(w) exp(-2iwc)), and its uncertainty."""
    w, terms = np.arange(bins) * (np.pi / bins), c_of_w.astype(complex)
    candidates = np.arange(int(4 * low), int(np.ceil(4 * high)) + 1)  # the nearest beyond the bounds too
    energy = np.fft.fft(terms, 4 * bins).real[candidates]  # E at c = index / 4
    center = float(np.clip(candidates[np.argmin(energy)] / 4, low, high))
    other = rival(candidates / 4, energy, 2.0)
    for _ in range(8):
        phased = terms * np.exp(-2j * w * center)
        slopes, curvature = (-2j * w * phased).real, float((-4 * w**2 * phased).real.sum())
        if curvature <= 0:
            return center, float(bins)
        step = float(slopes.sum()) / curvature
        center = float(np.clip(center - np.clip(step, -0.25, 0.25), low, high))
    deviation = float(np.sqrt(2 * np.square(slopes).sum()) / curvature)
    return center, deviation if other is None else max(deviation, abs(other - center))
