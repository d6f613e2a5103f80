"""Between what and what a run's time may be."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mlpatch.core.cost import Cost, left, remaining
from napari_mlpatch.workbench.words import between


def rows(steps):
    return [{"k": k, "seconds": float(s)} for k, s in enumerate(np.cumsum(steps), start=1)]


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.5])
def test_the_time_left_is_within_the_span_and_the_span_within_a_factor(spread):
    random, hits = np.random.default_rng(0), 0
    for _ in range(50):
        steps = 0.1 * random.lognormal(0.0, spread, 200)
        history = rows(steps[:40])
        low, high = left(history, 200)
        assert low <= remaining(history, 200) <= high
        assert high / low <= (1.5 if spread < 0.2 else 4.0)
        hits += low <= steps[40:].sum() <= high
    assert hits >= 45


def test_of_few_iterations_and_of_none():
    assert left([], 10) is None
    low, high = left(rows([2.0]), 10)
    assert low < 18.0 < high < 2 * low
    assert left(rows([1.0] * 10), 10) == (0.0, 0.0)


def test_the_span_of_a_cost():
    low, high = Cost(1.0, 0.2, 10, 0, fastest=0.1, slowest=0.4).span
    assert (low, high) == pytest.approx((2.0, 5.0))
    low, high = Cost(0.0, 0.3, 10, 0).span
    assert low < 3.0 < high < 2 * low


def test_spans_in_words():
    assert between(2.0, 5.0) == "2.0 to 5.0 s" and between(0.5, 1.5) == "500 ms to 1.5 s"
    assert between(3.0, 3.0) == "about 3.0 s"
