"""On a GPU: a step of a training as one CUDA graph, so that its thousands of small kernels cost one launch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .tasks.task import Batch

Learn = Callable[[Batch], Tensor]
"""Takes a step with a batch: gradient, clipping, new weights. Gives the loss, and waits for nothing."""

WARM_UP = 3
"""Steps before the capture, in which libraries choose their kernels and operators make their tables."""


class Captured:
    """``learn``, which is captured after a few steps and from then on replayed with the new batch's values.

    What is captured must not wait for the device, and all batches must have the shapes of the first. Where a capture
    turns out to be impossible, ``learn`` goes on as it is, and ``reason`` says why. NVIDIA, CUDA C++ programming guide,
    "CUDA graphs"; the pattern is that of PyTorch's documentation for whole-network capture.
    """

    def __init__(self, learn: Learn, device: torch.device, wanted: bool = True):
        self._learn = learn
        self._wanted = wanted and device.type == "cuda"
        self._graph: torch.cuda.CUDAGraph | None = None
        self._warm = 0
        self.reason = ""

    def __call__(self, batch: Batch) -> Tensor:
        """The loss of the step, on the device. It is overwritten by the next step."""
        if not self._wanted:
            return self._learn(batch)
        if self._graph is None:
            return self._warm_up(batch) if self._warm < WARM_UP else self._capture(batch)
        if any(mine.shape != its.shape for mine, its in zip(self._inputs, batch, strict=True)):
            return self._learn(tuple(batch))
        for mine, its in zip(self._inputs, batch, strict=True):
            mine.copy_(its)
        self._graph.replay()
        return self._loss

    def _warm_up(self, batch: Batch) -> Tensor:
        """A step on a stream of its own, as a capture needs it before."""
        self._warm += 1
        now, side = torch.cuda.current_stream(), torch.cuda.Stream()
        side.wait_stream(now)
        with torch.cuda.stream(side):
            loss = self._learn(batch)
        now.wait_stream(side)
        return loss

    def _capture(self, batch: Batch) -> Tensor:
        self._inputs = tuple(value.clone() for value in batch)
        graph, now = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        try:
            torch.cuda.synchronize()
            with torch.cuda.graph(graph):
                self._loss = self._learn(self._inputs)
        except Exception as error:  # of what cannot be captured each library tells in its own way
            self._wanted = False
            self.reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            torch.cuda.set_stream(now)  # a capture that failed leaves its own behind
            torch.cuda.synchronize()
            return self._learn(batch)
        self._graph = graph
        graph.replay()  # a capture computes nothing
        return self._loss
