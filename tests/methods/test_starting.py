"""Warm starts: iterations that begin with a given picture, and recipes that say so."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.batch.replay import open_start, read_start
from napari_mlpatch.core.declare import parameters
from napari_mlpatch.core.events import Done, Failed
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.core.registry import methods
from napari_mlpatch.core.run import continued, run

from .test_conformance import PAIRS, operator
from .test_conformance import problem as problem  # the fixture
from .tiny import equilibrium

M = mp.methods
WARM = {name: pair for name, pair in PAIRS.items() if pair[0].takes_start}
each_warm = pytest.mark.parametrize(("method", "network"), WARM.values(), ids=WARM)


def execute(recipe, problem, network=None, start=None):
    *_, last = run(recipe, problem, network=network, start=start)
    assert isinstance(last, Done), last
    return last.result


def test_all_iterative_methods_take_a_start_but_those_trained_from_their_own():
    assert set(WARM) == {cls.name for cls in methods if cls.iterative} - {"unrolled"}


def vars_of(method):
    return {p.name: getattr(method, p.name) for p in parameters(type(method))}


@each_warm
def test_begins_where_it_is_told(problem, method, network):
    """Another start gives another first iterate; the same picture as its own start gives the same."""
    own, once = problem.A.pinv(problem.y), type(method)(**vars_of(method) | {"iterations": 1})
    plain, same, other = (mp.reconstruct(problem, once, network, start=x).x for x in (None, own, own + 1.0))
    assert (same - plain).norm() <= 1e-5 * plain.norm()
    assert (other - plain).norm() > 1e-3 * plain.norm()


@each_warm
def test_the_recipe_makes_it_again_bit_for_bit(problem, method, network):
    first = mp.reconstruct(problem, M.Tikhonov(iterations=3))
    warm = mp.reconstruct(problem, method, network, start=first)
    recipe = Recipe.from_json(warm.recipe.to_json())
    assert recipe == warm.recipe and recipe.start.recipe == first.recipe
    start = open_start(recipe, problem, execute)
    assert torch.equal(start, first.x)
    assert torch.equal(execute(recipe, problem, network, start).x, warm.x)


@each_warm
def test_continuing_a_warm_start_is_exact(problem, method, network):
    first = M.Tikhonov(iterations=3)
    begin = mp.reconstruct(problem, first)
    short = mp.reconstruct(problem, type(method)(**vars_of(method) | {"iterations": 4}), network, start=begin)
    recipe = continued(short.recipe, 6)
    *_, more = run(recipe, problem, network=network, state=short.state, history=short.history)
    assert isinstance(more, Done)
    assert torch.equal(more.result.x, execute(more.result.recipe, problem, network, begin.x).x)


def test_a_convex_problem_has_the_same_solution_from_everywhere(problem):
    method = M.Tikhonov(weight=0.5, iterations=300, tolerance=1e-7)
    cold = mp.reconstruct(problem, method)
    warm = mp.reconstruct(problem, method, start=10.0 * torch.randn(32, 32))
    assert (cold.x - warm.x).norm() < 1e-4 * cold.x.norm()
    near = mp.reconstruct(problem, method, start=cold)
    assert near.iterations < 0.5 * cold.iterations


@pytest.mark.parametrize("name", ["fbp", "direct", "unet", "unrolled"])
def test_refused_with_words(problem, name):
    method, network = PAIRS[name]
    with pytest.raises(mp.InputError, match=f"'{name}' cannot start from a picture: .*(one step|trained from)"):
        mp.reconstruct(problem, method, network, start=problem.truth)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (torch.zeros(31, 32), "has shape \\[31, 32\\]"),
        (torch.full((32, 32), float("nan")), "NaN"),
        (torch.zeros(32, 32, dtype=torch.complex64), "complex"),
        ("x.tif", "array of numbers"),
    ],
)
def test_impossible_starts(problem, start, words):
    with pytest.raises(mp.InputError, match=words):
        mp.reconstruct(problem, M.TV(iterations=2), start=start)


def test_a_run_asks_for_the_picture_of_its_recipe(problem):
    warm = mp.reconstruct(problem, M.TV(iterations=2), start=problem.truth)
    for start, words in ((None, "was not given"), (problem.truth + 1, "fingerprints differ")):
        *_, last = run(warm.recipe, problem, start=start)
        assert isinstance(last, Failed) and words in last.message
    *_, last = run(warm.recipe.model_copy(update={"start": None}), problem, start=problem.truth)
    assert isinstance(last, Failed) and "names none" in last.message
    with pytest.raises(mp.InputError, match="only in the memory"):
        open_start(warm.recipe, problem, execute)


def test_a_picture_of_a_file(problem, tmp_path):
    first = mp.reconstruct(problem, M.Tikhonov(iterations=3))
    path = tmp_path / "first.tif"
    mp.io.write_result(path, first)
    x, start = read_start(path, problem)
    assert torch.equal(x, first.x) and start.recipe == first.recipe
    recipe = Recipe.of(problem, M.TV(iterations=3), start=start)
    warm = execute(recipe, problem, None, x)
    assert torch.equal(open_start(warm.recipe, problem, execute), x)
    path.unlink()
    assert torch.equal(open_start(warm.recipe, problem, execute), x)  # made again
    bare = start.model_copy(update={"recipe": None})
    with pytest.raises(mp.InputError, match="is gone"):
        open_start(recipe.model_copy(update={"start": bare}), problem, execute)


def test_the_fixed_point_does_not_depend_on_the_start(problem):
    method = M.DeepEquilibrium(iterations=200, tolerance=1e-5)
    cold = mp.reconstruct(problem, method, equilibrium())
    warm = mp.reconstruct(problem, method, equilibrium(), start=torch.ones(32, 32))
    assert (cold.x - warm.x).norm() < 1e-3 * cold.x.norm()


def test_old_recipes_have_no_start(problem):
    text = Recipe.of(problem, M.TV()).to_json()
    assert Recipe.from_json(text.replace('"start": null,', "")).start is None
    assert operator().domain_shape == (32, 32)


def test_on_the_command_line(tmp_path, monkeypatch, capsys):
    from napari_mlpatch import cli

    def main(line):
        return cli.main(line.split())

    monkeypatch.chdir(tmp_path)
    A = operator()
    mp.io.write_measurement("m.h5", mp.simulate(torch.eye(32), A, mp.noise.Gaussian(relative=0.05), seed=1))
    assert main("reconstruct m.h5 --method tikhonov --set iterations=3 --out first.tif") == 0
    assert main("reconstruct m.h5 --method tv --set iterations=4 --start first.tif --out warm.tif") == 0
    (tmp_path / "first.tif").unlink()
    assert main("replay warm.tif --json") == 0
    assert '"largest_difference": 0.0' in capsys.readouterr().out
    assert main("reconstruct m.h5 --method fbp --start warm.tif --out again.tif") == 2
    assert "cannot start from a picture" in capsys.readouterr().err
