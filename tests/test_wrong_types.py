"""Whatever a Python program hands to the public names by mistake, it gets an InputError that says so."""

import copy

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.declare import parameters
from napari_mlpatch.core.registry import denoisers, methods, noises, operators

THINGS = {
    "None": None,
    "object": object(),
    "bytes": b"x",
    "text": "moon",
    "empty": "",
    "complex": 1 + 2j,
    "negative": -3,
    "huge": 10**40,
    "NaN": float("nan"),
    "infinite": float("inf"),
    "list": [],
    "ragged": [[1], [2, 3]],
    "dictionary": {"a": object()},
    "set": {1, 2},
    "class": int,
    "function": len,
    "texts": np.array(["a", "b"]),
    "objects": np.array([object()], dtype=object),
    "NaN array": np.array([[np.nan, 1.0]]),
    "no values": torch.zeros(0),
    "meta": torch.zeros(3, 3, device="meta"),
    "half": torch.zeros(1, 1, 8, 8, dtype=torch.float16),
    "shape": torch.zeros(1, 1, 3, 5),
    "array": np.zeros(3),
    "sparse": torch.zeros(1, 1, 8, 8).to_sparse(),
    "long": "a" * 70000,
}


@pytest.fixture(scope="module")
def problem():
    A = mp.operators.ParallelBeam(image_shape=(8, 8), angles_deg="0:180:6", detector_count=12)
    return mp.simulate(torch.ones(8, 8), A, mp.noise.Gaussian(), seed=0)


def or_input_error(call, *args, **named):
    """What was made of it, None where that was refused. All other exceptions fail the test."""
    try:
        return call(*args, **named)
    except mp.InputError as error:
        assert len(str(error)) > 15
        return None


def declared():
    for registry in (operators, noises, methods, denoisers):
        for cls in registry:
            yield pytest.param(cls, id=f"{registry.kind}-{cls.name}")


@pytest.mark.parametrize("cls", list(declared()))
def test_constructors(cls):
    suggest = getattr(cls, "suggest", None)
    known = {} if suggest is None or not getattr(cls, "in_forms", True) else suggest((8, 8))
    for p in parameters(cls):
        for name, thing in THINGS.items():
            made = or_input_error(cls, **{**known, p.name: thing})
            if made is not None:
                taken = ("text", "None", "negative", "empty", "huge", "set")  # by some, with reason
                assert name in taken or p.kind in ("array", "operator", "angles"), p.name
    for wrong in ({"moon": 1}, {**known, "moon": 1}):
        with pytest.raises(mp.InputError, match=r"unknown parameter 'moon'|is missing"):
            cls(**wrong)
    with pytest.raises(mp.InputError):
        cls(*range(50))


