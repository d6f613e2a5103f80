"""A session as a folder: everything comes back as it was, and nothing of others is touched."""

import dataclasses
import json
import math
import shutil

import h5py
import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.cli import main
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.iterates import Recorder
from napari_mlpatch.core.run import Done, continued, run
from napari_mlpatch.interop.functions import FromFunctions


@pytest.fixture(scope="module")
def session():
    A = mp.operators.ParallelBeam(image_shape=(16, 12), angles_deg="0:180:15", detector_count=24)
    simulated = mp.simulate(torch.rand(16, 12), A, noise=mp.noise.Gaussian(relative=0.05), seed=7)
    stack = mp.Problem(mp.operators.Inpainting(image_shape=(8, 9)), torch.rand(2, 3, 8, 9), notes=("three colours",))
    first = mp.reconstruct(simulated, mp.methods.Tikhonov(weight=0.1, iterations=4), seed=3)
    second = mp.reconstruct(simulated, mp.methods.TV(weight=0.1, iterations=5))
    third = mp.reconstruct(stack, mp.methods.TV(weight=0.1, iterations=2))
    third = dataclasses.replace(third, metrics=third.metrics | {"odd": math.nan}, notes=("a note",), note="another")
    third = dataclasses.replace(third, not_found="a reason")
    frame = {"scale": [0.5, 0.5], "units": ["mm", "mm"]}
    return io.Session(
        (io.SavedProblem(simulated, "a disc", frame, ("seen",)), io.SavedProblem(stack, "a stack")),
        (io.SavedResult(first, 0, "Tikhonov"), io.SavedResult(third, 1, "TV", False), io.SavedResult(second, 0)),
        current=0,
        selected=2,
        view={"name": "wipe", "kind": "error", "position": 0.25},
    )


def same(a, b):
    assert torch.equal(a.x, b.x) and a.x.dtype == b.x.dtype
    assert a.history == b.history and json.dumps(a.metrics) == json.dumps(b.metrics)
    assert all(type(row["k"]) is int for row in b.history)
    for name in ("seconds", "peak_bytes", "iterations", "converged", "notes", "note", "not_found"):
        assert getattr(a, name) == getattr(b, name), name
    ours, theirs = (json.loads(r.recipe.to_json()) for r in (a, b))
    assert {**ours, "data": 0} == {**theirs, "data": 0} and a.recipe.data.sha256 == b.recipe.data.sha256


def test_all_comes_back(tmp_path, session):
    folder = io.write_session(tmp_path / "s", session)
    again = io.read_session(folder)
    assert (again.current, again.selected, dict(again.view)) == (0, 2, dict(session.view))
    assert [(s.title, s.problem, s.shown) for s in again.results] == [
        (s.title, s.problem, s.shown) for s in session.results
    ]
    for old, new in zip(session.problems, again.problems, strict=True):
        assert new.problem.same_as(old.problem) and new.problem.noise_std == old.problem.noise_std
        assert (new.title, dict(new.frame), new.notes) == (old.title, dict(old.frame), old.notes)
        assert (new.problem.truth is None) == (old.problem.truth is None)
    assert torch.equal(again.problems[0].problem.truth, session.problems[0].problem.truth)
    for old, new in zip(session.results, again.results, strict=True):
        same(old.result, new.result)


def test_a_result_is_continued_as_if_there_had_been_no_pause(tmp_path, session):
    again = io.read_session(io.write_session(tmp_path / "s", session))

    def on(saved, problem):
        result = saved.result
        recipe = continued(result.recipe, 9)
        *_, done = run(recipe, problem, state=result.state, history=result.history)
        assert isinstance(done, Done), done
        return done.result

    expected = on(session.results[2], session.problems[0].problem)
    found = on(again.results[2], again.problems[0].problem)
    assert torch.equal(found.x, expected.x) and found.iterations == 9


