"""A small problem, and recipes of methods that are made of a generator function."""

from typing import Annotated

import pytest
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass

import napari_mlpatch as mp
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.method import Method
from napari_mlpatch.core.registry import methods


@pytest.fixture
def problem():
    A = mp.operators.ParallelBeam(image_shape=(8, 8), angles_deg="0:180:6", detector_count=12)
    return mp.simulate(torch.rand(8, 8), A, mp.noise.Gaussian(), seed=0)


@pytest.fixture
def recipe_of(problem, monkeypatch):
    """The recipe of a method whose ``solve`` is the given generator function of problem, total and state."""
    methods.names()
    monkeypatch.setattr(methods, "_classes", dict(methods._classes))

    def make(solving, iterations=5, **options):
        @methods.register("trial", title="Trial")
        @dataclass(frozen=True, config=CONFIG)
        class Trial(Method):
            iterations: Annotated[int, Field(ge=0)] = 5

            def solve(self, problem, network=None, state=None):
                return solving(problem, self.iterations, state)

        methods._classes["trial"] = Trial
        return mp.Recipe.of(problem, Trial(iterations), **options)

    return make
