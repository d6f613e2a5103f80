"""A measurement together with the operator that made it."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch

from .arguments import all_finite, as_tensor, is_number
from .errors import InputError
from .operator import Operator

if TYPE_CHECKING:
    from .noise import Noise


@dataclass(frozen=True, eq=False)
class Problem:
    """``y = A x + n``: find x.

    ``y`` is ``[B, C, *A.range_shape]``, ``truth`` (only in simulations) ``[B, C, *A.domain_shape]``; a missing batch
    and channel dimension is added. ``noise_std`` is the standard deviation of n in the units of y where it is known.
    ``source`` says in plain JSON where the data came from, so that a recipe can find it again, ``notes`` what was
    assumed. The tensors are never changed. Raises InputError for wrong shapes and for NaN or infinite values.
    """

    A: Operator
    y: Tensor = field(repr=False)
    noise: Noise | None = None
    truth: Tensor | None = field(default=None, repr=False)
    noise_std: float | None = None
    source: dict[str, Any] = field(default_factory=lambda: {"kind": "memory"})
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.A, Operator):
            raise InputError(f"A problem needs an operator A first, then its data y; got {type(self.A).__name__} as A.")
        self.A.check_size()
        if not isinstance(self.source, dict):
            raise InputError(f"The source of a problem is a dictionary, got {type(self.source).__name__}.")
        object.__setattr__(self, "y", _checked(self.y, self.A.range_shape, "measurement"))
        if self.truth is not None:
            object.__setattr__(self, "truth", _checked(self.truth, self.A.domain_shape, "truth"))
            if self.truth.shape[:2] != self.y.shape[:2]:
                raise InputError(
                    f"The truth has batch and channels {list(self.truth.shape[:2])}, the measurement "
                    f"{list(self.y.shape[:2])}. Give one image for each measurement."
                )
        if self.noise is not None and not callable(getattr(self.noise, "level", None)):
            raise InputError(f"The noise of a problem is a noise model, got {type(self.noise).__name__}.")
        if self.noise_std is not None and not (is_number(self.noise_std) and 0 <= self.noise_std < math.inf):
            raise InputError(f"The noise standard deviation must be a number from 0 upwards, got {self.noise_std}.")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the measurement."""
        return sha256(self.y)

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """What its operator has to say about this measurement, such as that the object is wider than the detector.

        And on the noise level, where that is not given.
        """
        return (*self.A.remarks(self.y), *filter(None, [self.noise_remark]))

    @property
    def noise_remark(self) -> str:
        """What its operator has to say on the noise level that it estimates; empty where that is given."""
        if self.noise_std is not None:
            return ""
        if "remark" not in self._estimated:
            told = self._levels
            remark = self.A.noise_remark(self.y) if told is None else next((said for _, said in told if said), "")
            self._estimated["remark"] = remark
        return self._estimated["remark"]

    @property
    def std(self) -> Tensor:
        """Standard deviation of each item's noise, ``[B]`` float64 on the CPU: given, or estimated from it, once."""
        if self.noise_std is not None:
            return torch.full((len(self.y),), float(self.noise_std), dtype=torch.float64)
        if "std" not in self._estimated:
            told = self._levels
            levels = [self.A.estimate_std(y[None]) for y in self.y] if told is None else [level for level, _ in told]
            self._estimated["std"] = torch.tensor(levels, dtype=torch.float64)
        return self._estimated["std"]

    @property
    def _levels(self) -> list[tuple[float, str]] | None:
        """What the operator tells at once of each item's noise: least squares, say, are not to be solved twice."""
        if "levels" not in self._estimated:
            told = []
            for y in self.y:
                told.append(self.A.noise_level(y[None]))
                if told[-1] is None:
                    break
            self._estimated["levels"] = None if None in told else told
        return self._estimated["levels"]

    @cached_property
    def _estimated(self) -> dict[str, Any]:
        """What was estimated of the noise, shared with the same problem on other devices."""
        return {}

    @cached_property
    def sample_count(self) -> int:
        """How many samples of each channel were measured: all but those that ``A.sampled`` leaves out."""
        sampled = self.A.sampled
        return math.prod(self.A.range_shape) if sampled is None else int(sampled.expand(self.A.range_shape).sum())

    @property
    def noise_norm(self) -> float:
        """‖n‖ that is expected of the noise of one channel, ``noise_std · sqrt(sample_count)``; NaN if unknown."""
        return math.nan if self.noise_std is None else self.noise_std * math.sqrt(self.sample_count)

    def same_as(self, other: Problem) -> bool:
        """Whether both are the same measurement of the same operator."""
        return self is other or (self.A == other.A and self.fingerprint == other.fingerprint)

    def to(self, device: torch.device | str) -> Problem:
        """The same problem with its tensors on another device; what is estimated of its noise is of both."""
        truth = None if self.truth is None else self.truth.to(device)
        there = dataclasses.replace(self, y=self.y.to(device), truth=truth)
        there.__dict__["_estimated"] = self._estimated
        return there


def sha256(x: Tensor) -> str:
    """Fingerprint of a tensor's shape, type and values."""
    array = x.detach().cpu().contiguous().numpy()
    head = f"{array.dtype.str}{list(array.shape)}".encode()
    found = hashlib.sha256(head)
    found.update(array.reshape(-1).view(np.uint8).data)  # the tensor's own memory: nothing is copied
    return found.hexdigest()


def _checked(x: Tensor, shape: tuple[int, ...], what: str) -> Tensor:
    x = as_tensor(x, f"The {what}")
    if not (x.is_floating_point() or x.is_complex()):
        x = x.to(torch.float32)
    given = list(x.shape)
    while x.ndim < 2 + len(shape) and tuple(x.shape[-len(shape) :]) == tuple(shape):
        x = x[None]
    if x.ndim != 2 + len(shape) or tuple(x.shape[2:]) != tuple(shape) or 0 in x.shape:
        raise InputError(
            f"The {what} has shape {given}, but the operator needs [batch, channel, {', '.join(map(str, shape))}]. "
            "Check that the data belong to this geometry, and whether an axis is swapped."
        )
    if not all_finite(x):
        bad = ~torch.isfinite(x)
        first = torch.nonzero(bad)[0].tolist()
        raise InputError(
            f"The {what} holds {int(bad.sum())} NaN or infinite value(s), the first at index {first}. "
            "Replace or mask them before reconstructing."
        )
    return x
