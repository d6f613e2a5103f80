"""The Python in README.md and docs/ runs, and what docs/adding.md adds passes the conformance tests.

A block is left out where the line above its fence is ``<!-- not run -->``.
"""

import importlib.util
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.registry import architectures, methods, operators

from .methods import test_conformance as method_conformance
from .operators import test_conformance as operator_conformance

ROOT = Path(__file__).parents[1]
ADDING = ROOT / "docs" / "adding.md"
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path):
    """Line number, the text above it, and source of each Python block."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for match in FENCE.finditer(text):
        above = text[: match.start()].rstrip("\n").rpartition("\n")[2]
        if "<!-- not run -->" not in above:
            yield text[: match.start()].count("\n") + 2, above, match.group(1)


@pytest.mark.parametrize(
    "name", ["README.md", *(str(p.relative_to(ROOT)) for p in sorted(ROOT.glob("docs/**/*.md")) if p != ADDING)]
)
def test_python_blocks_run(name, workdir, capsys):
    """One after the other, as a reader would paste them."""
    found = list(blocks(ROOT / name))
    if not found:
        pytest.skip(f"{name} has no Python")
    namespace: dict = {"__name__": "__main__"}
    for line, _, source in found:
        code = compile("\n" * (line - 1) + source, name, "exec")  # so that errors name the line of the document
        exec(code, namespace)
    if name == "README.md":
        assert namespace["result"].metrics["psnr"] > 25
        assert '"method"' in capsys.readouterr().out, "the recipe is printed"


@pytest.fixture
def added(tmp_path, monkeypatch):
    """The modules that docs/adding.md writes, by the name of their file."""
    for registry in (operators, methods, architectures):
        names = registry.names()
        kept = {n: c for n, c in registry._classes.items() if n not in ("mask", "landweber", "corrected-descent")}
        assert names
        monkeypatch.setattr(registry, "_classes", kept)
    modules = {}
    for _, above, source in blocks(ADDING):
        (path,) = re.findall(r"^`(?:napari_mlpatch|my_package)/((?:(?:operators|methods|networks)/)?\w+\.py)`:$", above)
        file = tmp_path / path.replace("/", "_")
        file.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(f"added_{file.stem}", file)
        assert spec and spec.loader
        module = modules[path] = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
    return modules


def test_added_operator(added):
    A = added["operators/mask.py"].Mask(image_shape=(7, 9), share=0.6)
    assert operators.get("mask") is type(A)
    assert 0.4 < float(A(torch.ones(1, 1, 7, 9)).mean()) < 0.8
    operator_conformance.test_adjoint(A, torch.float64, 1e-10)
    operator_conformance.test_adjoint(A, torch.float32, 1e-5)
    operator_conformance.test_normal(A, 1e-12)
    for kind in ("apply", "adjoint", "normal"):
        operator_conformance.test_gradients(A, kind)
    for test in (
        operator_conformance.test_linear,
        operator_conformance.test_batch_and_channels_are_independent,
        operator_conformance.test_leaves_its_input_alone,
        operator_conformance.test_transposed_twice,
        operator_conformance.test_wrong_input,
        operator_conformance.test_norms,
        operator_conformance.test_normal_symbol_preconditions,
        operator_conformance.test_description,
    ):
        test(A)


def test_added_method(added):
    method = added["methods/landweber.py"].Landweber(iterations=60, step=1.9)
    assert methods.get("landweber") is type(method)
    A = method_conformance.operator()
    problem = mp.simulate(method_conformance.image(), A, mp.noise.Gaussian(relative=0.05), seed=3)
    for test in (
        method_conformance.test_runs,
        method_conformance.test_same_seed_same_picture,
        method_conformance.test_recipe_makes_it_again,
        method_conformance.test_continued_beyond_its_end,
        method_conformance.test_estimate,
        method_conformance.test_a_shortened_one_does_the_same,
    ):
        test(problem, method, None)
    for k in (1, 4):
        method_conformance.test_cancelled_within_one_step(problem, method, None, k)
        method_conformance.test_stopped_and_kept(problem, method, None, k)
        method_conformance.test_continued_as_if_there_had_been_no_stop(problem, method, None, k)
    method_conformance.test_description(method, None)


def test_added_method_reaches_the_least_squares_solution(added):
    """Landweber's iteration converges to what numpy finds."""
    A = mp.operators.ParallelBeam(image_shape=(2, 2), angles_deg="0:180:8", detector_count=3)
    y = torch.randn(1, 1, *A.range_shape, dtype=torch.float64)
    matrix = operator_conformance.dense(A, A)
    exact = torch.linalg.solve(operator_conformance.dense(A, A.normal), matrix.T @ y.flatten())
    method = added["methods/landweber.py"].Landweber(iterations=500, step=1.9)
    found = [iterate for iterate in method.solve(mp.Problem(A, y))][-1].x
    assert (found.flatten() - exact).norm() < 1e-3 * exact.norm()


