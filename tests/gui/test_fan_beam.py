"""A fan-beam measurement in the window."""

import pytest


def test_measured_fan_beam(session, qtbot):
    page, bench = session.docks["Problem"].measured, session.workbench
    page.load_sample("htc2022")
    qtbot.waitUntil(lambda: bench.scene is not None, timeout=60_000)
    A = bench.scene.problem.A
    assert (A.name, A.image_shape, A.range_shape) == ("fan-beam", (512, 512), (721, 560))
    assert A.pixel_size == pytest.approx(0.148322, rel=1e-5) and A.center is None
    page.center_mode.setCurrentIndex(page.center_mode.findData("auto"))
    qtbot.waitUntil(lambda: bench.scene.problem.A.center is not None, timeout=60_000)
    assert bench.scene.problem.A.center == pytest.approx(279.5, abs=0.5)
    assert "resampled to a parallel beam" in page.center_note.text()
