"""What a run has left that was ended or killed: how many slices, and why some have failed."""

import os

import numpy as np
import pytest

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.stacks import failures
from napari_mlpatch.stacks.job import Tools
from napari_mlpatch.stacks.left import left_of
from napari_mlpatch.stacks.markers import Markers
from napari_mlpatch.stacks.run_stack import run_stack

from .conftest import SLICES, recipe_of
from .test_run_stack import ran

DARK = "the lamp was off"


@pytest.fixture
def failing(monkeypatch):
    """Runs a stack of which blocks that begin here fail."""

    def run(recipe, path, out, *starts, why=DARK):
        compute = Tools.compute

        def sometimes(self, loaded, start, *more):
            if start in starts:
                raise InputError(why)
            return compute(self, loaded, start, *more)

        with monkeypatch.context() as patch:
            patch.setattr(Tools, "compute", sometimes)
            *_, end = run_stack(recipe, path, out)
        return end

    return run


@pytest.mark.parametrize("name", ["volume.zarr", "volume.h5", "volume"])
def test_what_is_left_is_what_the_run_ended_with(name, exchange, tmp_path, failing):
    recipe, out = recipe_of(exchange, block=2), tmp_path / name
    assert left_of(recipe, exchange, out) is None, "nothing has begun"
    end = failing(recipe, exchange, out, 2, 6)
    left = left_of(recipe, exchange, out)
    assert (left.done, left.slices, left.finished) == (end.done, end.slices, True) == (6, SLICES, True)
    assert left.message == end.message == f"6 of 10 slices, 4 failed: {DARK}, in slices 2 to 3, 6 to 7"
    Markers(out).folder.joinpath("000004").unlink()  # as if it had been killed before that one
    left = left_of(recipe, exchange, out)
    assert left.done == 4 and sum(len(one.slices) for one in left.failed) == 4
    ran(recipe, exchange, out)
    left = left_of(recipe, exchange, out)
    assert left.complete and left.finished and not left.failed and not Markers(out).folder.exists()


def test_the_last_reason_counts_and_goes_when_the_slice_is_there(exchange, tmp_path, failing):
    recipe, out = recipe_of(exchange, block=2), tmp_path / "volume.zarr"
    failing(recipe, exchange, out, 2, 6)
    failing(recipe, exchange, out, 6, why="the beam was off")
    left = left_of(recipe, exchange, out)
    assert left.message == "8 of 10 slices, 2 failed: the beam was off, in slices 6 to 7"


def test_another_recipe_or_other_data_have_nothing_there(exchange, tmp_path, failing):
    recipe, out = recipe_of(exchange, block=2), tmp_path / "volume.zarr"
    failing(recipe, exchange, out, 2)
    assert left_of(recipe.model_copy(update={"block": None}), exchange, out).done == 8, "its blocks are taken"
    for other in ({"slices": (0, 9)}, {"block": 5}):
        assert left_of(recipe.model_copy(update=other), exchange, out) is None
    os.utime(exchange, ns=(1, 1))
    assert left_of(recipe, exchange, out) is None


def test_all_slices_without_the_smaller_levels(exchange, tmp_path, monkeypatch):
    recipe, out = recipe_of(exchange, block=2), tmp_path / "volume.zarr"

    def full(self):
        raise OSError(28, "No space left on device", str(out))

    with monkeypatch.context() as patch:
        patch.setattr("napari_mlpatch.stacks.sinks.ome_zarr.OmeZarr.finishing", full)
        list(run_stack(recipe, exchange, out))
    left = left_of(recipe, exchange, out)
    assert left.complete and not left.finished


def test_damaged_notes_are_passed_over(tmp_path):
    failures.note(tmp_path, "a", (3, 4), DARK)
    with (tmp_path / failures.FAILURES).open("ab") as file:
        file.write(b'{"identity": "a"}\n\xff\xfe\n[1]\n{"identity": "a", "slices": 5, "message": "x"}\n{"ident\n')
    failures.note(tmp_path, "b", (1,), "another run")
    assert failures.noted(tmp_path, "a") == {(3, 4): DARK}
    failures.forget(tmp_path, "a", {3})
    assert failures.noted(tmp_path, "a") == {(4,): DARK} and not failures.noted(tmp_path, "b")
    failures.forget(tmp_path, "a", {3, 4})
    assert not list(tmp_path.iterdir())


def test_a_note_that_a_crash_has_torn_costs_no_other(tmp_path):
    file = tmp_path / failures.FAILURES
    failures.note(tmp_path, "a", (np.int64(3),), DARK)
    failures.note(tmp_path, "a", (4,), DARK)
    file.write_bytes(file.read_bytes()[:-9])
    assert failures.noted(tmp_path, "a") == {(3,): DARK}
    failures.note(tmp_path, "a", (5,), "the beam was off")
    assert failures.noted(tmp_path, "a") == {(3,): DARK, (5,): "the beam was off"}


def test_a_note_leaves_the_others_as_they_are_on_the_disk(tmp_path, monkeypatch):
    file = tmp_path / failures.FAILURES
    failures.note(tmp_path, "a", (0,), DARK)
    number, before = file.stat().st_ino, file.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda file: pytest.fail("waits for the disk"))
    for k in range(1, 9):
        failures.note(tmp_path, "a", (k,), DARK)
    assert file.stat().st_ino == number and file.read_bytes().startswith(before)
    assert failures.noted(tmp_path, "a") == {tuple(range(9)): DARK}
