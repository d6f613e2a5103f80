"""Lengths of 1e-300 or 1e20 and sizes of terabytes: InputError at once, before anything is allocated."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core import budget
from napari_mlpatch.core.declare import build, parameters
from napari_mlpatch.core.registry import operators

LENGTHS = (5e-324, 1e-20, 1e9, 1e20, 1.7e308)


def cases():
    for cls in operators:
        if cls.in_forms:
            yield from ((cls, p.name) for p in parameters(cls) if p.kind == "float")


@pytest.mark.parametrize(("cls", "name"), list(cases()), ids=lambda v: getattr(v, "name", v))
def test_lengths(cls, name, monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "0.1")
    for value in LENGTHS:
        try:
            A = build(operators, {"name": cls.name, "params": {**cls.suggest((12, 12)), name: value}})
            y = A(torch.ones(1, 1, *A.domain_shape))
            A.T(y)
            A.pinv(y)
        except mp.InputError as error:
            assert len(str(error)) > 30


@pytest.mark.parametrize("angles", ["0:1e300:5", [0.0, 1e20], [1e308] * 3])
@pytest.mark.parametrize("cls", [mp.operators.ParallelBeam, mp.operators.FanBeam])
def test_angles(cls, angles):
    with pytest.raises(mp.InputError, match="angles must be within"):
        cls(**{**cls.suggest((12, 12)), "angles_deg": angles})


@pytest.mark.parametrize("far", [1e9, 1e20, 1e200])
def test_sources_so_far_that_rays_are_parallel(far):
    known = mp.operators.FanBeam.suggest((12, 12))
    with pytest.raises(mp.InputError, match="such rays are parallel"):
        mp.operators.FanBeam(**known | {"source_to_axis": far, "source_to_detector": 10 * far})


def test_sizes():
    A = mp.operators.ParallelBeam(image_shape=(32768, 32768), angles_deg="0:180:1000000", detector_count=100_000)
    for call in (A.check_size, lambda: mp.simulate(torch.ones(1, 1), A), lambda: mp.Problem(A, torch.ones(1))):
        with pytest.raises(mp.InputError, match=r"needs .* of memory"):
            call()
