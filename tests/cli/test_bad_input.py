"""Bad input costs exit code 2, one line on standard error, and no file."""

import json

import numpy as np
import pytest

from napari_mlpatch import io

ANGLES = 30
Y = f"reconstruct y.npy --angles 0:180:{ANGLES} --method fbp --out OUT.tif"
M = "reconstruct m.h5 --method tv --out OUT.tif"
SIMULATE = "simulate --operator parallel-beam --size 16 --out OUT.h5"

BAD = {
    # the data
    "four axes": (Y.replace("y.npy", "axes.npy"), "[2, 2, 3, 4]"),
    "NaN": (Y.replace("y.npy", "nan.npy"), "1 NaN or infinite value(s), the first at index [3, 4]"),
    "infinite": (Y.replace("y.npy", "inf.npy"), "1 NaN or infinite value(s), the first at index [3, 4]"),
    "zero counts": (Y.replace("y.npy", "zero.npy") + " --flat 100", "their logarithm does not exist"),
    "angles beside rows": (Y.replace(f"180:{ANGLES}", "180:7"), "7 angles for 30 rows"),
    "no angles": (Y.replace(f"--angles 0:180:{ANGLES}", ""), "does not say at which angles"),
    "angles unknown": (Y.replace(f"0:180:{ANGLES}", "none.txt"), "none.txt"),
    "centre outside": (Y + " --center 500", "500"),
    "empty file": (M.replace("m.h5", "empty.h5"), "is empty (0 bytes)"),
    "truncated file": (M.replace("m.h5", "cut.h5"), "cut.h5"),
    "no file": (M.replace("m.h5", "none.h5"), "does not exist"),
    "a folder": (M.replace("m.h5", "mixed"), "must be two-dimensional and of one size"),
    "a picture": (M.replace("m.h5", "x.tif"), "does not say at which angles"),
    "wrong shape of the truth": (M + " --truth small.tif", "The truth has shape [8, 8]"),
    "wrong shape of the image": (f"{SIMULATE} --sample camera --set image_shape=9", "[batch, channel, 9, 9]"),
    # what is asked for
    "unknown sample": (M.replace("m.h5", "sample:moon"), "no sample 'moon'"),
    "sample is an image": (M.replace("m.h5", "sample:camera"), "is an image"),
    "sample is measured": (f"{SIMULATE} --sample tooth", "is a measurement"),
    "unknown operator": ("simulate --operator lens --sample camera --out OUT.h5", "Unknown operator 'lens'"),
    "unknown noise": (f"{SIMULATE} --sample camera --noise pink", "Unknown noise 'pink'"),
    "two images": (f"{SIMULATE} --sample camera --image x.tif", "not allowed with"),
    "bad size": (f"{SIMULATE} --sample camera --size 3", "from 16 to 4096"),
    "unknown method": (M.replace("tv", "magic"), "Unknown method 'magic'"),
    "unknown parameter": (M + " --set wieght=1", "unknown parameter 'wieght' (known: weight,"),
    "no value": (M + " --set weight", "key=value"),
    "no number": (M + " --set weight=much", "weight: Input should be a valid number"),
    "out of bounds": (M + " --set weight=-1", "weight: Input should be greater than 0, got"),
    "not finite": (M + " --set weight=nan", "weight: "),
    "bad choice": (M + " --set norm=door", "norm: Input should be 'isotropic' or 'anisotropic'"),
    "bad slice": (M + " --slice first", "argument --slice: invalid number or 'all' value: 'first'"),
    "bad shape": (M + " --image-shape big", "argument --image-shape: a shape is written rows x columns"),
    "unknown weights": (M + " --weights lgd", "Unknown weights 'lgd'"),
    "unknown device": (M + " --device abacus", "Unknown device 'abacus'"),
    "device that is not here": (M + " --device meta", "The device 'meta' cannot be used here"),
    "bad seed": (M + " --seed -1", "argument --seed: invalid seed value: '-1'"),
    "seed too large": (f"{SIMULATE} --sample camera --seed {2**63}", "argument --seed: invalid seed value"),
    "unknown option": (M + " --speed 9", "unrecognized arguments: --speed 9"),
    "abbreviated option": (M + " --dev cpu", "unrecognized arguments: --dev cpu"),
    # results
    "unknown format": (M.replace("OUT.tif", "OUT.xyz"), "'OUT.xyz' does not end in .tif"),
    "no folder": (M.replace("OUT.tif", "none/x.tif"), "does not exist. Create it first."),
    "file for a folder": (M.replace("OUT.tif", "y.npy/x.tif"), "y.npy does not exist"),
    "folder for a file": (M.replace("OUT.tif", "folder.tif"), "is a folder"),
    "no folder for a simulation": (f"{SIMULATE} --sample camera --out none/m.h5", "Create it first"),
    # recipes
    "unknown key": ("replay key.json --out OUT.tif", "unknown parameter 'color'"),
    "unknown key inside": ("replay inside.json --out OUT.tif", "unknown parameter 'method.parms'"),
    "unknown parameter of a recipe": ("replay parameter.json --out OUT.tif", "unknown parameter 'wieght'"),
    "broken recipe": ("replay broken.json --out OUT.tif", "This is not a recipe"),
    "bad seed of a recipe": ("replay seed.json --out OUT.tif", "seed: Input should be greater than or equal to 0"),
    "no recipe": ("replay small.tif --out OUT.tif", "carries no recipe"),
    "weights that are not here": ("replay weights.json --out OUT.tif", "Unknown weights"),
    "other data": ("replay changed.json --out OUT.tif", "has another fingerprint"),
    "other data given": ("replay x.tif --data other.h5 --out OUT.tif", "other.h5 has another fingerprint"),
    "no data": ("replay gone.json --out OUT.tif", "does not exist"),
    "data in memory": ("replay memory.json --out OUT.tif", "only in the memory"),
    # figures
    "recipe without a picture": ("evaluate key.json", "unknown parameter 'color'"),
    "another image": ("evaluate x.tif --truth small.tif", "They must be equal"),
    "another measurement": ("evaluate small.tif --measurement m.h5", "has shape [8, 8]"),
    "NaN in a picture": ("evaluate nan.npy --truth nan.npy", "nan.npy holds NaN"),
    "data range": ("evaluate x.tif --data-range -1", "--data-range must be a positive number"),
    "unknown benchmark": ("bench moon", "There is no benchmark 'moon'"),
    "unknown row": ("reproduce moon", "moon"),
    # verbs
    "unknown verb": ("reconstuct m.h5", "There is no verb 'reconstuct'. Did you mean reconstruct?"),
    "nothing like a verb": ("42", "Known: list, simulate"),
    "nothing given": ("simulate", "the following arguments are required: --operator"),
}


