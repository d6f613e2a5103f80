"""PyTorch is not loaded before it is used."""

from __future__ import annotations

import subprocess
import sys

import torch

from napari_mlpatch import torch_later

DECLARATIONS = """
import sys, traceback


class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            ours = [f for f in traceback.extract_stack() if "napari_mlpatch" in f.filename]
            stack = [f for f in ours if not f.filename.endswith(LATER)]
            print(*[f"{f.filename}:{f.lineno}: {f.line}" for f in stack[-1:]] or ["another package"])


LATER = "torch_later.py"
sys.meta_path.insert(0, Watch())
import napari_mlpatch.gui.compare.compare_dock, napari_mlpatch.gui.problem.problem_dock
import napari_mlpatch.gui.reconstruct.reconstruct_dock
from napari_mlpatch.gui.compare.parts import plots, views
assert list(plots) and list(views)
from napari_mlpatch.core.registry import methods, noises, operators
assert operators.names() and methods.names() and noises.names()
assert not {"h5py", "napari_mlpatch.io.image_files"} & set(sys.modules), "readers are imported when a file is read"
assert "scipy.interpolate" not in sys.modules, "takes a second"
"""


def loaded(program):
    """The lines of this program that import torch, while that runs."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_forms_do_without_torch():
    lines = loaded(DECLARATIONS)
    assert not lines, f"torch is loaded by {lines}Use napari_mlpatch.torch_later, or import it where it is used."


def test_the_line_that_loads_torch_is_named():
    using = "from napari_mlpatch.core.array import Array\nimport napari_mlpatch as mp\nmp.io.samples.load('tooth')"
    assert "napari_mlpatch" in loaded(f"{DECLARATIONS}\n{using}")


def test_it_is_the_module_itself():
    assert torch_later.torch.float32 is torch.float32
    assert torch_later.F.pad is torch.nn.functional.pad
