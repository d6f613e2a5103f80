"""Wrong types given to what the documentation imports beside ``mp``: stacks, sweeps, figures, Zoom, training."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import denoisers, figures, networks
from napari_mlpatch.batch.sweep import sweep
from napari_mlpatch.explore import zoom
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.stack_recipe import Center, StackRecipe
from napari_mlpatch.training import TrainingRecipe

from .test_wrong_types import THINGS, or_input_error


@pytest.fixture(scope="module")
def problem():
    A = mp.operators.ParallelBeam(image_shape=(8, 8), angles_deg="0:180:6", detector_count=12)
    return mp.simulate(torch.ones(8, 8), A, mp.noise.Gaussian(), seed=0)


@pytest.mark.parametrize("thing", THINGS.values(), ids=list(THINGS))
def test_functions(problem, thing, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some are names of files
    np.save(tmp_path / "s.npy", np.ones((2, 6, 12), np.float32))
    recipe = StackRecipe(recipe=mp.Recipe.of(problem, mp.methods.FBP()))
    picture = np.ones((8, 8), np.float32)
    result = mp.reconstruct(problem, mp.methods.FBP())
    out = tmp_path / "v.tif"
    calls = [
        (run_stack, (thing, tmp_path / "s.npy", out), {}),
        (run_stack, (recipe, thing, out), {}),
        (run_stack, (recipe, tmp_path / "s.npy", thing), {}),
        (run_stack, (recipe, tmp_path / "s.npy", out), {"control": 5 if thing is None else thing}),
        (run_stack, (recipe, tmp_path / "s.npy", out), {"executor": 5 if thing is None else thing}),
        (sweep, (thing, [], []), {}),
        (sweep, (problem, thing, []), {}),
        (sweep, (problem, [], thing), {}),
        (StackRecipe, (), {"recipe": thing}),
        (Center, (), {"kind": thing, "values": (1.0,)}),
        (Center, (), {"values": thing}),
        (TrainingRecipe, (), {"name": thing}),
        (TrainingRecipe.from_json, (thing,), {}),
        (figures.Panel, (thing,), {}),
        (figures.Panel, (picture,), {"error": thing}),
        (zoom.checked, (thing,), {}),
        (denoisers.denoiser, (thing,), {}),
        (networks.build, (thing,), {}),
        (mp.io.check_writable, (tmp_path / "x.tif",), {"inputs": thing}),
        (mp.io.refuse_inputs, (tmp_path / "x.tif", thing), {}),
        (mp.io.write_result, (tmp_path / "x.tif", result), {"force": thing}),
        (mp.weights.check_free, (thing, "name"), {}),
        (mp.weights.check_free, (tmp_path, thing), {}),
        (mp.weights.check_free, (tmp_path, "name", thing), {}),
    ]
    bad = []
    for call, args, named in calls:
        try:
            made = or_input_error(call, *args, **named)
            if hasattr(made, "close"):
                or_input_error(next, made)
                made.close()
        except Exception as error:
            bad.append(f"{call.__name__} {list(named)} {type(error).__name__}: {error!s:.90}")
    assert not bad, "\n".join(bad)
