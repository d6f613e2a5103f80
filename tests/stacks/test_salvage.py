"""Of a block that fails only the bad slices are lost; the others have the numbers of a block that does not fail."""

import h5py
import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.stacks import run_stack as runs
from napari_mlpatch.stacks import work
from napari_mlpatch.stacks.care.rings import Rings
from napari_mlpatch.stacks.events import BlockDone, BlockFailed, in_words
from napari_mlpatch.stacks.failures import FAILURES
from napari_mlpatch.stacks.markers import Markers
from napari_mlpatch.stacks.passing import is_passing
from napari_mlpatch.stacks.run_stack import run_stack
from napari_mlpatch.stacks.sources.sinograms import SinogramStack

from .conftest import recipe_of
from .test_run_stack import ran, read

TV = mp.methods.TV(weight=0.01, iterations=12)


@pytest.fixture
def undisturbed(exchange, tmp_path):
    """What a run without any failure makes."""

    def made(recipe):
        ran(recipe, exchange, tmp_path / "whole.h5")
        return read(tmp_path / "whole.h5")

    return made


def failing(monkeypatch, bad, error, times=10**6):
    """Reading any of these slices raises, so many times each."""
    read_of, left = SinogramStack.read, dict.fromkeys(bad, times)

    def failing(self, start, stop):
        for k in left:
            if start <= k < stop and left[k] > 0:
                left[k] -= 1
                raise error
        return read_of(self, start, stop)

    monkeypatch.setattr(SinogramStack, "read", failing)
    return lambda: monkeypatch.setattr(SinogramStack, "read", read_of)


@pytest.mark.parametrize(("name", "method"), [("v.zarr", TV), ("v.h5", mp.methods.FBP()), ("v", mp.methods.FBP())])
def test_only_the_bad_slices_are_lost_and_repeated(name, method, exchange, tmp_path, monkeypatch, undisturbed):
    recipe, out = recipe_of(exchange, method, block=4), tmp_path / name
    expected = undisturbed(recipe)
    mend = failing(monkeypatch, (1, 5, 6), InputError("a damaged page"))
    *events, end = run_stack(recipe, exchange, out)
    assert end.message == "7 of 10 slices, 3 failed: a damaged page, in slices 1, 5 to 6"
    assert {event.slices for event in events if isinstance(event, BlockFailed)} == {(1,), (5, 6)}
    good = [0, 2, 3, 4, 7, 8, 9]
    np.testing.assert_array_equal(read(out)[good], expected[good])
    assert np.isnan(read(out)[[1, 5, 6]]).all()
    mend()
    mend = failing(monkeypatch, (0, 5), InputError("another damaged page"))  # 0 is there, and stays
    *events, end = run_stack(recipe, exchange, out)
    assert events[0].done == 7 and end.message == "9 of 10 slices, 1 failed: another damaged page, in slice 5"
    mend()
    again = ran(recipe, exchange, out)
    assert [event.block.start for event in again if isinstance(event, BlockDone)] == [4]
    np.testing.assert_array_equal(read(out), expected)


def test_what_passes_is_repeated_in_the_same_run(exchange, tmp_path, monkeypatch, undisturbed):
    recipe, out = recipe_of(exchange, block=4), tmp_path / "volume.zarr"
    expected = undisturbed(recipe)
    monkeypatch.setattr(runs, "PAUSES", (0.0, 0.0))
    failing(monkeypatch, (6,), OSError(5, "Input/output error"), times=3)
    *events, end = run_stack(recipe, exchange, out)
    assert end.complete, end.message
    assert {(event.slices, event.again) for event in events if isinstance(event, BlockFailed)} == {((6,), True)}
    np.testing.assert_array_equal(read(out), expected)


