"""Figures of merit. The data range is always explicit.

All take tensors ``[B, C, H, W]`` and give the mean over the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch

from .arguments import instance, is_number
from .errors import InputError
from .problem import Problem

FLOOR = (
    0.01  # of the mean variance, below which a sample's is not taken at its word: a count there would weigh too much
)


def data_range_of(truth: Tensor) -> float:
    """Largest minus smallest value of the truth."""
    _same_shape(truth, truth)
    if truth.is_complex() or truth.is_meta or not truth.numel():
        raise InputError(f"A data range is that of a real image, got {truth.dtype} of shape {list(truth.shape)}.")
    return float(truth.max() - truth.min())


def psnr(x: Tensor, truth: Tensor, *, data_range: float) -> float:
    """Peak signal-to-noise ratio in dB, ``10 log10(data_range² / MSE)``."""
    _same_shape(x, truth)
    if not (is_number(data_range) and data_range > 0):
        raise InputError(f"The data range of a PSNR must be positive, got {data_range}. Give it explicitly.")
    mse = (x - truth).abs().double().square().flatten(1).mean(1)
    return float((10 * torch.log10(min(float(data_range), 1e150) ** 2 / mse)).mean())


def ssim(x: Tensor, truth: Tensor, *, data_range: float) -> float:
    """Structural similarity with scikit-image's defaults (7x7 uniform window; Wang et al. 2004)."""
    from skimage.metrics import structural_similarity

    _same_shape(x, truth)
    if not (is_number(data_range) and data_range > 0) or x.ndim != 4:
        raise InputError(
            f"SSIM needs images [batch, channel, rows, columns] and a positive data range, got {list(x.shape)} and "
            f"{data_range!r:.60}."
        )
    if min(x.shape[-2:]) < 7:
        return math.nan
    pairs = zip(x.detach().cpu().numpy(), truth.detach().cpu().numpy(), strict=True)
    values = [structural_similarity(b, a, data_range=data_range, channel_axis=0) for a, b in pairs]
    return float(np.mean(values))  # type: ignore[arg-type]


def nrmse(x: Tensor, truth: Tensor) -> float:
    """Root mean square error relative to the truth, ``‖x - truth‖ / ‖truth‖``."""
    _same_shape(x, truth)
    error, size = (v.abs().double().flatten(1).norm(dim=1) for v in (x - truth, truth))
    return float((error / size).mean())


def relative_residual(x: Tensor, problem: Problem) -> float:
    """``‖A x - y‖ / ‖y‖``."""
    instance(problem, Problem, "The problem")
    return _relative(problem.A(x) - problem.y, problem.y)


def reduced_chi_square(x: Tensor, problem: Problem) -> float:
    """Mean of ``|A x - y|² / variance``: about 1 where the residual is as large as the noise.

    The variance is ``noise_std²``. Where noise depends on the signal (counts), that is its mean, and each sample has
    its own, by the noise model from A truth, or where the truth is unknown from A x; samples whose variance is below a
    hundredth of the mean weigh as if they had that, and the mean is taken relative to its expectation. NaN where the
    noise is unknown. Well below 1 the noise was fitted, well above 1 the picture misses signal.
    """
    instance(problem, Problem, "The problem")
    predicted = problem.A(x)
    return _chi_square(predicted, predicted - problem.y, problem) if problem.noise_std else math.nan


def evaluate(x: Tensor, problem: Problem, *, data_range: float | None = None) -> dict[str, float]:
    """All metrics that the problem allows. ``data_range`` defaults to the range of the truth, and is among them.

    Images are compared as ``A.picture`` shows them: complex ones by their magnitude, mass maps by their E mode.
    """
    instance(problem, Problem, "The problem")
    predicted = problem.A(x)
    residual = predicted - problem.y
    found = {"relative_residual": _relative(residual, problem.y)}
    if problem.noise_std:
        found["reduced_chi_square"] = _chi_square(predicted, residual, problem)
    if problem.truth is not None:
        found |= compare(problem.A.picture(x), problem.A.picture(problem.truth), data_range=data_range)
    return found


