"""Pictures of results are computed when somebody asks, once, and kept until the result changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core import residuals
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.workbench import pictures
from napari_mlpatch.workbench.pictures import Pictures, kinds
from tests.workbench.test_selection import Here, run, scene


@pytest.fixture
def workbench():
    here = Here()
    here.said = []
    here.pictures = Pictures(here.posted.put, lambda: here.scene, here.said.append)
    yield here
    here.pictures.close()
    here.close()


def asked(workbench, of, kind):
    found = []
    workbench.pictures.ask(of, kind, found.append)
    workbench.wait_for(lambda: found or workbench.said)
    return found[0]


def test_each_kind_is_what_it_says_and_is_made_once(workbench, monkeypatch):
    workbench.set_scene(scene())
    (entry,) = run(workbench, 0.1)
    made, problem, x = [], workbench.scene.problem, entry.result.x
    one = residuals.picture
    monkeypatch.setattr(pictures, "picture", lambda x, p, kind: made.append(kind) or one(x, p, kind))
    for kind, right in (
        ("residual", x - problem.y),  # the operator is the identity
        ("backprojected", x - problem.y),
        ("error", x - problem.truth),
    ):
        assert workbench.pictures.get(entry, kind) is None, "nothing is made before it is asked for"
        first = asked(workbench, entry, kind)
        np.testing.assert_allclose(first, right[0, 0].numpy(), atol=1e-7)
        assert workbench.pictures.get(entry, kind) is first is asked(workbench, entry, kind)
    assert made == ["residual", "backprojected", "error"]
    np.testing.assert_array_equal(workbench.pictures.get(entry), x[0, 0].numpy())
    np.testing.assert_allclose(
        asked(workbench, "truth", "residual"), (problem.truth - problem.y)[0, 0].numpy(), atol=1e-7
    )


def test_a_new_result_makes_the_old_picture_void(workbench):
    workbench.set_scene(scene())
    (entry,) = run(workbench, 0.1)
    before = asked(workbench, entry, "error")
    workbench.resume(entry, 3)
    workbench.wait_for(lambda: not entry.job.active)
    assert workbench.pictures.get(entry, "error") is None
    after = asked(workbench, entry, "error")
    assert after is not before
    np.testing.assert_allclose(after, (entry.result.x - entry.scene.problem.truth)[0, 0].numpy(), atol=1e-7)


def test_what_was_not_looked_at_for_longest_goes_first(workbench, monkeypatch):
    workbench.set_scene(scene())
    a, b = run(workbench, 0.1, 0.2)
    monkeypatch.setattr(pictures, "MOST_BYTES", 2 * 12 * 12 * 4)
    asked(workbench, a, "error"), asked(workbench, b, "error")
    asked(workbench, a, "error")  # looked at again
    asked(workbench, a, "residual")
    assert workbench.pictures.get(b, "error") is None
    assert workbench.pictures.get(a, "error") is not None and workbench.pictures.get(a, "residual") is not None


def test_what_there_is_to_see_of_a_problem(workbench):
    assert list(kinds(None)) == ["picture"]
    assert list(kinds(scene())) == ["picture", "residual", "backprojected", "error"]
    problem = mp.Problem(scene().problem.A, torch.ones(12, 12))
    with pytest.raises(InputError, match=r"no picture 'error'.*only: picture, residual, backprojected"):
        residuals.picture(problem.y, problem, "error")