def test_what_was_in_memory_is_replayed_from_the_folder_also_where_it_was_moved(tmp_path, session, capsys):
    folder = io.write_session(tmp_path / "s", session)
    assert all(main(["replay", str(path)]) == 0 for path in folder.glob("t*.h5"))
    moved = shutil.move(folder, tmp_path / "elsewhere")
    again = io.read_session(moved)
    source = again.results[0].result.recipe.data.source
    assert source["kind"] == "file" and source["path"].startswith(str(moved))
    capsys.readouterr()
    assert main(["replay", str(next(moved.glob("tikhonov*.h5"))), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["largest_difference"] == 0


def test_the_command_tells_what_is_inside(tmp_path, session, capsys):
    folder = io.write_session(tmp_path / "s", session)
    assert main(["session", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("problem 1: a disc") and lines[-1].startswith("*") and "tv" in lines[-1]
    assert main(["session", str(folder), "--json"]) == 0
    assert [r["title"] for r in json.loads(capsys.readouterr().out)["results"]] == ["Tikhonov", "TV", ""]


def test_data_of_a_file_keep_their_name(tmp_path):
    problem = mp.io.samples.problem("shepp-logan-30")
    saved = io.Session((io.SavedProblem(problem),), (io.SavedResult(mp.reconstruct(problem, mp.methods.FBP())),))
    again = io.read_session(io.write_session(tmp_path / "s", saved))
    assert again.problems[0].problem.source == problem.source == again.results[0].result.recipe.data.source


def test_saved_again_only_what_is_new_is_written(tmp_path, session):
    folder = io.write_session(tmp_path / "s", session)
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    io.write_session(folder, session)
    after = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert before.pop("session.json") != after.pop("session.json") and before == after
    fewer = dataclasses.replace(session, results=session.results[:1], selected=0)
    io.write_session(folder, fewer)
    assert len(list(folder.glob("t*.h5"))) == 1 and len(io.read_session(folder).results) == 1


@pytest.mark.parametrize("name", ["thesis.tex", "x.h5", "session.json"])
def test_foreign_folders_are_refused(tmp_path, session, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(InputError, match=f"holds {name}, which this program has not written"):
        io.write_session(tmp_path, session)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    io.write_session(tmp_path, session, force=True)
    assert name == "session.json" or (tmp_path / name).read_text() == "precious"


def test_a_session_that_was_changed_is_refused(tmp_path, session):
    folder = io.write_session(tmp_path / "s", session)
    text = (folder / "session.json").read_text()
    (folder / "session.json").write_text(text.replace("wipe", "blink"))
    assert not io.is_session(folder) and io.read_session(folder).view["name"] == "blink"
    with pytest.raises(InputError, match="changed since"):
        io.write_session(folder, session)


def test_after_an_error_all_is_as_before(tmp_path, session, monkeypatch):
    folder = io.write_session(tmp_path / "s", dataclasses.replace(session, results=session.results[:1], selected=0))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)  # the last of all files
    for target in (folder, tmp_path / "new"):
        with pytest.raises(InputError, match="No space left"):
            io.write_session(target, session)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert not (tmp_path / "new").exists()


def test_operators_of_python_functions_are_refused(tmp_path):
    A = FromFunctions(apply=lambda x: 2 * x, adjoint=lambda y: 2 * y, domain_shape=(4, 4), range_shape=(4, 4))
    with pytest.raises(InputError, match="Python functions"):
        io.write_session(tmp_path / "s", io.Session((io.SavedProblem(mp.Problem(A, torch.ones(4, 4))),)))
    assert not (tmp_path / "s").exists()


def manifest(change):
    def edit(folder):
        values = json.loads((folder / "session.json").read_text())
        change(values)
        (folder / "session.json").write_text(json.dumps(values))

    return edit


def first(folder, pattern):
    return sorted(folder.glob(pattern))[0]


def resealed(change, pattern="tikhonov*.h5"):
    """A file changed by one who knows how to seal."""

    def edit(folder):
        from napari_mlpatch.io.own import blank_seal, seal

        path = first(folder, pattern)
        with h5py.File(path, "r+") as file:
            change(file)
            file.attrs["mlpatch_seal"] = np.bytes_(blank_seal("measurement" if pattern[0] == "m" else "picture"))
        seal(path)

    return edit


def about(change):
    def edit(file):
        values = json.loads(file["about"][()].tobytes())
        change(values)
        del file["about"]
        file.create_dataset("about", data=np.frombuffer(json.dumps(values).encode(), np.uint8))

    return resealed(edit)


def replaced(name, **dataset):
    def edit(file):
        del file[name]
        file.create_dataset(name, **dataset)

    return edit


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "session.json").unlink(), "holds no session.json"),
        (lambda folder: (folder / "session.json").write_text("{"), "malformed"),
        (lambda folder: (folder / "session.json").write_text("[" * 100_000), "malformed"),
        (manifest(lambda m: m.update(format="napari-mlpatch session 9")), "format 9.*newer"),
        (manifest(lambda m: m.update(format="something")), "no session"),
        (manifest(lambda m: m.pop("problems")), "problems"),
        (manifest(lambda m: m["problems"][0].update(file="../x.h5")), "not the name of a file"),
        (manifest(lambda m: m["problems"][0].update(file="/etc/passwd")), "not the name of a file"),
        (manifest(lambda m: m["results"][0].update(file="gone.h5")), "gone.h5 is missing"),
        (manifest(lambda m: m["results"][0].update(problem=7)), "problem 7"),
        (manifest(lambda m: m["results"][0].update(problem=1)), "other data"),
        (manifest(lambda m: m.update(selected=-1)), "selected result"),
        (lambda folder: first(folder, "t*.h5").write_bytes(b"\x89HDF\r\n\x1a\n"), "damaged"),
        (lambda folder: first(folder, "m*.h5").write_bytes(b""), "damaged"),
        (resealed(replaced("image", shape=(10**6, 10**6), dtype="f4")), "damaged"),
        (resealed(replaced("image", data=np.ones((3, 3), np.float32))), r"\[3, 3\]"),
        (resealed(replaced("image", data=np.full((16, 12), np.nan, np.float32))), "NaN"),
        (resealed(replaced("about", data=np.frombuffer(b"{", np.uint8))), "cannot be read"),
        (about(lambda a: a.pop("mlpatch_result")), "no result"),
        (about(lambda a: a["mlpatch_result"].update(history="long")), "history"),
        (about(lambda a: a["mlpatch_result"].update(state={"tensor": "image"})), "state of a result is damaged"),
        (about(lambda a: a["mlpatch_recipe"]["method"].update(name="magic")), "magic"),
        (about(lambda a: a.update(mlpatch_recipe=None)), "not a recipe"),
    ],
)
def test_bad_folders(tmp_path, session, change, words):
    folder = io.write_session(tmp_path / "s", session)
    change(folder)
    with pytest.raises(InputError, match=words):
        io.read_session(folder)


