"""Figures in a region and those that take more runs; the table as text."""

import csv
import io

import numpy as np
import pytest

import napari_mlpatch as mp
from napari_mlpatch.core.metrics import in_region
from napari_mlpatch.workbench.columns import columns
from napari_mlpatch.workbench.scene import Scene
from napari_mlpatch.workbench.table_text import as_csv, as_latex, as_markdown, cells
from tests.workbench.test_selection import Here


@pytest.fixture
def workbench():
    """Two finished results of a small problem."""
    here = Here()
    A = mp.operators.ParallelBeam(image_shape=(32, 32), angles_deg="0:180:24", detector_count=46)
    problem = mp.simulate(mp.io.samples.image("shepp-logan", 32), A, mp.noise.Gaussian(relative=0.05), seed=0)
    here.set_scene(Scene(problem, "small").show())
    for method in (mp.methods.FBP(), mp.methods.Tikhonov(iterations=4, tolerance=0.0)):
        here.run(method)
    here.wait_for(lambda: all(e.result is not None and not e.job.active for e in here.entries))
    yield here
    here.close()


def headings(workbench):
    return {c.heading for c in columns() if c.known is None or any(c.known(e) for e in workbench.present)}


def test_in_a_region(workbench):
    mask = np.zeros((32, 32), bool)
    mask[4:12, 6:20] = True
    figures, entry = workbench.figures, workbench.entries[1]
    assert not any("▣" in heading for heading in headings(workbench))
    figures.set_region(mask)
    workbench.wait_for(lambda: all(e.region for e in workbench.entries))
    assert entry.region == in_region(entry.result.x, entry.scene.problem, mask)
    assert {"mean ▣", "SD ▣", "CNR ▣", "PSNR / dB ▣", "SSIM ▣"} <= headings(workbench)
    workbench.run(mp.methods.Tikhonov(iterations=4, tolerance=0.0, weight=9.0))
    workbench.wait_for(lambda: len(workbench.entries) == 3 and bool(workbench.entries[2].region))
    before = entry.region
    figures.set_region(mask, ~mask & (np.arange(32) < 3))
    workbench.wait_for(lambda: entry.region is not before and bool(entry.region))
    assert entry.region["cnr"] != before["cnr"] and entry.region["psnr"] == before["psnr"]
    figures.set_region(None)
    assert not any(e.region for e in workbench.entries)


def test_judged(workbench):
    figures = workbench.figures
    figures.judge(workbench.entries)
    assert figures.busy
    workbench.wait_for(lambda: not figures.busy)
    assert all({"sure", "gcv", "frc"} <= set(e.result.metrics) for e in workbench.entries)
    assert {"SURE", "GCV", "FRC / px"} <= headings(workbench) and figures.left_out == {}
    curves = []
    figures.correlate(workbench.entries[:1], lambda e, curve: curves.append((e, curve)))
    workbench.wait_for(lambda: bool(curves))
    assert curves[0][1].resolution() == workbench.entries[0].result.metrics["frc"]
    figures.judge(workbench.entries)
    figures.end()
    assert not figures.busy


def test_the_table_as_text(workbench):
    entries = workbench.entries
    rows, marked = cells(entries)
    assert len(rows) == 3 and all(len(row) == len(rows[0]) for row in rows) and len(marked) >= 3
    psnr = rows[0].index("PSNR / dB")
    winner = int(np.argmax([e.result.metrics["psnr"] for e in entries])) + 1
    assert (winner, psnr) in marked and (3 - winner, psnr) not in marked
    assert list(csv.reader(io.StringIO(as_csv(entries)))) == rows
    markdown = as_markdown(entries).splitlines()
    assert len(markdown) == 4 and {line.count("|") for line in markdown} == {len(rows[0]) + 1}
    assert f"**{rows[winner][psnr]}**" in markdown[winner + 1]
    latex = as_latex(entries)
    assert rf"\textbf{{{rows[winner][psnr]}}}" in latex and "chi$^2$" in latex and latex.count(r"\\") == 3
    entries[0].named = type(entries[0].named)(*["a|b_c & 5%"] * len(entries[0].named.__dataclass_fields__))
    assert r"a\|b_c & 5%" in as_markdown(entries) and r"a|b\_c \& 5\%" in as_latex(entries)
