"""Published rows of learned reconstruction: skipped without weights, computed from whatever weights are there."""

import dataclasses
import json

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks, reproduce, weights
from napari_mlpatch.cli import main
from napari_mlpatch.core.registry import architectures
from napari_mlpatch.reproduce import learned
from napari_mlpatch.training.shipped import find_recipe

TINY = {"lpd": {"iterations": 1, "width": 2}, "lgd": {"iterations": 1, "width": 2}}


def untrained(name: str) -> weights.Weights:
    """Weights whose changes are zero: what they make of the data is where their network starts."""
    recipe = find_recipe(name)
    params = {**recipe.network.params, **TINY.get(recipe.network.name, {"width": 1, "depth": 1})}
    network = networks.build(recipe.network.name, params)
    tensors = {key: torch.zeros_like(value) for key, value in network.state_dict().items()}
    card = weights.Card(
        name=name,
        title=recipe.title,
        method=architectures.get(recipe.network.name).method,
        architecture={"name": recipe.network.name, "params": params},
        **recipe.task.card(),
        data="none",
        steps=0,
        seed=0,
        training=recipe.model_dump(mode="json"),
        metrics={},
        licence="none needed",
        sha256="0" * 64,
    )
    return weights.Weights(tensors, card)


@pytest.fixture
def with_weights(monkeypatch):
    monkeypatch.setattr(weights, "is_shipped", lambda name: True)
    monkeypatch.setattr(weights, "find", untrained)


@pytest.mark.parametrize("row", learned.ROWS)
def test_rows_without_their_weights_are_skipped(row, monkeypatch, capsys):
    monkeypatch.setattr(weights, "is_shipped", lambda name: False)
    found = reproduce.run(row)
    assert found["passed"] is None and found["ours"] is None and found["published"] is not None
    assert "lgd-adler" in found["skipped"] or "adler" in found["skipped"]
    assert main(["reproduce", row]) == 1  # never taken for reproduced
    assert "skipped" in capsys.readouterr().out
    assert main(["reproduce", row, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["passed"] is None


def test_own_weights_of_that_name_do_not_count(monkeypatch):
    """``is_shipped`` is asked, not whether there are any."""
    monkeypatch.setattr(weights, "is_shipped", lambda name: False)
    monkeypatch.setattr(weights, "find", untrained)
    assert reproduce.run("lpd", seeds=1)["passed"] is None


def test_rows_from_weights(with_weights):
    """Networks that change nothing: zero for primal-dual, the quick picture for gradient descent, FBP as it was."""
    lgd, lpd = (reproduce.run(row, seeds=2) for row in ("lgd", "lpd"))
    problem = learned.shepp_logan.problem(1, learned.ParallelBeam)
    quick = mp.metrics.psnr(problem.A.pinv(problem.y), problem.truth, data_range=1.0)
    assert lgd["values"][1] == pytest.approx(quick, abs=1e-3) and 17 < quick < 19
    assert not lgd["passed"] and not lpd["passed"] and lpd["seeds"] == 2
    assert lpd["also"]["ssim_range_2"] > lpd["also"]["ssim_range_1"] and lpd["also"]["published_ssim_range_2"] == 0.988
    assert lpd["also"]["parameters"] > 100
    ablation = reproduce.run("lgd-ablation", seeds=1)
    assert ablation["ours"] == 0.0 and ablation["also"]["psnr_none"] == ablation["also"]["psnr_both"]


def test_the_order_is_that_of_the_least_step(with_weights, monkeypatch):
    given = {"unet-adler": 29.0, "lgd-adler": 32.0, "lpd-adler": 31.0}
    monkeypatch.setattr(learned, "learned", lambda name, seed: {"psnr": given[name]})
    classical = {
        name: dataclasses.replace(row, measure=lambda seed, data, value=value: {"psnr_own_projector": value})
        for (name, row), value in zip(learned.shepp_logan.ROWS.items(), (19.7, 28.0, 29.0), strict=True)
    }
    monkeypatch.setattr(learned.shepp_logan, "ROWS", classical)
    found = reproduce.run("learned-order", seeds=1)
    assert found["ours"] == pytest.approx(-1.0) and found["passed"] is False
    given["lpd-adler"] = 36.0
    assert reproduce.run("learned-order", seeds=1)["ours"] == pytest.approx(1.0)
