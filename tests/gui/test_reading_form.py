"""What a file does not say about its axes, units and counts is chosen in the window."""

import numpy as np


def discs(angles=40, bins=48):
    theta = np.arange(angles) * np.pi / angles
    offset = np.arange(bins) - (bins - 1) / 2 - 6 * np.cos(theta)[:, None]
    return (0.1 * np.sqrt(np.maximum(100 - offset**2, 0))).astype(np.float32)


def test_axis_and_unit_are_read_again(session, qtbot, tmp_path):
    page, bench = session.docks["Problem"].measured, session.workbench
    np.savez(tmp_path / "a.npz", sino=discs(), theta=np.arange(40) * np.pi / 40)
    page.load(tmp_path / "a.npz")
    qtbot.waitUntil(lambda: bench.scene is not None, timeout=60_000)
    assert np.allclose(bench.scene.problem.A.angles_deg, np.arange(40) * 4.5)
    page.reading.unit.setCurrentIndex(page.reading.unit.findData("degrees"))
    qtbot.waitUntil(lambda: max(page.measurement.angles_deg) < 4, timeout=60_000)
    page.angles.setText("0:180:48")
    page.reading.axis.setCurrentIndex(page.reading.axis.findData("columns"))
    qtbot.waitUntil(lambda: page.measurement.data.shape == (1, 48, 40), timeout=60_000)
    assert page.measurement.load_options == {"angle_axis": "columns", "angle_unit": "degrees"}


def test_counts_are_asked_about_and_answered(session, qtbot, tmp_path):
    page, bench = session.docks["Problem"].measured, session.workbench
    np.save(tmp_path / "a.npy", np.exp(-discs()))
    page.load(tmp_path / "a.npy")
    qtbot.waitUntil(lambda: page.measurement is not None, timeout=60_000)
    page.angles.setText("0:180:40")
    page.apply()
    qtbot.waitUntil(lambda: "transmissions" in page.problem_text.text(), timeout=60_000)
    page.reading.log.setCurrentIndex(page.reading.log.findData("taken"))
    qtbot.waitUntil(lambda: bench.scene is not None, timeout=60_000)
    assert np.allclose(bench.scene.problem.y[0, 0].numpy(), discs(), atol=1e-5)
    qtbot.waitUntil(lambda: "flat field of 1" in page.found.text(), timeout=60_000)