def test_iterates_are_kept_within_a_bound_and_looked_at_again(tmp_path):
    A = mp.operators.ParallelBeam(image_shape=(16, 12), angles_deg="0:180:15", detector_count=24)
    problem = mp.simulate(torch.rand(16, 12), A, noise=mp.noise.Gaussian(relative=0.05), seed=7)
    recorder = Recorder()
    result = mp.reconstruct(problem, mp.methods.TV(weight=0.1, iterations=20, tolerance=0.0), recorder=recorder)
    session = io.Session((io.SavedProblem(problem),), (io.SavedResult(result, iterates=recorder),))
    size = 16 * 12 * 4
    for name, room, ks in (
        ("all", {}, recorder.ks),
        ("some", {"iterates": 7 * size}, sorted({1, 4, 8, 12, 16, 20, recorder.best()})),
        ("few", {"iterates": 3 * size}, sorted({1, 20, recorder.best()})),
        ("none", {"iterates": 0}, []),
    ):
        again = io.read_session(io.write_session(tmp_path / name, session, **room)).results[0]
        kept = again.iterates
        assert (kept is None and not ks) or kept.ks == ks, name
        assert torch.equal(again.result.x, result.x)
        for k in ks:
            assert torch.equal(kept.at(k), recorder.at(k))
        assert not ks or (kept.best() == recorder.best() and kept.history() == recorder.history())
