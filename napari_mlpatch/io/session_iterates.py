"""The iterates of results in a session: as many as a bound of bytes leaves room for, thinned alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.iterates import Pool, Recorder
from napari_mlpatch.torch_later import torch

BYTES = 128 * 2**20
"""Of all iterates of a session, before they are packed."""
ARRAY = "iterates"
"""Of the file of a result: an array ``[kept, B, C, *space]``."""
MOST = 64
"""Times that every second one can be left out."""


class Kept(BaseModel):
    """Which iterates of a result are in its file: their numbers, and those of all, kept or not."""

    model_config = ConfigDict(strict=True)
    ks: list[int]
    every: int
    scalars: list[dict[str, int | float]]


def chosen(recorders: Sequence[Recorder | None], most: int = BYTES) -> list[Kept | None]:
    """Of each recorder the iterates that a session keeps: every k-th with the first, the last and the best.

    All are thinned alike, every second one left out, until they take at most ``most`` bytes. None where there are
    fewer than two iterates, and everywhere if not even so they fit.
    """
    there = [recorder if recorder is not None and len(recorder) > 1 else None for recorder in recorders]
    for halvings in range(MOST):
        kept = [None if one is None else _thinned(one, one.every << halvings) for one in there]
        bytes_ = [0 if k is None or one is None else len(k.ks) * one.size for k, one in zip(kept, there, strict=True)]
        if sum(bytes_) <= most:
            return kept
        if all(k is None or len(k.ks) <= 3 for k in kept):
            break
    return [None] * len(there)


def told(recorders: Sequence[Recorder | None], most: int = BYTES) -> str:
    """What becomes of the iterates, as the end of a sentence; empty where there are none."""
    kept = chosen(recorders, most)
    there, left = (
        sum(map(len, ones))
        for ones in ([r for r in recorders if r is not None and len(r) > 1], [k.ks for k in kept if k is not None])
    )
    if not there or left == there:
        return ", with all iterates that were kept" if there else ""
    return f", with {left} of {there} iterates: as many as fit into {most / 2**20:.0f} MiB"


def stacked(recorder: Recorder, kept: Kept) -> np.ndarray:
    """The iterates as an array ``[kept, B, C, *space]``. Raises InputError where one was thinned out meanwhile."""
    return torch.stack([recorder.at(k) for k in kept.ks]).resolve_conj().numpy()


def recorder_of(kept: Kept, stack: np.ndarray, shape: tuple[int, ...], pool: Pool | None = None) -> Recorder:
    """The recorder again, in a pool. Raises InputError where the array is not what ``kept`` says."""
    if stack.shape != (len(kept.ks), *shape) or stack.dtype.kind not in "fc" or kept.every < 1:
        raise InputError(
            f"Iterates of shape {list(stack.shape)} are damaged: {len(kept.ks)} of {list(shape)} were kept."
        )
    rows = {int(row["k"]): {name: v for name, v in row.items() if name != "k"} for row in kept.scalars if "k" in row}
    recorder = Recorder(every=kept.every, pool=Pool() if pool is None else pool)
    for k, x in zip(kept.ks, stack, strict=True):
        recorder.add(k, torch.from_numpy(np.array(x)), rows.get(k, {}))
    recorder.scalars.update({k: {name: float(v) for name, v in row.items()} for k, row in rows.items()})
    return recorder


def _thinned(recorder: Recorder, every: int) -> Kept:
    ks = recorder.ks
    always = {ks[0], ks[-1], recorder.best("psnr")}
    return Kept(
        ks=[k for k in ks if k % every == 0 or k in always],
        every=every,
        scalars=[dict(row) for row in recorder.history()],
    )