def test_what_does_not_pass_ends_after_three_times(exchange, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "PAUSES", (0.0, 0.0))
    tried = []

    def full(self, loaded, start, *told):
        tried.append(start)
        raise MemoryError("Unable to allocate")

    monkeypatch.setattr(work.Tools, "compute", full)
    out = tmp_path / "volume.zarr"
    *events, end = run_stack(recipe_of(exchange, block=5), exchange, out)
    assert sorted(tried) == [0, 0, 0, 5, 5, 5] and end.done == 0
    assert [event.again for event in events if isinstance(event, BlockFailed)] == [True] * 4 + [False] * 2
    assert end.message.startswith("0 of 10 slices, 10 failed: out of memory with 5 slices at a time")
    notes = (Markers(out).folder / FAILURES).read_text().split()
    assert sum(note.startswith('{"identity"') for note in notes) == 2, "noted once, however often it came"


def test_a_bad_row_takes_as_many_as_look_at_it(exchange, tmp_path, monkeypatch, undisturbed):
    care = [{"name": "tilt", "params": {"degrees": 0.0, "bins": 32}}]
    recipe = recipe_of(exchange, block=4, care=care)
    expected = undisturbed(recipe)
    monkeypatch.setattr(type(recipe.steps()[0]), "halo", 1)  # of a tilt of 0, which looks at no other row
    failing(monkeypatch, (4,), InputError("a damaged page"))
    *_, end = run_stack(recipe, exchange, tmp_path / "volume.h5")
    assert end.message == "7 of 10 slices, 3 failed: a damaged page, in slices 3 to 5"
    good = [0, 1, 2, 6, 7, 8, 9]
    np.testing.assert_array_equal(read(tmp_path / "volume.h5")[good], expected[good])


def test_a_slice_that_care_or_the_method_refuses(exchange, tmp_path, monkeypatch, undisturbed):
    recipe = recipe_of(exchange, block=4, care=[{"name": "rings", "params": {"width": 5}}])
    expected = undisturbed(recipe)
    apply = Rings.apply

    def refuses(self, block, geometry):
        if geometry.first <= 2 < geometry.first + len(block):
            raise InputError("no rings here")
        return apply(self, block, geometry)

    monkeypatch.setattr(Rings, "apply", refuses)
    *_, end = run_stack(recipe, exchange, tmp_path / "volume.h5")
    assert end.message == "9 of 10 slices, 1 failed: Care step 'rings': no rings here, in slice 2"
    good = [0, 1, *range(3, 10)]
    np.testing.assert_array_equal(read(tmp_path / "volume.h5")[good], expected[good])
    monkeypatch.setattr(Rings, "apply", apply)
    bad = torch.from_numpy(expected)  # the method breaks where it sees the data of slice 2

    def solved(method, problem, *args, **kwargs):
        if (problem.A.fbp(problem.y)[:, 0] - bad[2]).abs().amax(dim=(1, 2)).min() < 1e-7:
            raise ZeroDivisionError("division by zero")
        return solve(method, problem, *args, **kwargs)

    from napari_mlpatch.stacks import job

    solve = job.solved
    monkeypatch.setattr(job, "solved", solved)
    *_, end = run_stack(recipe, exchange, tmp_path / "other.h5")
    assert end.message == "9 of 10 slices, 1 failed: ZeroDivisionError: division by zero, in slice 2"
    np.testing.assert_array_equal(read(tmp_path / "other.h5")[good], expected[good])


def test_which_failures_pass(tmp_path):
    assert is_passing(OSError(5, "Input/output error")) and is_passing(MemoryError())
    assert is_passing(OSError("unable to read (errno = 116, error message = 'Stale file handle')"))
    assert not is_passing(FileNotFoundError(2, "gone")) and not is_passing(InputError("a bad number"))
    with pytest.raises(OSError) as caught, h5py.File(tmp_path / "none.h5"):
        pass
    assert not is_passing(caught.value)


def test_slices_in_words():
    assert in_words([3]) == "slice 3" and in_words([3, 8, 9, 10]) == "slices 3, 8 to 10"
    assert in_words(range(0, 100, 2)).endswith("20, 22 and 38 other ranges")
