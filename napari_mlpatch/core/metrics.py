"""Figures of merit: what computes all that a problem allows. ``metric_table`` declares them.

Pictures are tensors ``[B, C, H, W]``; a figure is the mean over the batch. The data range is always explicit.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from napari_mlpatch.torch_later import Tensor

from .arguments import instance, is_number
from .errors import InputError
from .goodness import Explained, reduced_chi_square, relative_residual, whiteness
from .metric import Metric
from .metric_table import METRICS
from .problem import Problem
from .region import mask_of, pixels
from .similarity import data_range_of, nrmse, psnr, same_shape, ssim

__all__ = [
    "METRICS",
    "Metric",
    "compare",
    "data_range_of",
    "each",
    "evaluate",
    "in_region",
    "nrmse",
    "psnr",
    "reduced_chi_square",
    "relative_residual",
    "ssim",
    "whiteness",
]


def evaluate(
    x: Tensor, problem: Problem, *, data_range: float | None = None, region: Any = None, background: Any = None
) -> dict[str, float]:
    """All metrics that the problem allows. ``data_range`` defaults to the range of the truth, and is among them.

    Images are compared as ``A.picture`` shows them: complex ones by their magnitude, mass maps by their E mode. With a
    ``region`` (see ``region.mask_of``) those that can be are restricted to it, and mean, SD and CNR against a second
    region, the ``background``, or else all the rest are added; the measurement's stay those of the whole picture, and
    so does the data range.
    """
    instance(problem, Problem, "The problem")
    explained = Explained(x, problem)
    values = {m.key: m.of(explained) for m in METRICS if m.needs == "measurement" and m.of is not None}
    found = {key: value for key, value in values.items() if not math.isnan(value) or key == "relative_residual"}
    if problem.truth is not None:
        found |= compare(problem.A.picture(x), problem.A.picture(problem.truth), data_range=data_range)
    if region is not None:
        found |= in_region(x, problem, region, background=background, data_range=data_range)
    return found


def each(x: Tensor, problem: Problem, **options: Any) -> list[dict[str, float]]:
    """What ``evaluate`` gives of each item of a batch (slice of a stack), all with the data range of the whole truth.

    ``options`` are those of ``evaluate``. The mean over the items of PSNR, SSIM and NRMSE is what ``evaluate`` gives.
    """
    instance(problem, Problem, "The problem")
    if options.get("data_range") is None and problem.truth is not None:
        options["data_range"] = data_range_of(problem.A.picture(problem.truth)) or None
    return [evaluate(x[i : i + 1], item(problem, i), **options) for i in range(len(problem.y))]


def item(problem: Problem, i: int) -> Problem:
    """Item i of a batch as a problem of its own."""
    truth = None if problem.truth is None else problem.truth[i : i + 1]
    return dataclasses.replace(problem, y=problem.y[i : i + 1], truth=truth)


def compare(x: Tensor, truth: Tensor, *, data_range: float | None = None) -> dict[str, float]:
    """All METRICS of a picture and the truth, and the ``data_range`` of both: by default that of the truth."""
    same_shape(x, truth)
    span = _span(truth, data_range)
    found = {}
    for metric in METRICS:
        if metric.of is not None and metric.needs == "truth" and _applies(metric, x, span):
            found[metric.key] = metric.of(x, truth, span)
    return found | {"data_range": span}


def in_region(
    x: Tensor,
    problem: Problem,
    region: Any,
    *,
    background: Any = None,
    data_range: float | None = None,
) -> dict[str, float]:
    """What of METRICS follows a region of interest, restricted to it; that without a truth where there is none.

    ``region`` and ``background`` are what ``region.mask_of`` takes; the background is all the rest where it is None.
    """
    instance(problem, Problem, "The problem")
    picture = problem.A.picture(x)
    truth = None if problem.truth is None else problem.A.picture(problem.truth)
    return compare_in_region(picture, truth, region, background=background, data_range=data_range)


def compare_in_region(
    x: Tensor, truth: Tensor | None, region: Any, *, background: Any = None, data_range: float | None = None
) -> dict[str, float]:
    """The same of a picture ``[B, C, H, W]`` and the truth, or None."""
    if x.ndim != 4:
        raise InputError(f"A region is one of pictures [batch, channel, rows, columns], got {list(x.shape)}.")
    mask = mask_of(region, (x.shape[-2], x.shape[-1]))
    other = ~mask if background is None else mask_of(background, (x.shape[-2], x.shape[-1]))
    inside, outside = pixels(x, mask), pixels(x, other)
    found = {m.key: m.of(inside, outside) for m in METRICS if m.needs == "region" and m.of is not None}
    if truth is not None:
        same_shape(x, truth)
        span = _span(truth, data_range)
        for metric in METRICS:
            if metric.of is None or metric.needs != "truth" or not _applies(metric, x, span):
                continue
            if metric.region == "pixels":
                found[metric.key] = metric.of(inside, pixels(truth, mask), span)
            elif metric.region == "mask":
                found[metric.key] = metric.of(x, truth, span, region=mask)
    return {key: value for key, value in found.items() if not math.isnan(value)}


def _applies(metric: Metric, x: Tensor, span: float) -> bool:
    return (span > 0 or not metric.needs_range) and (x.ndim == 4 or not metric.plane)


def _span(truth: Tensor, data_range: float | None) -> float:
    span = data_range_of(truth) if data_range is None else data_range
    if not is_number(span):
        raise InputError(f"The data range of PSNR and SSIM must be a positive number, got {span!r:.60}.")
    return span
