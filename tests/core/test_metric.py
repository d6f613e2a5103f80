"""The registry of metrics: ranking, added ones, and those of other packages."""

import math
from importlib.metadata import EntryPoint

import pytest

import napari_mlpatch as mp
from napari_mlpatch.core import metric as module
from napari_mlpatch.core.metric import Metric, Metrics
from napari_mlpatch.core.metrics import METRICS
from napari_mlpatch.workbench.ranking import best


def theirs(key="theirs", better="lower", **more):
    return Metric(key, "theirs", "theirs", "{:.1f}", better, "what it is", of=lambda x, truth, span: 4.0, **more)


@pytest.mark.parametrize(
    ("metric", "values", "winner"),
    [
        (METRICS.get("psnr"), [20.0, 31.0, math.nan], 1),
        (METRICS.get("nrmse"), [0.5, math.nan, 0.1], 2),
        (METRICS.get("reduced_chi_square"), [0.1, 1.2, 3.0], 1),
        (METRICS.get("relative_residual"), [0.1, 1.2, 3.0], None),
        (METRICS.get("psnr"), [20.0, math.nan], None),
        (METRICS.get("psnr"), [], None),
    ],
)
def test_which_value_wins(metric, values, winner):
    assert best(metric, values) == winner


def test_names():
    assert METRICS.get("ssim").plane and "cnr" in [m.key for m in METRICS] and len(METRICS) == len(list(METRICS))
    with pytest.raises(mp.InputError, match=r"Unknown metric 'pnsr'\. Known: psnr, "):
        METRICS.get("pnsr")
    table = Metrics([theirs()])
    table.add(table.get("theirs"))
    with pytest.raises(ValueError, match="two metrics named 'theirs'"):
        table.add(theirs())


def test_those_of_other_packages(tmp_path, monkeypatch):
    sources = {
        "one": "from tests_theirs import theirs; metrics = theirs('one')",
        "two": "from tests_theirs import theirs; metrics = [theirs('two'), theirs('three', better='higher')]",
        "broken": "raise RuntimeError('no licence')",
        "odd": "metrics = ['psnr']",
        "ours": "from tests_theirs import theirs; metrics = theirs('psnr')",
    }
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "tests_theirs", __import__("types").SimpleNamespace(theirs=theirs))
    found = []
    for name, source in sources.items():
        (tmp_path / f"metrics_{name}.py").write_text(source)
        found.append(EntryPoint(name, f"metrics_{name}:metrics", "napari_mlpatch.metrics"))
    monkeypatch.setattr(module, "entry_points", lambda group: [e for e in found if e.group == group])
    table = Metrics(METRICS)
    assert [m.key for m in table][-3:] == ["one", "two", "three"]
    assert set(table.broken) == {"broken", "odd", "ours"} and "no licence" in table.broken["broken"]
    assert table.get("psnr") is METRICS.get("psnr")