@pytest.mark.parametrize("thing", THINGS.values(), ids=list(THINGS))
def test_functions(problem, thing, tmp_path):
    A, method, x = problem.A, mp.methods.TV(), torch.ones(1, 1, 8, 8)
    recipe = mp.Recipe.of(problem, method)
    calls = [
        (mp.Problem, (thing, x), {}),
        (mp.Problem, (A, thing), {}),
        *((mp.Problem, (A, problem.y), {name: thing}) for name in ("noise", "truth", "noise_std", "source")),
        (mp.simulate, (thing, A), {}),
        (mp.simulate, (x, thing), {}),
        *((mp.simulate, (x, A), {name: thing}) for name in ("noise", "seed", "source")),
        (mp.reconstruct, (thing, method), {}),
        (mp.reconstruct, (problem, thing), {}),
        *((mp.reconstruct, (problem, mp.methods.FBP()), {name: thing}) for name in ("weights", "seed", "device")),
        (mp.reconstruct, (problem, mp.methods.FBP()), {"recorder": thing}),
        *((A.fbp, (problem.y,), {name: thing}) for name in ("window", "cutoff", "center", "padding")),
        (mp.estimate, (problem, mp.methods.FBP()), {"device": thing}),
        (mp.estimate, (thing, method), {}),
        (mp.estimate, (problem, thing), {}),
        (mp.Recipe.of, (thing, method), {}),
        (mp.Recipe.of, (problem, thing), {}),
        *((mp.Recipe.of, (problem, method), {name: thing}) for name in ("weights", "seed", "device")),
        (mp.Recipe.from_json, (thing,), {}),
        *((mp.Recipe, (), {**recipe.model_dump(), name: thing}) for name in recipe.model_dump()),
        (A, (thing,), {}),
        (A.T, (thing,), {}),
        (A.normal, (thing,), {}),
        (A.pinv, (thing,), {}),
        (mp.metrics.psnr, (thing, x), {"data_range": 1.0}),
        (mp.metrics.psnr, (x, thing), {"data_range": 1.0}),
        (mp.metrics.psnr, (x, x), {"data_range": thing}),
        (mp.metrics.ssim, (thing, x), {"data_range": 1.0}),
        (mp.metrics.ssim, (x, x), {"data_range": thing}),
        (mp.metrics.nrmse, (thing, x), {}),
        (mp.metrics.data_range_of, (thing,), {}),
        (mp.metrics.compare, (x, thing), {}),
        (mp.metrics.compare, (x, x), {"data_range": thing}),
        (mp.metrics.evaluate, (thing, problem), {}),
        (mp.metrics.evaluate, (x, thing), {}),
        (mp.metrics.evaluate, (x, problem), {"data_range": thing}),
        (mp.metrics.relative_residual, (x, thing), {}),
        (mp.metrics.reduced_chi_square, (x, thing), {}),
        (mp.io.load, (thing,), {}),
        (mp.io.read_measurement, (thing,), {}),
        (mp.io.read_image, (thing,), {}),
        (mp.io.read_recipe, (thing,), {}),
        (mp.io.read_angles, (thing,), {}),
        (mp.io.read_array, (thing,), {}),
        (mp.io.image_from_file, (thing,), {}),
        (mp.io.open_source, (thing,), {}),
        (mp.io.open_image, (thing,), {}),
        (mp.io.check_writable, (thing,), {}),
        (mp.io.check_writable, (tmp_path / "x.tif",), {"force": thing}),
        (mp.io.check_writable, (tmp_path / "x.tif", thing), {}),
        (mp.io.read_session, (thing,), {}),
        (mp.io.refuse_inputs, (thing, ()), {}),
        (mp.io.write_image, (thing, x), {}),
        (mp.io.write_image, (tmp_path / "x.tif", thing), {}),
        *((mp.io.write_image, (tmp_path / "x.h5", x), {name: thing}) for name in ("recipe", "pixel_size", "unit")),
        (mp.io.write_measurement, (thing, problem), {}),
        (mp.io.write_measurement, (tmp_path / "m.h5", thing), {}),
        (mp.io.write_result, (tmp_path / "x.tif", thing), {}),
        (mp.io.samples.image, (thing,), {}),
        (mp.io.samples.image, ("camera",), {"size": thing}),
        (mp.io.samples.problem, (thing,), {}),
        (mp.weights.find, (thing,), {}),
        (mp.weights.load, (thing,), {}),
        (mp.weights.facts, (thing,), {}),
        (mp.weights.is_shipped, (thing,), {}),
        (mp.weights.training_folders, (thing,), {}),
        (mp.weights.read_card, (thing,), {}),
        (mp.weights.save, (thing, {}), {}),
        (mp.weights.save, (tmp_path, thing), {}),
    ]
    bad = []
    for call, args, named in calls:
        try:
            or_input_error(call, *args, **named)
        except Exception as error:
            bad.append(f"{call} {named if 'data' not in named else ''} {type(error).__name__}: {error!s:.90}")
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("thing", THINGS.values(), ids=list(THINGS))
def test_run_never_raises(problem, thing):
    recipe = mp.Recipe.of(problem, mp.methods.FBP())
    for given in ((thing, problem), (recipe, thing)):
        *_, last = mp.run(*given)
        assert isinstance(last.error, mp.InputError)
    if thing is not None:
        for name in ("control", "recorder"):
            *_, last = mp.run(recipe, problem, **{name: thing})
            assert isinstance(last.error, mp.InputError), name


def test_arrays_are_no_factors(problem):
    twice = np.float32(2.0) * problem.A
    assert isinstance(twice, type(2.0 * problem.A))
    for thing in (np.zeros(3), np.zeros((2, 2)), [1.0], None):
        with pytest.raises(TypeError):
            thing * problem.A
        with pytest.raises(TypeError):
            problem.A @ thing


