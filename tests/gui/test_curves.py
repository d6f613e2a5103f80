"""Curves of convergence."""

import math
from types import SimpleNamespace
from typing import Any

from napari_mlpatch.gui.compare.curves import FALL, Curves


def entry(number, values) -> Any:
    history = [{"k": k, "seconds": float(k), "psnr": value} for k, value in enumerate(values)]
    return SimpleNamespace(
        id=number, number=number, named=SimpleNamespace(line=f"result {number}"), job=SimpleNamespace(history=history)
    )


def test_what_diverges_leaves_the_plot_and_the_others_can_be_told_apart(qtbot):
    curves = Curves(lambda: None)
    qtbot.addWidget(curves)
    good, diverging = entry(1, [20.0, 24.0, 24.2]), entry(2, [20.0, -math.inf, -3000.0])

    def shown():
        curves.getViewBox().updateAutoRange()
        return curves.getViewBox().viewRange()[1]

    curves.draw([good, diverging], "psnr", "k")
    low, high = shown()
    assert 24.2 - 1.2 * FALL < low <= 24.2 - FALL and 24.2 <= high < 27, "near to the best one"

    curves.draw([good], "psnr", "k")
    low, high = shown()
    assert 18 < low <= 20 and 24.2 <= high < 26, "all of what is left"
