"""The site builds without a warning, and has a page for each method and operator; so does the text have its picture."""

import importlib.util
import os
import subprocess
import sys
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from napari_mlpatch.core.page import page
from napari_mlpatch.core.registry import methods, operators
from napari_mlpatch.explore.example import Example, example

ROOT = Path(__file__).parents[1]


def test_site(tmp_path):
    pytest.importorskip("mkdocs")
    env = os.environ | {"MLPATCH_PICTURES": "0", "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for kind, registry in (("methods", methods), ("operators", operators)):
        for cls in registry:
            if not cls.__module__.startswith(f"napari_mlpatch.{kind}."):
                continue  # of another package, of a test, or of a published row
            text = unescape((tmp_path / kind / cls.name / "index.html").read_text(encoding="utf-8"))
            assert all(line in text for line in page(cls).equation.splitlines())
    assert "reconstruct" in (tmp_path / "api" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "name"), [("methods", "fbp"), ("operators", "super-resolution"), ("operators", "mri-cartesian")]
)
def test_picture(kind, name):
    shown = example(kind, name)
    assert shown is not None and len(shown.pictures) == len(shown.captions) == len(shown.ranges) == 3
    assert all(np.isfinite(p).all() and p.std() > 0 for p in shown.pictures)
    strip = shown.strip()
    assert strip.dtype == np.uint8 and strip.shape[0] == max(p.shape[0] for p in shown.pictures) and strip.std() > 20
    assert shown.caption.startswith("Left to right: ") and shown.caption.endswith(".")


def test_strip_of_pictures_of_different_heights():
    pictures = (np.array([[0.0, 1.0]]), np.array([[2.0, 4.0], [3.0, 4.0]]))
    strip = Example(("a", "b"), pictures, ((0.0, 1.0), (2.0, 4.0))).strip()
    white = np.full((2, 4), 255)
    assert strip.tolist() == np.hstack([[[0, 0, 255, 255]] * 2, white, [[0, 255], [127, 255]]]).tolist()


def test_nothing_else_has_a_picture():
    assert example("noises", "gaussian") is None


PICTURES = sorted((ROOT / "docs").glob("*.png"))


def test_pictures_are_small_and_those_that_the_script_makes():
    script = _script()
    assert [p.name for p in PICTURES] == sorted(script.COMMITTED.values())
    assert sum(p.stat().st_size for p in PICTURES) < 400_000


def test_film_is_a_minute_long(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    camera = _script().Camera(None, tmp_path, filmed=True)
    camera.frames = [np.full((70, 100, 3), k, np.uint8) for k in range(60)]
    camera.write(tmp_path / "film.mp4")
    about = next(ffmpeg.read_frames(str(tmp_path / "film.mp4")))
    assert about["duration"] == 60.0 and about["size"] == (96, 64)


def _script():
    spec = importlib.util.spec_from_file_location("make_pictures", ROOT / "docs" / "make_pictures.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
