"""Outputs through symbolic links, pipes and devices: links stay, and nothing is replaced that is read or foreign."""

import json
import os
import stat

import numpy as np
import pytest

from napari_mlpatch import io

FBP = "reconstruct m.h5 --method fbp --out {}"
SUFFIXES = [".tif", ".h5", ".fits", ".npy"]


def everything(folder):
    """Names, kinds, contents and where links lead."""
    found = {}
    for path in sorted(folder.rglob("*")):
        kind = stat.S_IFMT(path.lstat().st_mode)
        content = path.read_bytes() if stat.S_ISREG(kind) else os.readlink(path) if stat.S_ISLNK(kind) else ""
        found[path.relative_to(folder).as_posix()] = kind, content
    return found


def assert_refused(here, mlpatch, line, *words):
    before = everything(here)
    code, _, error = mlpatch(line)
    assert code == 2 and any(word in error for word in words), error
    assert error.count("\n") == 1, "one line, no traceback"
    assert everything(here) == before


def test_links_to_what_is_read(here, mlpatch):
    (here / "data").mkdir()
    (here / "m.h5").rename(here / "data" / "m.h5")
    os.symlink("data/m.h5", "m.h5")
    os.symlink("data", "folder")
    os.symlink("m.h5", "again.h5")
    os.symlink("folder", "twice")
    for out in ("m.h5", "again.h5", "folder/m.h5", "twice/m.h5", "data/../folder/m.h5", "data/m.h5"):
        assert_refused(here, mlpatch, FBP.format(out), "is what is read here")
        assert_refused(here, mlpatch, f"simulate --operator identity --image m.h5 --out {out}", "read here", "picture")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_links_to_files_of_others(here, mlpatch, suffix):
    (here / "theirs").mkdir()
    (here / "theirs" / f"a{suffix}").write_bytes(b"precious")
    os.symlink(f"theirs/a{suffix}", f"link{suffix}")
    os.symlink("theirs", "folder")
    for out in (f"link{suffix}", f"folder/a{suffix}"):
        assert_refused(here, mlpatch, FBP.format(out), "this program has not made it")
    assert mlpatch(FBP.format(f"link{suffix}") + " --force")[0] == 0
    assert (here / f"link{suffix}").is_symlink() and io.read_image(here / "theirs" / f"a{suffix}")[0].shape == (64, 64)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_links_to_own_outputs_and_to_nothing_stay(here, mlpatch, suffix):
    (here / "far").mkdir()
    os.symlink(f"far/a{suffix}", f"a{suffix}")
    os.symlink("far", "folder")
    for _ in range(2):  # at first it leads to nothing
        assert mlpatch(FBP.format(f"a{suffix}"))[0] == 0
        assert os.readlink(here / f"a{suffix}") == f"far/a{suffix}" and (here / "far" / f"a{suffix}").is_file()
        assert mlpatch(FBP.format(f"folder/b{suffix}"))[0] == 0
        assert (here / "folder").is_symlink() and (here / "far" / f"b{suffix}").is_file()
    assert not [name for name in os.listdir(here / "far") if name.startswith(".mlpatch")]


@pytest.mark.parametrize("more", ["", " --force"])
def test_links_that_lead_nowhere(here, mlpatch, more):
    os.symlink("circle.tif", "circle.tif")
    os.symlink("two.tif", "one.tif")
    os.symlink("one.tif", "two.tif")
    os.symlink("missing/x.tif", "lost.tif")
    os.symlink("no-folder", "gone")
    os.symlink("round", "round")
    for out in ("circle.tif", "one.tif", "lost.tif", "gone/x.tif", "round/x.tif"):
        words = "leads in a circle", "does not exist", "No such file", "Too many levels"
        assert_refused(here, mlpatch, FBP.format(out) + more, *words)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("more", ["", " --force"])
def test_pipes_and_devices_stay(here, mlpatch, more):
    """Both seem to be empty files."""
    os.mkfifo("pipe.tif")
    os.symlink("pipe.tif", "x.tif.tif")
    os.symlink("/dev/null", "null.tif")
    os.mkfifo("a.json")
    for out in ("pipe.tif", "x.tif.tif", "null.tif", "a.npy"):
        assert_refused(here, mlpatch, FBP.format(out) + more, "as a pipe or a device")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_notes_beside_an_array_are_outputs_too(here, mlpatch):
    (here / "recipe.json").write_text(json.dumps(io.read_image(here / "x.tif")[1]))
    os.symlink("recipe.json", "a.json")
    (here / "b.json").mkdir()
    assert_refused(here, mlpatch, "reconstruct m.h5 --method recipe.json --out a.npy", "a.json", "recipe.json")
    assert_refused(here, mlpatch, FBP.format("a.npy"), "a.json is there already")
    assert_refused(here, mlpatch, FBP.format("b.npy") + " --force", "b.json is a folder")


@pytest.mark.parametrize("ending", ["", ".tif", ".h5", ".zarr"])
def test_volumes(here, mlpatch, ending):
    (here / "scan").mkdir()
    for k in range(2):
        np.save(here / "scan" / f"{k}.npy", np.load("y.npy"))
    np.savetxt(here / "angles.txt", np.arange(30) * 6.0)
    line = f"batch run scan --angles angles.txt --method fbp --executor threads --workers 1 --out {{}}{ending}"
    os.symlink(f"round{ending}", f"round{ending}")
    os.symlink("scan", f"same{ending}")
    (here / f"theirs{ending}").mkdir()
    (here / f"theirs{ending}" / "precious.txt").write_text("precious")
    os.symlink(f"theirs{ending}", f"foreign{ending}")
    os.mkfifo(f"pipe{ending}")
    for out in ("round", "same", "foreign", "pipe"):
        for more in ("", " --force"):
            before = everything(here)
            code, _, error = mlpatch(line.format(out) + more)
            assert code == 2 and error, (out, code)
            assert "Traceback" not in error and everything(here) == before


def test_weights_of_a_training(here, mlpatch):
    """They are named like the recipe: its file, and files of others, stay."""
    code, text, _ = mlpatch("train --example dncnn")
    assert code == 0
    recipe = json.loads(text) | {"name": "mine", "steps": 1, "images": 1}
    recipe["data"] |= {"count": 3, "size": 64, "hold_out": 1}
    (here / "mine.json").write_text(json.dumps(recipe))
    assert_refused(here, mlpatch, "train mine.json --out .", "which is read here")
    (here / "out").mkdir()
    (here / "out" / "mine.json").write_text('{"precious": 1}')
    assert_refused(here, mlpatch, "train mine.json --out out", "not as this program writes them")
    (here / "out" / "mine.json").unlink()
    (here / "out" / "mine.safetensors").write_bytes(b"precious")
    assert_refused(here, mlpatch, "train mine.json --out out", "it has no card")
    (here / "out" / "mine.safetensors").unlink()
    (here / "far").mkdir()
    os.symlink("../far/w.safetensors", here / "out" / "mine.safetensors")
    for _ in range(2):
        assert mlpatch("train mine.json --out out")[0] == 0
    assert (here / "out" / "mine.safetensors").is_symlink() and (here / "far" / "w.safetensors").is_file()
    from napari_mlpatch import weights

    assert weights.load(here / "out" / "mine.safetensors").card.steps == 1
