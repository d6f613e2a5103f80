"""A recipe's source gives the same data again, or says why not."""

import json

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import describe


def test_simulated(tmp_path):
    io.write_image(tmp_path / "x.tif", np.random.default_rng(0).random((20, 20)))
    A = mp.operators.ParallelBeam(image_shape=(20, 20), angles_deg="0:180:9", detector_count=30)
    noise = mp.noise.Gaussian(relative=0.1)
    for origin in (
        {"kind": "file", "path": str(tmp_path / "x.tif")},
        {"kind": "sample", "name": "shepp-logan", "options": {"size": 20}},
    ):
        problem = mp.simulate(torch.from_numpy(io.open_image(origin)), A, noise, seed=3, source=origin)
        source = json.loads(json.dumps(problem.source))
        again = io.open_source(source, operator=describe(A), noise=describe(noise))
        assert torch.equal(again.y, problem.y) and again.source == problem.source
        with pytest.raises(InputError, match="with the operator of its recipe"):
            io.open_source(source)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"kind": "memory"}, "only in the memory"),
        ({"kind": "cloud"}, "Unknown kind of source 'cloud'"),
        ({}, "Unknown kind"),
        ("scan.h5", "a dictionary"),
        ({"kind": "file"}, "has no 'path'"),
        ({"kind": "file", "path": "/nowhere/scan.h5"}, "does not exist"),
        ({"kind": "file", "path": "scan.h5", "options": [1]}, "options of a source"),
        ({"kind": "file", "path": 7}, "has no 'path'"),
        ({"kind": "sample", "name": "camera"}, "is an image"),
        ({"kind": "sample", "name": "tooth", "options": {"sliced": 1}}, "Unknown option"),
        ({"kind": "sample", "name": "tooth", "options": {"name": "tooth"}}, r"Unknown option\(s\) name"),
        ({"kind": "file", "path": "scan.h5", "options": {"path": "other.h5"}}, r"Unknown option\(s\) path"),
        ({"kind": "file", "path": "scan.h5", "options": {"self": 1}}, r"Unknown option\(s\) self"),
    ],
)
def test_sources_that_lead_nowhere(source, words):
    with pytest.raises(InputError, match=words):
        io.open_source(source)


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "memory"},
        {"kind": "sample", "name": "tooth"},
        {"kind": "sample", "name": "camera", "options": {"sizes": 3}},
        {"kind": "simulated"},
        None,
    ],
)
def test_images_that_lead_nowhere(source):
    with pytest.raises(InputError):
        io.open_image(source)


def test_simulation_without_a_usable_image():
    A = describe(mp.operators.ParallelBeam(image_shape=(20, 20), angles_deg="0:180:9", detector_count=30))
    for image in (None, {}, {"kind": "memory"}, {"kind": "sample", "name": "camera"}, "camera"):
        with pytest.raises(InputError):
            io.open_source({"kind": "simulated", "image": image, "seed": 0}, operator=A)