def test_added_architecture(added, tmp_path):
    """One file of at most 40 lines is trained by the recipe that follows from it, and its weights are used."""
    from napari_mlpatch.training import ship, train
    from napari_mlpatch.training.examples import example

    (source,) = (text for _, above, text in blocks(ADDING) if "networks/" in above)
    assert source.count("\n") <= 40
    assert architectures.get("corrected-descent") is added["networks/corrected_descent.py"].CorrectedDescent
    recipe = example("corrected-descent")
    changes = {"steps": 6, "warmup": 2, "validate_every": 6, "images": 2}
    task = replace(recipe.task, operator=method_conformance.operator())
    data = replace(recipe.data, size=32, count=4, hold_out=1)
    recipe = recipe.model_copy(update=changes | {"task": task, "data": data})
    *_, trained = train(recipe)
    card = ship(trained, recipe, tmp_path)
    weights = mp.weights.load(tmp_path / f"{card.name}.safetensors")
    method, A = mp.methods.Unrolled(), task.operator
    problem = mp.simulate(method_conformance.image(), A, task.noise, seed=3)
    result = mp.reconstruct(problem, method, weights)
    assert result.remark == "" and result.iterations == 5
    longer = mp.methods.Unrolled(iterations=6)
    for test in (
        method_conformance.test_same_seed_same_picture,
        method_conformance.test_recipe_makes_it_again,
        method_conformance.test_continued_beyond_its_end,
        method_conformance.test_batch,
    ):
        test(problem, longer, weights)
    method_conformance.test_cancelled_within_one_step(problem, method, weights, 1)


def test_added_metric(added, monkeypatch):
    from napari_mlpatch.core import metrics
    from napari_mlpatch.core.metric import Metrics

    metric = added["metrics.py"].largest_error
    monkeypatch.setattr(metrics, "METRICS", Metrics(metrics.METRICS))
    metrics.METRICS.add(metric)
    x = torch.zeros(1, 1, 8, 8)
    x[..., 3, 3], x[..., 6, 6] = 1.0, 2.0
    truth = x / 2
    assert metrics.compare(x, truth)["largest_error"] == 1.0
    assert metrics.compare_in_region(x, truth, "0:5,0:5")["largest_error"] == 0.5
    assert metric.needs != "region" and metric.per_region and metric.order(2.0) == 2.0


def test_the_table_of_metrics_is_that_of_the_command():
    from napari_mlpatch.cli.listing import markdown

    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert text.partition("<!-- metrics -->\n")[2].partition("\n<!-- /metrics -->")[0] == markdown("metrics")


@pytest.mark.parametrize("kind", ["operators", "methods"])
def test_tables_are_those_of_the_command(kind):
    """`mlpatch list operators --markdown` prints what belongs between the marks."""
    from napari_mlpatch.cli.listing import markdown

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    between = text.partition(f"<!-- {kind} -->\n")[2].partition(f"\n<!-- /{kind} -->")[0]
    assert between == markdown(kind)


def test_the_command_updates_a_table(workdir, capsys):
    from napari_mlpatch.cli import main
    from napari_mlpatch.cli.listing import markdown

    text = "before\n<!-- methods -->\nold\n<!-- /methods -->\nafter\n"
    (workdir / "a.md").write_text(text)
    assert main(["list", "methods", "--update", "a.md"]) == 0
    assert (workdir / "a.md").read_text() == text.replace("old", markdown("methods"))
    before = (workdir / "a.md").read_text()
    assert main(["list", "operators", "--markdown", "--update", "a.md"]) == 2
    assert "<!-- operators -->" in capsys.readouterr().err and (workdir / "a.md").read_text() == before