@pytest.fixture
def files(here):
    """Bad data and recipes beside the good ones."""
    y = np.load("y.npy")
    for name, base, value in (("nan", y, np.nan), ("inf", y, np.inf), ("zero", np.full_like(y, 50), 0)):
        changed = base.copy()
        changed[3, 4] = value
        np.save(f"{name}.npy", changed)
    np.save("axes.npy", np.zeros((2, 2, 3, 4), np.float32))
    (here / "empty.h5").touch()
    (here / "cut.h5").write_bytes((here / "m.h5").read_bytes()[:5000])
    (here / "folder.tif").mkdir()
    io.write_image("small.tif", np.eye(8))
    problem = io.read_measurement("m.h5")
    io.write_measurement("other.h5", type(problem)(problem.A, problem.y + 1))

    recipe = io.read_image("x.tif")[1]
    source = recipe["data"]["source"]
    changes = {
        "key": {"color": "red"},
        "inside": {"method": recipe["method"] | {"parms": {}}},
        "parameter": {"method": {"name": "tv", "params": {"wieght": 1}}},
        "seed": {"seed": -1},
        "weights": {"weights": "0" * 64},
        "changed": {"data": recipe["data"] | {"sha256": "0" * 64}},
        "gone": {"data": recipe["data"] | {"source": source | {"path": "/nowhere/none.h5"}}},
        "memory": {"data": recipe["data"] | {"source": {"kind": "memory"}}},
    }
    for name, change in changes.items():
        (here / f"{name}.json").write_text(json.dumps(recipe | change))
    (here / "broken.json").write_text(json.dumps(recipe)[:99])
    (here / "mixed").mkdir()
    for name, shape in (("a", (30, 92)), ("b", (2, 2, 3, 4))):
        np.save(here / "mixed" / f"{name}.npy", np.ones(shape, np.float32))
    return here


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(files, mlpatch, name):
    line, words = BAD[name]
    for existing in (False, True):
        if existing and "OUT" in line:
            out = files / line[line.index("OUT") :].split()[0]
            out.write_bytes((files / ("m.h5" if out.suffix == ".h5" else "small.tif")).read_bytes())
        before = contents(files)
        code, text, error = mlpatch(line)
        assert (code, text) == (2, "")
        *notes, last = error.splitlines()
        assert last.startswith("mlpatch: ") and words in last
        assert not notes or notes[0] == "m.h5:", "only what was read is told before"
        assert contents(files) == before