def compare(x: Tensor, truth: Tensor, *, data_range: float | None = None) -> dict[str, float]:
    """All METRICS of a picture and the truth, and the ``data_range`` of both: by default that of the truth."""
    _same_shape(x, truth)
    span = data_range_of(truth) if data_range is None else data_range
    if not is_number(span):
        raise InputError(f"The data range of PSNR and SSIM must be a positive number, got {span!r:.60}.")
    found = {}
    for metric in METRICS:
        if metric.of is not None and (span > 0 or not metric.needs_range) and (x.ndim == 4 or not metric.plane):
            found[metric.key] = metric.of(x, truth, span)
    return found | {"data_range": span}


def _chi_square(predicted: Tensor, residual: Tensor, problem: Problem) -> float:
    level = (problem.noise_std or math.nan) ** 2
    squares = _sampled(residual.abs().double().square(), problem)
    clean = predicted if problem.truth is None else problem.A(problem.truth)
    variance = None if problem.noise is None else problem.noise.variance(_sampled(clean, problem))
    if variance is None or not float(variance.mean()) > 0:
        return float(squares.mean()) / level
    variance = variance * (level / float(variance.mean()))
    weight = 1.0 / variance.clamp(min=FLOOR * level)
    return float((weight * squares).sum() / (weight * variance).sum())


def _sampled(y: Tensor, problem: Problem) -> Tensor:
    """What was measured of y."""
    where = problem.A.sampled
    return y if where is None else y[..., where.to(y.device).expand(problem.A.range_shape)]


def _relative(residual: Tensor, y: Tensor) -> float:
    size = float(y.abs().double().norm())
    return float(residual.abs().double().norm()) / size if size else math.nan


def _same_shape(x: Tensor, truth: Tensor) -> None:
    for value, what in ((x, "The image"), (truth, "The truth")):
        if not torch.is_tensor(value):
            raise InputError(f"{what} is a tensor, got {type(value).__name__}: torch.as_tensor(it).")
    if x.shape != truth.shape:
        raise InputError(f"The image has shape {list(x.shape)}, the truth {list(truth.shape)}. They must be equal.")


@dataclass(frozen=True)
class Metric:
    """A figure of merit: a row of METRICS is all that evaluation, window and command line need of it.

    ``key`` is its name in results, ``title`` in words, ``heading`` above a column (with the unit), ``form`` how a value
    is written. ``better`` says which value wins, None that none does. ``of(x, truth, data_range)`` computes it from
    pictures ``[B, C, *space]``; None for what needs the measurement, which ``evaluate`` computes. With ``needs_range``
    it means nothing without its data range, and is left out where that is zero; with ``plane`` it is for 2-D pictures.
    """

    key: str
    title: str
    heading: str
    form: str
    better: Literal["higher", "lower"] | None
    tooltip: str
    of: Callable[[Tensor, Tensor, float], float] | None = None
    unit: str = ""
    needs_range: bool = False
    plane: bool = False


METRICS = (
    Metric(
        key="psnr",
        title="PSNR",
        heading="PSNR / dB",
        form="{:.2f}",
        unit="dB",
        better="higher",
        tooltip="peak signal-to-noise ratio; data range = range of the truth",
        of=lambda x, truth, span: psnr(x, truth, data_range=span),
        needs_range=True,
    ),
    Metric(
        key="ssim",
        title="SSIM",
        heading="SSIM",
        form="{:.4f}",
        better="higher",
        tooltip="structural similarity, 7x7 uniform window; data range = range of the truth",
        of=lambda x, truth, span: ssim(x, truth, data_range=span),
        needs_range=True,
        plane=True,
    ),
    Metric(
        key="nrmse",
        title="NRMSE",
        heading="NRMSE",
        form="{:.4f}",
        better="lower",
        tooltip="‖x - truth‖ / ‖truth‖",
        of=lambda x, truth, span: nrmse(x, truth),
    ),
    Metric(
        key="relative_residual",
        title="relative residual",
        heading="residual",
        form="{:.4g}",
        better=None,
        tooltip="‖A x - y‖ / ‖y‖; smaller is not better: it may fit the noise",
    ),
    Metric(
        key="reduced_chi_square",
        title="reduced chi-square",
        heading="chi²",
        form="{:.4g}",
        better=None,
        tooltip="mean ((A x - y) / noise)²; about 1 where the noise is not fitted",
    ),
)
"""All figures of merit, in the order in which they are shown."""
