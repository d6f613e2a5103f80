"""PyTorch is not loaded before it is used."""

from __future__ import annotations

import subprocess
import sys

import torch

from napari_mlpatch import torch_later

DECLARATIONS = """
import sys
import napari_mlpatch.gui.compare_dock, napari_mlpatch.gui.problem_dock, napari_mlpatch.gui.reconstruct_dock
from napari_mlpatch.core.registry import methods, noises, operators
assert operators.names() and methods.names() and noises.names()
print("torch" in sys.modules)
"""


def test_forms_do_without_torch():
    done = subprocess.run([sys.executable, "-c", DECLARATIONS], capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr


def test_it_is_the_module_itself():
    assert torch_later.torch.float32 is torch.float32
    assert torch_later.F.pad is torch.nn.functional.pad
