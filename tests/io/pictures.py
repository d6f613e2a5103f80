"""What tests of writing share: formats of pictures, a small problem."""

import sys

import pytest
import torch

import napari_mlpatch as mp

KINDS = (".tif", ".npy", ".h5", ".ome.tif", ".fits")
unix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits differ")


def problem():
    A = mp.operators.ParallelBeam(image_shape=(8, 8), angles_deg="0:180:6", detector_count=12)
    return mp.simulate(torch.ones(8, 8), A, mp.noise.Gaussian(), seed=0)
