"""Axes of plots: there are numbers at each, also where a logarithmic one shows little."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mlpatch.gui.plumbing.plot import Plot, even_steps


@pytest.mark.parametrize(("low", "high"), [(3210.0, 3650.0), (0.0121, 0.0188), (1.0e-6, 1.9e-6), (41.0, 99.0)])
def test_a_part_of_a_decade_has_round_numbers(low, high):
    found = 10.0 ** np.array(even_steps(np.log10(low), np.log10(high)))
    assert 2 <= len(found) <= 10 and found.min() >= low * (1 - 1e-9) and found.max() <= high * (1 + 1e-9)
    steps = np.diff(found)
    assert np.allclose(steps, steps[0]) and f"{steps[0]:.6e}"[0] in "125"


@pytest.mark.parametrize(("values", "numbers"), [((3210.0, 3650.0), {"3400", "3600"}), ((0.5, 2000.0), {"1", "1000"})])
def test_a_logarithmic_axis_has_numbers(qtbot, values, numbers):
    plot = Plot()
    qtbot.addWidget(plot)
    plot.resize(300, 200)
    plot.setLogMode(y=True)
    plot.plot([0, 1], list(values))
    axis = plot.getAxis("left")
    low, high = np.log10(values)
    axis.setRange(low, high)
    axis.resize(40, 160)
    texts = [t for spacing, places in axis.tickValues(low, high, 160) for t in axis.tickStrings(places, 1.0, spacing)]
    found = {t for t in texts if t}
    assert len(found) >= 2 and numbers <= {t.replace("10³", "1000") for t in found}, found
