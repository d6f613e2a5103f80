"""The wheel, built from the source distribution, holds all that the program needs and finds it."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import numpy
import pytest

from napari_mlpatch.paths import bundled

ROOT = Path(__file__).parents[1]
SHIPPED = ("resources", "sample_data", "benchmarks")

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def tracked(folder: str) -> set[str]:
    """The files under `folder` that git knows."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a clone, to know which files belong to the project")
    return set(filter(None, run("git", "ls-files", "-z", folder, cwd=ROOT).split("\0")))


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    """A folder with the sdist and the wheel that was built from it."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return out


@pytest.fixture(scope="module")
def wheel(dist) -> Path:
    (path,) = dist.glob("napari_mlpatch-*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """The interpreter of a new environment: the wheel itself, and the dependencies of this one."""
    env = tmp_path_factory.mktemp("env")
    venv.create(env, with_pip=False, symlinks=True)
    python = env / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=env)
    site = next(env.glob("lib/python*/site-packages"))
    (site / "dependencies.pth").write_text(str(Path(numpy.__file__).parents[1]))
    return python


def test_wheel_holds_all_files_once(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        manifest = archive.getinfo("napari_mlpatch/napari.yaml")
        assert manifest.external_attr >> 28 == 0o10, "the manifest is not a regular file"
        assert archive.read(manifest) == (ROOT / "napari.yaml").read_bytes()
    assert len(names) == len(set(names))
    for folder in SHIPPED:
        expected = {f"napari_mlpatch/{name}" for name in tracked(folder)}
        assert expected, f"{folder} is empty"
        assert expected <= set(names)
    tops = {name.split("/")[0] for name in names}
    assert tops == {"napari_mlpatch", wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"}


def test_sdist_is_complete(dist):
    (path,) = dist.glob("napari_mlpatch-*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tracked(".") - {".gitignore"} <= names


def test_wheel_metadata(python, tmp_path):
    code = """
import importlib.metadata as metadata
import napari_mlpatch
assert napari_mlpatch.__version__ == metadata.version("napari-mlpatch"), napari_mlpatch.__version__
distribution = metadata.distribution("napari-mlpatch")
assert "Framework :: napari" in distribution.metadata.get_all("Classifier")
required = [line for line in distribution.requires if "extra ==" not in line]
assert not [line for line in required if "pyqt5" in line.lower() or "pyqt6" in line.lower()], required
(script,) = distribution.entry_points.select(group="console_scripts")
print(script.name, script.value)
"""
    assert run(python, "-c", code, cwd=tmp_path).split() == ["mlpatch", "napari_mlpatch.cli:main"]


def test_installed_manifest_is_found_and_valid(python, tmp_path):
    code = """
from npe2 import PluginManifest
manifest = PluginManifest.from_distribution("napari-mlpatch")
assert manifest.name == "napari-mlpatch"
assert len(manifest.contributions.widgets) == 8, manifest.contributions.widgets
print(*[sample.key for sample in manifest.contributions.sample_data])
"""
    keys = run(python, "-c", code, cwd=tmp_path).split()
    measured = ["tooth", "htc2022", "brain-kspace", "cosmos-shear"]
    simulated = ["shepp-logan-30", "body-ct-60", "deblurring"]
    assert keys == [*measured, *simulated, "body-slice", "kappa", "ct-slice", "shepp-logan", "natural"]


@pytest.mark.skipif(not (ROOT / "napari_mlpatch/gui/__init__.py").exists(), reason="gui is not there yet")
def test_installed_contributions_can_be_called(python, tmp_path):
    code = """
import os
os.environ["NAPARI_CONFIG"] = ""
from npe2 import PluginManager, PluginManifest
manifest = PluginManifest.from_distribution("napari-mlpatch")
manifest.validate_imports()
manager = PluginManager.instance()
manager.register(manifest)
for sample in manifest.contributions.sample_data:
    layers = sample.open()
    assert layers and all(layer[0].size for layer in layers), sample.key
print("called")
"""
    assert run(python, "-c", code, cwd=tmp_path).endswith("called\n")


@pytest.mark.parametrize("name", [*SHIPPED, "napari.yaml"])
def test_bundled_finds_it_installed(python, tmp_path, name):
    code = f"from napari_mlpatch.paths import bundled; print(bundled({name!r}))"
    found = Path(run(python, "-c", code, cwd=tmp_path).strip())
    assert found.exists()
    assert found.is_relative_to(python.parents[1])


@pytest.mark.parametrize("name", [*SHIPPED, "napari.yaml"])
def test_bundled_finds_it_in_the_checkout(name):
    assert bundled(name).samefile(ROOT / name)


def test_bundled_says_what_is_missing():
    with pytest.raises(FileNotFoundError, match=r"'resources/none\.bin' should come with napari-mlpatch"):
        bundled("resources/none.bin")