def test_what_is_public_is_tried():
    """A new public name gets its line above."""
    assert set(mp.__all__) == {
        *("InputError", "Problem", "Recipe", "Result", "estimate", "io", "methods", "metrics", "noise", "operators"),
        *("reconstruct", "run", "simulate", "weights"),
    }


def paths(value, at=()):
    """All places in nested JSON."""
    yield at
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(item, (*at, key))


WRONG = (None, "moon", -1, 1e308, True, [], {}, [None], {"a": {"b": []}}, "0:1e300:9", 10**30, "\x1b[2J")


def replaced(value, at, wrong):
    if not at:
        return wrong
    changed = copy.copy(value)
    changed[at[0]] = replaced(value[at[0]], at[1:], wrong)
    return changed


def test_recipes_of_wrong_types(problem, tmp_path):
    """Each place of a recipe, with each wrong value, read and run again as ``mlpatch replay`` does."""
    from napari_mlpatch.batch.replay import open_problem, open_weights, rerun

    mp.io.write_measurement(tmp_path / "m.h5", problem)
    found = mp.io.read_measurement(tmp_path / "m.h5")
    good = mp.Recipe.of(found, mp.methods.FBP()).model_dump(mode="json")
    good["data"]["source"]["options"] = {"center": 5.5, "slice": 0}
    count = 0
    for at in paths(good):
        if at[:2] == ("operator", "params") and len(at) > 4:
            continue  # one angle is like the others
        for wrong in WRONG:
            recipe = or_input_error(mp.Recipe.from_json, replaced(good, at, wrong))
            if recipe is None:
                continue
            again = or_input_error(open_problem, recipe)
            if again is not None:
                or_input_error(open_weights, recipe)
                *_, last = mp.run(rerun(recipe, again), again)
                assert not hasattr(last, "error") or isinstance(last.error, mp.InputError), (at, wrong, last)
            count += 1
    assert count > 50


def test_training_recipes_of_wrong_types(tmp_path):
    from napari_mlpatch.training import TrainingRecipe, train
    from napari_mlpatch.training.examples import EXAMPLE

    small = {"steps": 1, "images": 2, "pixels": 4, "validation_sigmas": [0.1], "snapshots": 0}
    data = {"kind": "ellipses", "count": 4, "size": 32, "hold_out": 1}
    params = {"rings": 2, "rays": 4, "head": "mlp", "widths": [8]}
    good = EXAMPLE.model_dump(mode="json") | small | {"data": data, "network": {"name": "mlpatch", "params": params}}
    refused = 0
    for at in paths(good):
        for wrong in (*WRONG, 10**9):
            recipe = or_input_error(TrainingRecipe.from_json, replaced(good, at, wrong))
            refused += recipe is None
            named = not at or at[0] in ("title", "name", "format", "steps")
            if recipe is not None and not named and wrong in (1e308, 10**9, 10**30):
                events = train(recipe, out=None, data=tmp_path)
                or_input_error(next, events)
                events.close()
    assert refused > 100, "most of these are no training recipe"


def test_recipes_of_reconstructors_of_wrong_types(tmp_path):
    from napari_mlpatch.training import TrainingRecipe, train
    from napari_mlpatch.training.examples import example

    good = example("lpd").model_dump(mode="json") | {"steps": 1, "images": 2}
    good["network"]["params"] = {"iterations": 1, "width": 4}
    good["task"]["params"]["operator"]["params"] |= {
        "image_shape": [20, 20],
        "angles_deg": [0, 90],
        "detector_count": 29,
    }
    good["data"] = {"kind": "adler-ellipses", "size": 20, "hold_out": 1}
    refused = 0
    for at in paths(good):
        for wrong in (*WRONG, 10**9):
            recipe = or_input_error(TrainingRecipe.from_json, replaced(good, at, wrong))
            refused += recipe is None
            named = not at or at[0] in ("title", "name", "format", "steps")
            if recipe is not None and not named and wrong in (1e308, 10**9):
                events = train(recipe, out=None, data=tmp_path)
                or_input_error(next, events)
                events.close()
    assert refused > 200, "most of these are no training recipe"
