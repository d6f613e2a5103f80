"""The noise that weights were trained with, beside that of the data they are used on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.declare import build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.noise import Noise
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import noises
from napari_mlpatch.torch_later import Tensor, torch

if TYPE_CHECKING:
    from napari_mlpatch.weights import Card

MUCH = 3.0
"""So many times stronger or weaker than in the training, noise is worth a remark where its level is measured."""


def noise_of(card: Card) -> dict[str, Any] | None:
    """The noise of the training: none, where its task says so; None where nothing is known."""
    if card.noise is not None:
        return card.noise.model_dump()
    params = _task(card)
    return {"name": "none", "params": {}} if params is not None and params.get("noise") is None else None


def factors_of(card: Card) -> tuple[float, float]:
    """By which numbers the training multiplied its noise, from and to."""
    found = (_task(card) or {}).get("noise_factor")
    if isinstance(found, list | tuple) and len(found) == 2 and all(type(v) in (int, float) for v in found):
        return float(found[0]), float(found[1])
    return 1.0, 1.0


def level_of(described: dict[str, Any] | None) -> tuple[str, float] | None:
    """Which number says how strong white noise is, and that number: ``("std", 0.02)``; None of other noise."""
    try:
        noise: Any = None if described is None else build(noises, described)
    except InputError:
        return None
    if getattr(noise, "name", "") != "gaussian":
        return None
    name = next((name for name in ("std", "snr_db") if getattr(noise, name) is not None), "relative")
    return name, getattr(noise, name)


def range_of(card: Card) -> tuple[str, float, float] | None:
    """The levels of white noise in the training, from weak to strong, with its factors: None of other noise."""
    level = level_of(noise_of(card))
    if level is None:
        return None
    name, value = level
    low, high = factors_of(card)
    if name == "snr_db":
        weak, strong = (value - 20 * math.log10(max(factor, 1e-15)) for factor in (low, high))
        return name, weak, strong
    return name, low * value, high * value


def within(card: Card, noise: Noise) -> str | None:
    """What to say of white noise of known level beside that of the training: empty where it is in its range.

    None where the two cannot be told apart by one number, for want of one of the same kind.
    """
    then, now = range_of(card), level_of(describe(noise))
    if then is None or now is None or then[0] != now[0]:
        return None
    name, value = now
    ends = sorted(then[1:])
    if ends[0] * (1 - 1e-6) <= value <= ends[1] * (1 + 1e-6):
        return ""
    unit = " dB" if name == "snr_db" else ""
    known = f"{ends[0]:.4g}" if ends[0] == ends[1] else f"{ends[0]:.4g} to {ends[1]:.4g}"
    own = " (each in the units of its data)" if name == "std" else ""
    return f"{name.removesuffix('_db')} {known}{unit}, this has {value:.4g}{unit}{own}"


def far_from_training(card: Card | None, problem: Problem) -> str:
    """What to say of data whose noise is much stronger or weaker than in the training; empty if not, or not known.

    For data of which only the level is known, or not even that (it is estimated, where that can be relied on); and for
    levels of the training that are in its own units: those are compared beside the size of the pictures, which there
    had values of about 1.
    """
    known = None if card is None else range_of(card)
    if card is None or known is None:
        return ""
    name, low, high = known
    if problem.noise is not None and (name != "std" or within(card, problem.noise) != ""):
        return ""
    if problem.noise_remark:
        return ""
    if name == "std" and not card.operator_norm:
        return ""
    shares = _shares(name, problem)
    if name == "snr_db":
        low, high = (10 ** (-level / 20) for level in (low, high))
    elif name == "std":
        low, high = (level / float(card.operator_norm or 1.0) for level in (low, high))
    strongest, weakest = float(shares.max()), float(shares.min())
    if high > 0 and strongest > MUCH * high:
        return _text(card, strongest / high, "stronger", "strongest")
    if low > 0 and 0 < weakest < low / MUCH:
        return _text(card, low / weakest, "weaker", "weakest")
    return ""


def _text(card: Card, times: float, how: str, most: str) -> str:
    return (
        f"The noise is, beside the data, about {times:.2g} times {how} than the {most} that the weights {card.name!r} "
        "were trained with. The result may be poorer."
    )


def _shares(name: str, problem: Problem) -> Tensor:
    """How strong the noise of each item is beside its data, in the terms of the training, ``[B]``."""
    from napari_mlpatch.networks.scaling import divided, picture_scale

    A, y, std = problem.A, problem.y, problem.std
    if name == "std":
        size = A.norm * picture_scale(y / A.norm, divided(A))
    else:
        values = y.abs().flatten(1)
        share = math.sqrt if name == "snr_db" else float
        per_sample = problem.sample_count * y.shape[1] / values.shape[1]
        size = values.square().mean(1).sqrt() if name == "snr_db" else values.mean(1)
        size = size / share(per_sample)
    size = size.double().cpu()
    return torch.where(size > 0, std / torch.where(size > 0, size, 1.0), 0.0)


def _task(card: Card) -> dict[str, Any] | None:
    """The parameters of the task that reconstructs, as the card has them."""
    task = card.training.get("task") if isinstance(card.training, dict) else None
    params = task.get("params") if isinstance(task, dict) and task.get("name") == "reconstruct" else None
    return params if isinstance(params, dict) else None
