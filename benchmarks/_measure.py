"""What the benchmarks share: rows, timing in pairs, and ASTRA behind a guard.

A row is a dict with ``name, ours, theirs, ratio, unit, required, passed``. Where something is compared, ``ratio`` is
theirs / ours (larger is better for us) and ``required`` the smallest ratio that passes. Where something is only
measured, ``ratio`` is None and ``required``, if any, the largest ``ours`` that passes. ``passed`` is None where nothing
is required, or where this machine lacks what it takes (``missing``), and False where the measurement broke down
(``failed``); ``note`` then says why.
"""

from __future__ import annotations

import argparse
import importlib
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

Row = dict[str, Any]
T = TypeVar("T")


def compared(name: str, pair: Pair, *, required: float | None = None, note: str = "") -> Row:
    """A row from two timings, in milliseconds; ``ratio_of_minima`` beside the median of the paired ratios."""
    return {
        "name": name,
        "ours": 1e3 * statistics.median(pair.ours),
        "theirs": 1e3 * statistics.median(pair.theirs),
        "ratio": pair.ratio,
        "unit": "ms",
        "required": required,
        "passed": None if required is None else pair.ratio >= required,
        "ratio_of_minima": pair.ratio_of_minima,
        "repeats": len(pair.ours),
        "note": note,
    }


def measured(name: str, ours: float, unit: str, *, at_most: float | None = None, note: str = "") -> Row:
    """A row about ourselves alone, with or without an upper bound."""
    passed = None if at_most is None else bool(math.isfinite(ours) and ours <= at_most)
    row = {"name": name, "ours": ours, "theirs": None, "ratio": None, "unit": unit}
    return {**row, "required": at_most, "passed": passed, "note": note}


def missing(name: str, unit: str, why: str, *, required: float | None = None) -> Row:
    """A row that is left out for want of something that this machine does not have, and why."""
    row = {"name": name, "ours": None, "theirs": None, "ratio": None, "unit": unit}
    return {**row, "required": required, "passed": None, "note": why}


def failed(name: str, unit: str, why: str, *, required: float | None = None) -> Row:
    """A row whose measurement broke down, and how: it has not passed what is required."""
    return {**missing(name, unit, why, required=required), "passed": None if required is None else False}


def positive(text: str) -> int:
    """An option's whole number, for argparse."""
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def listed(one: Callable[[str], T]) -> Callable[[str], list[T]]:
    """An option's values between commas, for argparse."""
    return lambda text: [one(word.strip()) for word in text.split(",")]


@dataclass(frozen=True)
class Pair:
    """Seconds for one call of each of two functions, repetition by repetition."""

    ours: list[float]
    theirs: list[float]

    @property
    def ratio(self) -> float:
        """Median over the repetitions of theirs / ours."""
        return statistics.median(b / a for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def ratio_of_minima(self) -> float:
        return min(self.theirs) / min(self.ours)


def paired(ours: Callable[[], Any], theirs: Callable[[], Any], *, repeats: int, block_s: float = 0.1) -> Pair:
    """Time two functions side by side, A B A B, so that both see the same moods of the machine.

    One block is as many calls as fit into ``block_s`` (at least one); its figure is the median of its calls.
    """
    blocks: tuple[list[float], list[float]] = ([], [])
    ours(), theirs()
    for _ in range(repeats):
        blocks[0].append(_block(ours, block_s))
        blocks[1].append(_block(theirs, block_s))
    return Pair(*blocks)


def seconds(f: Callable[[], Any], *, block_s: float = 0.3) -> float:
    """Median seconds of one call, after a first one that is not counted."""
    f()
    return _block(f, block_s)


def _block(f: Callable[[], Any], block_s: float) -> float:
    times: list[float] = []
    while sum(times) < block_s:
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def find_astra() -> tuple[Any, str]:
    """The ASTRA toolbox, or None and why not."""
    try:
        astra = importlib.import_module("astra")
        astra.use_cuda()  # fails here, and not in the middle, where the library is incomplete
    except Exception as error:  # a half-installed binary package can raise anything
        return None, f"astra-toolbox cannot be used here ({type(error).__name__}: {error}); pip install astra-toolbox"
    return astra, ""


class Astra:
    """ASTRA's parallel-beam projector on the CPU: ``kind`` is ``linear`` (Joseph) or ``strip``. Pixel and bin are 1.

    With ``fan``, three lengths in pixels (width of a bin, source to axis, source to detector), it is that of a fan beam
    with a flat detector: ``kind`` is ``line_fanflat`` or ``strip_fanflat``.
    Image and sinogram are linked to NumPy arrays once, so that a call is the projection and nothing else. CUDA
    projectors are never asked for.
    """

    def __init__(
        self,
        astra: Any,
        kind: str,
        size: int,
        angles_deg: np.ndarray,
        bins: int,
        fan: tuple[float, float, float] | None = None,
    ):
        volume = astra.create_vol_geom(size, size)
        if fan is None:
            rays = astra.create_proj_geom("parallel", 1.0, bins, np.radians(angles_deg))
        else:
            pitch, to_axis, to_detector = fan
            rays = astra.create_proj_geom(
                "fanflat", pitch, bins, np.radians(angles_deg), to_axis, to_detector - to_axis
            )
        self.image = np.zeros((size, size), np.float32)
        self.sinogram = np.zeros((len(angles_deg), bins), np.float32)
        self._astra = astra
        self._projector = astra.create_projector(kind, rays, volume)
        self._data = {
            "image": astra.data2d.link("-vol", volume, self.image),
            "sinogram": astra.data2d.link("-sino", rays, self.sinogram),
        }
        self._forward = self._algorithm("FP", "VolumeDataId")
        self._adjoint = self._algorithm("BP", "ReconstructionDataId")

    def _algorithm(self, name: str, image_key: str) -> int:
        config = self._astra.astra_dict(name)
        config["ProjectorId"] = self._projector
        config["ProjectionDataId"] = self._data["sinogram"]
        config[image_key] = self._data["image"]
        return self._astra.algorithm.create(config)

    def forward(self) -> np.ndarray:
        """``self.sinogram = A self.image``."""
        self._astra.algorithm.run(self._forward)
        return self.sinogram

    def adjoint(self) -> np.ndarray:
        """``self.image = Aᵀ self.sinogram``."""
        self._astra.algorithm.run(self._adjoint)
        return self.image

    def close(self) -> None:
        self._astra.algorithm.delete([self._forward, self._adjoint])
        self._astra.projector.delete(self._projector)
        self._astra.data2d.delete(list(self._data.values()))


def shepp_logan(size: int) -> np.ndarray:
    """scikit-image's Shepp-Logan phantom, anti-aliased: a square image, float32."""
    from skimage.data import shepp_logan_phantom
    from skimage.transform import resize

    image = resize(shepp_logan_phantom(), (size, size), order=1, anti_aliasing=True)
    return image.astype(np.float32)
